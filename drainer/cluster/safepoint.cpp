#include "drainer/cluster/safepoint.h"

#include <algorithm>

#include "drainer/base/log.h"
#include "drainer/base/retry.h"
#include "drainer/cluster/channels.h"

namespace drainer::cluster {

namespace {

constexpr int64_t kTtlSeconds = 300;
constexpr Duration kInterval = std::chrono::seconds(kTtlSeconds / 2);
constexpr int kAttemptsPerRound = 11;
constexpr Duration kAttemptPause = std::chrono::seconds(1);

}  // namespace

SafePointKeeper::SafePointKeeper(PdClient& pd, Clock& clock, CheckpointTs checkpoint_ts)
    : pd_(pd),
      clock_(clock),
      checkpoint_ts_(std::move(checkpoint_ts)),
      service_id_(fmt::format("drainer_{}", clock.unix_ms() * 1'000'000)) {
  log_info("generate drainer gc safePoint id", {{"id", service_id_}});
}

SafePointKeeper::Status SafePointKeeper::status() const {
  MutexLock lock(mutex_);
  return status_;
}

int64_t SafePointKeeper::seconds_left() const {
  MutexLock lock(mutex_);
  if (!status_.is_held) return 0;
  const int64_t age_s = (clock_.unix_ms() - status_.answered_ms) / 1000;
  return std::clamp<int64_t>(kTtlSeconds - age_s, 0, kTtlSeconds);
}

Result<void> SafePointKeeper::pin(const StopToken& stop) {
  const CommitTs wanted = checkpoint_ts_();
  const Result<CommitTs> minimum =
      pd_.update_service_gc_safe_point(service_id_, kTtlSeconds, wanted, stop);
  MutexLock lock(mutex_);
  if (!minimum.ok()) {
    status_.last_error = minimum.error().to_string();
    return Error(minimum.error()).because("update the service GC safe point");
  }
  status_ = {.is_held = *minimum <= wanted,
             .requested = wanted,
             .minimum = *minimum,
             .answered_ms = clock_.unix_ms(),
             .last_error = ""};
  if (status_.is_held) return {};
  return make_error(ErrorCode::kConflict,
                    "GC safe point {} of the cluster is beyond the checkpoint {}: schema data of "
                    "that time may be gone",
                    *minimum, wanted);
}

Result<void> SafePointKeeper::run(const StopToken& stop) {
  do {
    const Result<void> pinned =
        try_times(kAttemptsPerRound, kAttemptPause, clock_, stop, [&] { return pin(stop); });
    if (!pinned.ok() && !stop.stop_requested()) {
      log_error("GC safe point is not held, GC may overtake the checkpoint",
                {{"id", service_id_},
                 {"checkpoint", checkpoint_ts_()},
                 {"seconds left", seconds_left()},
                 {"error", pinned.error()}});
    }
  } while (clock_.sleep_for(kInterval, stop));
  return {};
}

void SafePointKeeper::release() {
  const Status last = status();
  if (last.answered_ms == 0 || !last.last_error.empty()) return;
  // The program ends; PdClient's own limits end this call.
  const Result<CommitTs> released =
      pd_.update_service_gc_safe_point(service_id_, /*ttl_seconds=*/0, last.requested, StopToken());
  if (released.ok()) {
    log_info("GC safe point released", {{"id", service_id_}});
  } else {
    log_warn("GC safe point not released, it will expire", {{"error", released.error()}});
  }
}

}  // namespace drainer::cluster
