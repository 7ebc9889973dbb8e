#include "pump_client/collector.h"

#include <algorithm>
#include <string_view>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"

namespace drainer {

namespace {

// A sequence's cache refill looks like a DDL, but its id is in no job history.
bool is_sequence_value(ByteView query) {
  constexpr std::string_view kPrefix = "select setval";
  return query.size() >= kPrefix.size() &&
         std::equal(kPrefix.begin(), kPrefix.end(), query.begin(), [](char wanted, char seen) {
           return wanted == (seen >= 'A' && seen <= 'Z' ? seen + ('a' - 'A') : seen);
         });
}

}  // namespace

Result<void> Collector::run(const StopToken& stop) {
  Result<void> result = run_until_stopped(stop);
  output_.close();
  return result;
}

Result<void> Collector::run_until_stopped(const StopToken& stop) {
  while (std::optional<tidb::BinlogItem> item = merger_.take(stop)) {
    if (item->binlog().is_ddl()) {
      ASSIGN_OR_RETURN(const bool wanted, complete_ddl(*item, stop));
      if (!wanted) continue;
    }
    const size_t size_bytes = item->size_bytes();
    if (!output_.push(std::move(*item), size_bytes, stop)) break;
  }
  return {};
}

Result<bool> Collector::complete_ddl(tidb::BinlogItem& item, const StopToken& stop) {
  const tidb::BinlogView& binlog = item.binlog();
  if (is_sequence_value(binlog.ddl_query)) return false;
  // The early binlog of DROP COLUMN changes nothing for us: rows may always lack columns, so there
  // is no need to wait for the end of that job (FIX, schema-and-ddl.md 3.3).
  if (binlog.ddl_schema_state == tidb::SchemaState::kDeleteOnly) {
    log_info("Syncer skips DeleteOnly DDL", {{"job", binlog.ddl_job_id}, {"ts", binlog.commit_ts}});
    return false;
  }
  log_info("start query job", {{"id", binlog.ddl_job_id}, {"commit ts", binlog.commit_ts}});
  Result<std::shared_ptr<const tidb::DdlJob>> found = find_job_(binlog.ddl_job_id, stop);
  if (!found.ok()) {
    return std::move(found).error().because("commit ts {}: get ddl job by id {}", binlog.commit_ts,
                                            binlog.ddl_job_id);
  }
  item.set_ddl_job(std::move(found).value());
  metric::ddl_jobs_total().add();
  const tidb::DdlJob& job = *item.ddl_job();
  log_info("get ddl job", {{"id", job.id},
                           {"type", static_cast<int>(job.type)},
                           {"state", static_cast<int>(job.state)},
                           {"query", job.query}});
  return job.is_finished();
}

}  // namespace drainer
