#include "drainer/relay_recovery.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "drainer/base/log.h"
#include "drainer/downstream_progress.h"
#include "drainer/replay.h"
#include "drainer/rules.h"
#include "drainer/sinks.h"
#include "syncer/checkpoint/open_checkpoint.h"
#include "syncer/file/segment_names.h"
#include "syncer/mysql/progress_table.h"
#include "syncer/mysql/session/downstream.h"
#include "syncer/relay/log_cluster.h"
#include "syncer/relay/record_chain.h"
#include "syncer/relay/record_source.h"

namespace drainer {

namespace {

constexpr const char* kNoCheckpoint =
    "there is no checkpoint, so that the relay log is not applied";

// Neither a log of old nor a checkpoint in a file tells whose it is. Of the progress downstream it
// is the one that knows this checkpoint; 0 if none does: then a Go drainer has saved it.
Result<uint64_t> find_cluster(const Options& options, const Checkpoint& checkpoint,
                              CommitTs saved) {
  if (checkpoint.cluster_id() != 0) return checkpoint.cluster_id();
  ASSIGN_OR_RETURN(const std::unique_ptr<mysql::Session> session,
                   mysql::Session::open(mysql::base_session_options(options.syncer.to)));
  const schema::TableName table = progress_table(options);
  ASSIGN_OR_RETURN(const std::vector<uint64_t> clusters,
                   mysql::ProgressTable::find_clusters(*session, table, saved));
  if (clusters.size() > 1) {
    return make_error(
        ErrorCode::kInvalid,
        "the checkpoint {} may be that of the clusters {}: delete the rows of all but "
        "one from {}.{} on the downstream",
        saved, fmt::join(clusters, ", "), table.schema, table.table);
  }
  if (clusters.empty()) {
    log_warn("no progress downstream knows the checkpoint; starting there in safe mode",
             {{"checkpoint", saved}});
    return 0;
  }
  log_info("the progress downstream tells the cluster",
           {{"id", clusters[0]}, {"checkpoint", saved}});
  return clusters[0];
}

// Operators see it before the error of the start, which ends like any other without PD.
void tell(const std::string& text) {
  log_info(text);
  std::fprintf(stderr, "drainer: %s\n", text.c_str());
}

// Whoever has logged has made a file: without one this is not the log, but where it should be.
Result<void> check_present(const std::string& log) {
  std::error_code failure;
  if (std::filesystem::is_directory(log, failure)) {
    ASSIGN_OR_RETURN(const std::vector<file::Segment> segments, file::list_segments(log));
    if (!segments.empty()) return {};
  }
  return make_error(ErrorCode::kNotFound, "{} holds no relay log files; is its disk mounted?", log);
}

// Somebody who moves the checkpoint back and starts over keeps a log that begins later. Until a
// drainer has started there nothing but the progress downstream tells of it.
Result<void> check_begin(const Options& options, uint64_t cluster_id, CommitTs checkpoint) {
  ASSIGN_OR_RETURN(const auto previous, find_progress(options, cluster_id));
  if (!previous || checkpoint >= previous->checkpoint_ts) return {};
  const std::string& log = options.syncer.relay.log_dir;
  ASSIGN_OR_RETURN(relay::RecordSource records,
                   relay::RecordSource::open({.path = log, .may_be_empty = true}));
  ASSIGN_OR_RETURN(const std::optional<relay::RecordSource::Item> first, records.next());
  if (!first || first->commit_ts <= checkpoint) return {};
  return make_error(
      ErrorCode::kInvalid,
      "the checkpoint {} has been moved back since the last start at {}, and the "
      "relay log {} begins at {}: what lies between is missing; start again when PD can be "
      "reached",
      checkpoint, previous->checkpoint_ts, log, first->commit_ts);
}

// A downstream that was restored from a backup lacks what stood in files that are gone by now.
Result<void> check_whole(const Options& options, CommitTs held) {
  const std::string& log = options.syncer.relay.log_dir;
  ASSIGN_OR_RETURN(const std::optional<relay::Gap> gap, relay::find_gap(log, held));
  if (!gap) return {};
  return make_error(
      ErrorCode::kInvalid,
      "the relay log {} begins at {}, behind {}, which it has lost, and the downstream holds up to "
      "{}: what lies between is missing; restore a later backup of the downstream, or start again "
      "when PD can be reached",
      log, gap->begins, gap->previous, gap->held);
}

struct Saved {
  uint64_t cluster_id;
  SavePoint point;
};

Result<void> recover(const Options& options, Checkpoint& checkpoint, Saved saved, Clock& clock,
                     const EndTokens& end) {
  auto& [cluster_id, point] = saved;
  ASSIGN_OR_RETURN(const SyncerRules rules, make_rules(options));
  TRY(check_begin(options, cluster_id, point.commit_ts));
  ASSIGN_OR_RETURN(const std::unique_ptr<Sink> sink, open_sink(options,
                                                               {.cluster_id = cluster_id,
                                                                .save_point = point,
                                                                .has_checkpoint = true,
                                                                .checkpoint = &checkpoint,
                                                                .is_replay = true},
                                                               clock, end.in_order));
  const CommitTs applied = sink->resume_from(point.commit_ts);
  TRY(check_whole(options, applied));
  ZonePair zones{.written = {}, .wanted = sink->time_zone()};
  // Ours name their zone; those of the original are in that of its process.
  ASSIGN_OR_RETURN(zones.written, tidb::TimeZone::local());
  ASSIGN_OR_RETURN(relay::TxnSource source,
                   relay::TxnSource::open({.path = options.syncer.relay.log_dir,
                                           .start = CommitTs(point.commit_ts.value + 1),
                                           .may_be_empty = true},
                                          relay::RecordFormat::kRelay, std::move(zones)));
  TRY(add_downstream_tables(source, applied, options));
  log_info("begin to feed the downstream by relay log", {{"checkpoint", point.commit_ts}});
  Replay replay(source, rules, *sink, applied, clock);
  TRY(replay.run(end));
  if (!replay.is_complete()) return stopped();
  point.commit_ts = std::max(point.commit_ts, replay.figures().applied_ts);
  log_info("finish feed by relay log");
  point.consistent = point.commit_ts >= sink->holds_up_to();
  if (!point.consistent) {
    log_warn("the downstream holds more than the relay log has up to there, it is not consistent",
             {{"applied", point.commit_ts}, {"holds up to", sink->holds_up_to()}});
  }
  TRY(sink->announce(point.commit_ts, end.at_once));
  TRY(checkpoint.save(point, end.at_once));
  log_info("update status as normal", {{"ts", point.commit_ts}});
  tell(fmt::format("the relay log was applied up to {}, the downstream is {}consistent",
                   point.commit_ts, point.consistent ? "" : "not "));
  return {};
}

}  // namespace

Result<void> recover_from_relay(const Options& options, Clock& clock, const EndTokens& end) {
  if (options.syncer.relay.log_dir.empty()) return {};
  ASSIGN_OR_RETURN(const std::optional<uint64_t> owner,
                   relay::find_log_cluster(options.syncer.relay.log_dir));
  auto checkpoint = open_checkpoint(options, owner.value_or(0), clock);
  if (!checkpoint.ok() && checkpoint.error().code() == ErrorCode::kNotFound) {
    tell(kNoCheckpoint);
    return {};
  }
  if (!checkpoint.ok()) return std::move(checkpoint).error();
  log_info("set cluster id", {{"id", owner.value_or((*checkpoint)->cluster_id())}});
  ASSIGN_OR_RETURN(const std::optional<SavePoint> point, (*checkpoint)->load());
  if (!point) {
    tell(kNoCheckpoint);
    return {};
  }
  if (point->consistent) {
    tell(fmt::format("the checkpoint {} is consistent, the relay log is not needed",
                     point->commit_ts));
    return {};
  }
  TRY(check_present(options.syncer.relay.log_dir));
  uint64_t cluster_id = owner.value_or(0);
  if (!owner) {
    ASSIGN_OR_RETURN(cluster_id, find_cluster(options, **checkpoint, point->commit_ts));
  }
  return recover(options, **checkpoint, {.cluster_id = cluster_id, .point = *point}, clock, end);
}

}  // namespace drainer
