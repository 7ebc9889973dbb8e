#pragma once

#include <functional>
#include <utility>
#include <vector>

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
    const auto wall = now_.time_since_epoch() + wall_ahead_;
    return std::chrono::duration_cast<std::chrono::milliseconds>(wall).count();
  }
  bool sleep_for(Duration duration, const StopToken& stop) override {
    if (stop.stop_requested()) return false;
    advance(duration);
    std::function<void()> on_sleep;
    {
      MutexLock lock(mutex_);
      slept_.push_back(duration);
      on_sleep = on_sleep_;
    }
    if (on_sleep) on_sleep();
    return !stop.stop_requested();
  }
  void advance(Duration duration) {
    MutexLock lock(mutex_);
    now_ += std::chrono::duration_cast<TimePoint::duration>(duration);
  }

  /// Somebody sets the machine's wall clock.
  void set_wall_ahead(Duration ahead) {
    MutexLock lock(mutex_);
    wall_ahead_ = ahead;
  }

  /// Called after each sleep by its thread, e.g. to change the world or to stop.
  void on_sleep(std::function<void()> hook) {
    MutexLock lock(mutex_);
    on_sleep_ = std::move(hook);
  }
  /// All sleeps so far, in order.
  std::vector<Duration> slept() const {
    MutexLock lock(mutex_);
    return slept_;
  }

 private:
  mutable Mutex mutex_;
  TimePoint now_ GUARDED_BY(mutex_){std::chrono::hours(24 * 365 * 50)};
  Duration wall_ahead_ GUARDED_BY(mutex_){};
  std::vector<Duration> slept_ GUARDED_BY(mutex_);
  std::function<void()> on_sleep_ GUARDED_BY(mutex_);
};

}  // namespace drainer::fakes
