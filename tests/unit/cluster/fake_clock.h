#pragma once

#include "drainer/base/clock.h"

#include <functional>
#include <vector>

namespace drainer::test {

/// Time that passes only when somebody sleeps. Any thread.
class FakeClock final : public Clock {
 public:
  TimePoint now() const override {
    MutexLock lock(mutex_);
    return TimePoint(since_start_);
  }
  int64_t unix_ms() const override {
    MutexLock lock(mutex_);
    return kStartUnixMs + since_start_ / std::chrono::milliseconds(1);
  }
  bool sleep_for(Duration duration, const StopToken& stop) override {
    if (stop.stop_requested()) return false;
    std::function<void()> hook;
    {
      MutexLock lock(mutex_);
      since_start_ += duration;
      slept_.push_back(duration);
      hook = on_sleep_;
    }
    if (hook) hook();
    return !stop.stop_requested();
  }

  void advance(Duration duration) {
    MutexLock lock(mutex_);
    since_start_ += duration;
  }
  /// Called after each sleep, e.g. to change the world or to stop.
  void on_sleep(std::function<void()> hook) {
    MutexLock lock(mutex_);
    on_sleep_ = std::move(hook);
  }
  std::vector<Duration> slept() const {
    MutexLock lock(mutex_);
    return slept_;
  }

  static constexpr int64_t kStartUnixMs = 1'600'000'000'000;

 private:
  mutable Mutex mutex_;
  Duration since_start_ GUARDED_BY(mutex_) = std::chrono::hours(1);
  std::vector<Duration> slept_ GUARDED_BY(mutex_);
  std::function<void()> on_sleep_ GUARDED_BY(mutex_);
};

}  // namespace drainer::test
