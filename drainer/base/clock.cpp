#include "drainer/base/clock.h"

namespace drainer {

TimePoint SystemClock::now() const {
  return std::chrono::steady_clock::now();
}

int64_t SystemClock::unix_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool SystemClock::sleep_for(Duration duration, const StopToken& stop) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  never.wait_for(mutex, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace drainer
