#include "drainer/start_position.h"

#include "conf/dump_position.h"
#include "drainer/base/log.h"
#include "drainer/schema/schema_store.h"

namespace drainer {

namespace {

// A position may lie so far ahead of PD's clock: members' clocks differ a little.
constexpr int64_t kFutureMsMax = 60 * 1000;

Result<CommitTs> first_position(const Options& options, CommitTs initial) {
  const std::string& file = options.syncer.apply.initial_commit_ts_from;
  if (file.empty()) return initial;
  ASSIGN_OR_RETURN(const CommitTs read, conf::read_dump_position(file));
  log_info("read initial-commit-ts", {{"file", file}, {"commit ts", read}});
  return read;
}

}  // namespace

Result<StartPosition> find_start(const Options& options, Checkpoint& checkpoint, CommitTs now) {
  const bool is_ts_given = options.initial_commit_ts != -1;
  const CommitTs initial(is_ts_given ? options.initial_commit_ts : now.value);
  log_info("set InitialCommitTS", {{"ts", initial}});
  ASSIGN_OR_RETURN(const std::optional<SavePoint> saved, checkpoint.load());
  StartPosition start;
  start.is_start_given = is_ts_given || !options.syncer.apply.initial_commit_ts_from.empty();
  start.has_checkpoint = saved && saved->commit_ts.value != 0;
  if (start.has_checkpoint) {
    start.save_point = *saved;
  } else {
    // A dump's files are read only now: once there is a checkpoint nobody needs to keep them.
    ASSIGN_OR_RETURN(start.save_point.commit_ts, first_position(options, initial));
  }
  const int64_t ahead_ms = physical_ms(start.save_point.commit_ts) - physical_ms(now);
  if (ahead_ms > kFutureMsMax) {
    return make_error(ErrorCode::kInvalid,
                      "{} {} lies {} s ahead of the cluster's time {}: give a commit ts of this "
                      "cluster's past, or -1 for now",
                      start.has_checkpoint ? "the checkpoint's commit ts" : "initial-commit-ts",
                      start.save_point.commit_ts, ahead_ms / 1000, now);
  }
  const std::string& own_type = options.syncer.to.checkpoint.type;
  log_info("initialize checkpoint", {{"type", own_type.empty() ? options.syncer.db_type : own_type},
                                     {"checkpoint", start.save_point.commit_ts},
                                     {"version", start.save_point.schema_version}});
  return start;
}

std::optional<CommitTs> find_reached(const std::string& data_dir, uint64_t cluster_id) {
  const auto image = schema::read_schema_store(schema::schema_store_path(data_dir), cluster_id);
  if (!image.ok() || !image->has_value() || (*image)->commit_ts.value <= 0) return std::nullopt;
  return (*image)->commit_ts;
}

Result<void> check_left_out(const Options& options, std::optional<CommitTs> reached) {
  if (!reached) return {};
  if (options.is_initial_commit_ts_given) {
    log_warn(
        "there is no checkpoint, but an earlier run had come at least to this commit ts; starting "
        "at the cluster's time now, what lies between is left out",
        {{"reached", *reached}});
    return {};
  }
  return make_error(ErrorCode::kInvalid,
                    "there is no checkpoint, but this drainer had come at least to {}: give "
                    "-initial-commit-ts {} to go on there, or -initial-commit-ts -1 to start at "
                    "the cluster's time now and leave out what lies between",
                    *reached, *reached);
}

}  // namespace drainer
