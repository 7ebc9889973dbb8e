#include "syncer/syncer.h"

#include <utility>

#include "drainer/base/log.h"
#include "drainer/base/metrics.h"

namespace drainer {

namespace {

void count_event(std::string_view type, double delta) {
  if (delta == 0) return;
  metrics()
      .counter("binlog_drainer_event", "the count of sql event(dml, ddl).",
               {{"type", std::string(type)}})
      .add(delta);
}

void count_rows(const Txn& txn) {
  double kinds[3] = {};
  for (const RowChange& row : txn.rows) kinds[static_cast<size_t>(row.kind)] += 1;
  count_event("Insert", kinds[0]);
  count_event("Update", kinds[1]);
  count_event("Delete", kinds[2]);
}

std::string_view event_name(RowKind kind) {
  switch (kind) {
    case RowKind::kInsert:
      return "insert";
    case RowKind::kUpdate:
      return "update";
    case RowKind::kDelete:
      return "delete";
  }
  return "";
}

}  // namespace

Syncer::Syncer(BoundedQueue<tidb::BinlogItem>& input, schema::Schema& schema,
               const SyncerRules& rules, Sink& sink, CommitTs start, Clock& clock)
    : input_(input), schema_(schema), rules_(rules), sink_(sink), clock_(clock), last_(start) {
  row_filter_.keeps_table = [this](const schema::TableName& name) {
    return !rules_.table_filter.skips(name);
  };
  if (!rules_.event_filter.empty()) {
    row_filter_.keeps_kind = [this](const schema::TableName& name, RowKind kind) {
      return !rules_.event_filter.ignores_event(name, event_name(kind));
    };
  }
}

Result<void> Syncer::run(const StopToken& stop) {
  Result<void> result = run_until_stopped(stop);
  sink_.close();
  return result;
}

Result<void> Syncer::run_until_stopped(const StopToken& stop) {
  while (std::optional<tidb::BinlogItem> item = input_.pop(stop)) {
    const CommitTs commit_ts = item->binlog().commit_ts;
    if (commit_ts <= last_) continue;
    if (rules_.until.value > 0 && commit_ts > rules_.until) {
      log_info("until-commit-ts is reached", {{"until", rules_.until}, {"commit ts", commit_ts}});
      return {};
    }
    last_ = commit_ts;
    TRY(handle(std::move(*item), stop));
  }
  return {};
}

Result<void> Syncer::handle(tidb::BinlogItem item, const StopToken& stop) {
  const CommitTs commit_ts = item.binlog().commit_ts;
  Result<Txn> txn = translate(std::move(item));
  if (!txn.ok()) return std::move(txn).error();
  count_rows(*txn);
  txn->received_unix_ms = clock_.unix_ms();
  Result<void> submitted = sink_.submit(std::move(*txn), stop);
  if (!submitted.ok() && submitted.error().code() != ErrorCode::kStopped) {
    return std::move(submitted).error().because("add to dsyncer, commit ts {}", commit_ts);
  }
  return submitted;
}

Result<Txn> Syncer::translate(tidb::BinlogItem item) {
  const tidb::BinlogView& binlog = item.binlog();
  if (binlog.is_fake()) return progress_only(item);
  if (binlog.is_ddl()) return translate_ddl(std::move(item));
  Result<tidb::PrewriteView> prewrite = tidb::parse_prewrite(binlog.prewrite_value);
  if (!prewrite.ok()) {
    return std::move(prewrite).error().because("prewrite of commit ts {} Unmarshal failed",
                                               binlog.commit_ts);
  }
  if (Result<void> advanced = schema_.advance_to(prewrite->schema_version); !advanced.ok()) {
    return std::move(advanced).error().because("handlePreviousDDLJobIfNeed failed");
  }
  if (rules_.ignored_commit_ts.contains(binlog.commit_ts.value)) {
    log_warn("skip txn", {{"commit ts", binlog.commit_ts}});
    return progress_only(item);
  }
  ASSIGN_OR_RETURN(const bool is_own, rules_.mark_filter.is_own(*prewrite, schema_));
  if (is_own) return progress_only(item);
  return translate_dml(std::move(item), *prewrite, schema_, sink_.time_zone(), row_filter_);
}

Result<Txn> Syncer::translate_ddl(tidb::BinlogItem item) {
  const tidb::BinlogView& binlog = item.binlog();
  const std::shared_ptr<const tidb::DdlJob>& job = item.ddl_job();
  Result<schema::DdlEffect> applied = schema_.apply_ddl(job, /*is_delete_only=*/false);
  if (!applied.ok()) {
    return std::move(applied).error().because("commit ts {}: DDL job {}", binlog.commit_ts,
                                              job->id);
  }
  schema::DdlEffect effect = std::move(applied).value();
  const std::string_view text = binlog.ddl_query;
  if (effect.action == schema::DdlEffect::Action::kIgnore) {
    log_info(effect.reason, {{"job", job->id}, {"sql", text}, {"commit ts", binlog.commit_ts}});
    return progress_only(item);
  }
  if (rules_.ignored_commit_ts.contains(binlog.commit_ts.value)) {
    log_warn("skip txn", {{"commit ts", binlog.commit_ts}, {"sql", text}});
    return progress_only(item);
  }
  bool should_skip = false;
  if (!rules_.sync_ddl) {
    log_info("skip ddl by SyncDDL setting to false",
             {{"sql", text}, {"commit ts", binlog.commit_ts}});
    should_skip = true;
  } else if (rules_.table_filter.skips(effect.name)) {
    log_info("skip ddl by block allow filter", {{"schema", effect.name.schema},
                                                {"table", effect.name.table},
                                                {"sql", text},
                                                {"commit ts", binlog.commit_ts}});
    return progress_only(item);
  } else if (rules_.event_filter.ignores_ddl(effect.name, job->query)) {
    log_info("skip ddl by binlog event filter", {{"schema", effect.name.schema},
                                                 {"table", effect.name.table},
                                                 {"sql", text},
                                                 {"commit ts", binlog.commit_ts}});
    should_skip = true;
  }
  log_info(
      "add ddl item to syncer, you can add this commit ts to `ignore-txn-commit-ts` to skip this "
      "ddl if needed",
      {{"sql", text}, {"commit ts", binlog.commit_ts}, {"shouldSkip", should_skip}});
  count_event("DDL", 1);
  Txn txn = progress_only(item);
  txn.ddl = Ddl{.effect = std::move(effect),
                .text = std::string(text),
                .should_skip = should_skip,
                .job_id = job->id};
  return txn;
}

Txn Syncer::progress_only(const tidb::BinlogItem& item) const {
  Txn txn;
  txn.commit_ts = item.binlog().commit_ts;
  txn.start_ts = item.binlog().start_ts;
  txn.schema_version = schema_.version();
  return txn;
}

}  // namespace drainer
