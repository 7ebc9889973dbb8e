#include "drainer/base/retry.h"

#include <atomic>

namespace drainer {

uint32_t next_retry_seed() {
  static std::atomic<uint32_t> count = std::random_device()();
  // The engine's first number follows the seed closely: neighbours are moved far apart.
  constexpr uint32_t kGoldenRatio = 0x9e3779b9;
  return count.fetch_add(1, std::memory_order_relaxed) * kGoldenRatio;
}

Result<void> try_times(int attempts, Duration pause, Clock& clock, const StopToken& stop,
                       const std::function<Result<void>()>& attempt) {
  for (int made = 1;; ++made) {
    Result<void> done = attempt();
    if (done.ok() || made >= attempts) return done;
    const ErrorCode code = done.error().code();
    if (code == ErrorCode::kConflict || code == ErrorCode::kStopped) return done;
    if (!clock.sleep_for(pause, stop)) {
      return make_error(ErrorCode::kStopped, "stopped after {}", done.error().to_string());
    }
  }
}

}  // namespace drainer
