#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"

namespace drainer {

/// Another one at each call, and in each process: retries that fail together part ways.
uint32_t next_retry_seed();

/// Growing pauses between attempts: first, first*2, … up to `max`, each half fixed, half random.
///
/// One thread. The caller decides how many attempts there are.
class Backoff {
 public:
  struct Limits {
    Duration first;
    Duration max;
  };

  explicit Backoff(Limits limits, uint32_t seed = next_retry_seed())
      : limits_(limits), random_(seed) {}

  /// Sleeps the next pause. False when `stop` came first.
  bool pause(Clock& clock, const StopToken& stop) { return clock.sleep_for(next(), stop); }

  Duration next() {
    const Duration full =
        std::min(limits_.first * (int64_t{1} << std::min(attempts_, 20)), limits_.max);
    ++attempts_;
    std::uniform_int_distribution<int64_t> jitter(0, full.count() / 2);
    return full / 2 + Duration(jitter(random_));
  }

  int attempts() const { return attempts_; }

 private:
  Limits limits_;
  int attempts_ = 0;
  std::minstd_rand random_;
};

/// Runs `attempt` until it is well, at most `attempts` times and `pause` apart. Its last error;
/// kConflict and kStopped at once, since another try cannot mend them; from `stop` on kStopped,
/// which names the error before.
Result<void> try_times(int attempts, Duration pause, Clock& clock, const StopToken& stop,
                       const std::function<Result<void>()>& attempt);

}  // namespace drainer
