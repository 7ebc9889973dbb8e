#pragma once

#include "drainer/base/clock.h"

namespace drainer::fakes {

/// Time that moves only when someone sleeps: a pause costs nothing and is added at once. Any
/// thread.
class FakeClock final : public Clock {
 public:
  TimePoint now() const override {
    MutexLock lock(mutex_);
    return now_;
  }
  int64_t unix_ms() const override {
    MutexLock lock(mutex_);
    return std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch()).count();
  }
  bool sleep_for(Duration duration, const StopToken& stop) override {
    advance(duration);
    return !stop.stop_requested();
  }
  void advance(Duration duration) {
    MutexLock lock(mutex_);
    now_ += std::chrono::duration_cast<TimePoint::duration>(duration);
  }

 private:
  mutable Mutex mutex_;
  TimePoint now_ GUARDED_BY(mutex_){std::chrono::hours(24 * 365 * 50)};
};

}  // namespace drainer::fakes
