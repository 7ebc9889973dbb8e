#include "tests/integration/replay.h"

#include <algorithm>
#include <map>

#include "drainer/cluster/key_codec.h"
#include "drainer/schema/history.h"
#include "pump_client/collector.h"
#include "syncer/syncer.h"
#include "tests/fakes/binlogs.h"
#include "tests/upstream/wire.h"

namespace drainer::integration {

namespace {

using Jobs = std::map<DdlJobId, Bytes>;

// A pump's binlogs, and behind them a fake one so that the merger lets go of the last.
Result<void> offer_tape(const upstream::Tape& tape, const PumpId& pump, CommitTs end,
                        Merger& merger, const StopToken& stop) {
  Bytes beyond;
  upstream::append_varint_field(beyond, 2, static_cast<uint64_t>(end.value) + 1);
  upstream::append_varint_field(beyond, 3, static_cast<uint64_t>(end.value) + 1);
  for (size_t i = 0; i <= tape.records.size(); ++i) {
    Bytes payload = i < tape.records.size() ? Bytes(tape.records[i].payload) : beyond;
    ASSIGN_OR_RETURN(tidb::BinlogItem item, tidb::BinlogItem::parse(std::move(payload)));
    if (!merger.offer(pump, fakes::one(std::move(item)), stop)) break;
  }
  return {};
}

CommitTs last_commit_ts(const upstream::Capture& capture) {
  int64_t last = 0;
  for (const upstream::Tape& tape : capture.tapes) {
    if (!tape.records.empty()) last = std::max(last, tape.records.back().commit_ts);
  }
  return CommitTs(last);
}

Result<std::shared_ptr<const tidb::DdlJob>> find_job(const Jobs& jobs, DdlJobId id) {
  const auto found = jobs.find(id);
  if (found == jobs.end()) return make_error(ErrorCode::kNotFound, "no DDL job {}", id);
  ASSIGN_OR_RETURN(tidb::DdlJob job, tidb::parse_ddl_job(found->second));
  return std::make_shared<const tidb::DdlJob>(std::move(job));
}

}  // namespace

Result<Jobs> read_jobs(const upstream::KeyValues& meta) {
  const Bytes prefix = cluster::meta_key("DDLJobHistory", cluster::MetaFlag::kHash);
  Jobs out;
  for (const auto& [key, value] : meta) {
    if (!key.starts_with(prefix)) continue;
    ASSIGN_OR_RETURN(const Bytes field, cluster::parse_hash_field(prefix, key));
    out[DdlJobId(static_cast<int64_t>(load_be64(field.data())))] = value;
  }
  return out;
}

Result<void> replay(const upstream::Capture& capture, Sink& sink, bool shows_original_errors) {
  ASSIGN_OR_RETURN(const Jobs jobs, read_jobs(capture.meta));
  schema::HistoryLoader loader({.commit_ts = capture.from_ts, .schema_version = {}});
  for (const auto& [id, json] : jobs) TRY(loader.add(id, json));
  ASSIGN_OR_RETURN(const std::unique_ptr<schema::Schema> schema, std::move(loader).finish());

  schema->set_shows_original_errors(shows_original_errors);
  SyncerOptions options;
  options.ignore_schemas = {"INFORMATION_SCHEMA", "PERFORMANCE_SCHEMA", "mysql"};
  SyncerRules rules;
  ASSIGN_OR_RETURN(rules.table_filter, schema::TableFilter::make(options));
  const CommitTs end = last_commit_ts(capture);
  rules.until = end;
  constexpr QueueLimits kLimits{.items = 1000, .bytes = 64u << 20};
  Merger merger(capture.from_ts, kLimits);
  BoundedQueue<tidb::BinlogItem> queue(kLimits);
  Collector collector(
      merger, [&jobs](DdlJobId id, const StopToken&) { return find_job(jobs, id); }, queue);
  std::vector<PumpId> pumps;
  for (size_t i = 0; i < capture.tapes.size(); ++i) pumps.emplace_back(fmt::format("pump-{}", i));
  merger.set_sources(pumps);
  ThreadGroup upstream_threads;
  for (size_t i = 0; i < pumps.size(); ++i) {
    upstream_threads.start(pumps[i].value, [&, i](const StopToken& stop) {
      return offer_tape(capture.tapes[i], pumps[i], end, merger, stop);
    });
  }
  upstream_threads.start("collector", [&](const StopToken& stop) { return collector.run(stop); });
  SystemClock clock;
  Syncer syncer(queue, *schema, rules, sink, capture.from_ts, clock);
  const Result<void> replayed = syncer.run(upstream_threads.stop_token());
  upstream_threads.request_stop();
  TRY(upstream_threads.wait());
  return replayed;
}

}  // namespace drainer::integration
