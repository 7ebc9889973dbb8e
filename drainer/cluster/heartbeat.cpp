#include "drainer/cluster/heartbeat.h"

#include "drainer/base/log.h"
#include "drainer/cluster/channels.h"

namespace drainer::cluster {

namespace {

constexpr Duration kInterval = std::chrono::seconds(1);
constexpr int kFailuresMax = 20;
/// A drainer that lives has written its entry since.
constexpr int64_t kOldMs = int64_t{10} * 1000;

}  // namespace

Heartbeat::Heartbeat(Options options, Registry& registry, Clock& clock)
    : options_(std::move(options)), registry_(registry), clock_(clock), started_(clock.now()) {}

void Heartbeat::set_state(NodeState state) {
  MutexLock lock(mutex_);
  state_ = state;
}

NodeState Heartbeat::state() const {
  MutexLock lock(mutex_);
  return state_;
}

void Heartbeat::set_max_commit_ts(CommitTs ts) {
  MutexLock lock(mutex_);
  max_commit_ts_ = ts;
}

NodeStatus Heartbeat::make_entry() const {
  // Whole seconds, and 0 stays 0: as the original's approximate clock (3.4).
  const int64_t seconds = (clock_.now() - started_) / std::chrono::seconds(1);
  const int64_t start_ts = options_.start_ts.value;
  return {.node_id = options_.node_id,
          .host = options_.host,
          .state = state_,
          .is_alive = false,
          .score = 0,
          .max_commit_ts = max_commit_ts_.value,
          .update_ts = start_ts == 0 ? 0 : start_ts + make_commit_ts(seconds * 1000).value};
}

Result<void> Heartbeat::write(const StopToken& stop) {
  NodeStatus entry;
  {
    MutexLock lock(mutex_);
    const auto is_free = [&]() NO_THREAD_SAFETY_ANALYSIS { return !is_writing_; };
    if (!written_.wait(mutex_, stop, is_free)) return stopped();
    is_writing_ = true;
    entry = make_entry();
  }
  Result<std::optional<NodeStatus>> found = registry_.replace_drainer(entry, stop);
  MutexLock lock(mutex_);
  is_writing_ = false;
  written_.notify_one();
  // After a failure nobody knows what stands there.
  const bool is_sure = found.ok() && last_written_.has_value();
  if (found.ok() && (is_sure || !has_written_)) tell_of_others(*found);
  has_written_ = true;
  last_written_ = found.ok() ? std::optional(entry) : std::nullopt;
  if (!found.ok()) return std::move(found).error();
  return {};
}

// FIX: two drainers with one node id overwrite each other's entry, in the original without a word.
void Heartbeat::tell_of_others(const std::optional<NodeStatus>& found) {
  if (!found) {
    if (last_written_) {
      log_warn("the registry entry of this drainer was gone, it is written again",
               {{"id", options_.node_id}});
    }
    return;
  }
  // An old entry at the start is our own of before a crash, at another address.
  const int64_t age_ms = physical_ms(options_.start_ts) - physical_ms(CommitTs(found->update_ts));
  const bool is_other_drainer =
      found->host != options_.host &&
      (last_written_ || (found->state == NodeState::kOnline && age_ms < kOldMs));
  if (is_other_drainer) {
    if (host_told_of_ == found->host) return;
    host_told_of_ = found->host;
    log_warn(
        "another drainer is registered with the node id of this one: each needs a node-id of its "
        "own, they overwrite each other's entry",
        {{"id", options_.node_id}, {"other host", found->host}, {"host", options_.host}});
  } else if (last_written_ && found->state != last_written_->state) {
    log_warn("the state in the registry was changed from outside, it is overwritten",
             {{"id", options_.node_id},
              {"found", to_string(found->state)},
              {"state", to_string(state_)}});
  } else if (last_written_ && found->update_ts != last_written_->update_ts) {
    log_warn("the registry entry of this drainer was changed from outside, it is overwritten",
             {{"id", options_.node_id}, {"found update ts", found->update_ts}});
  }
}

Result<void> Heartbeat::run(const StopToken& stop) {
  int failures = 0;
  do {
    Result<void> written = write(stop);
    if (written.ok()) {
      failures = 0;
    } else if (!stop.stop_requested()) {
      log_error("send heartbeat failed", {{"error", written.error()}});
      if (++failures >= kFailuresMax) {
        return std::move(written).error().because("fail to send heartbeat");
      }
    }
  } while (clock_.sleep_for(kInterval, stop));
  return {};
}

}  // namespace drainer::cluster
