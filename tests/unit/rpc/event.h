#pragma once

#include <chrono>

#include "drainer/base/mutex.h"

namespace drainer::rpc {

/// Something that happens once and that others wait for. Any thread.
class Event {
 public:
  void set() {
    MutexLock lock(mutex_);
    happened_ = true;
    changed_.notify_all();
  }

  /// For a minute at most. Whether it has happened.
  [[nodiscard]] bool wait() {
    MutexLock lock(mutex_);
    return changed_.wait_for(mutex_, StopToken(), std::chrono::minutes(1),
                             [&]() NO_THREAD_SAFETY_ANALYSIS { return happened_; });
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool happened_ GUARDED_BY(mutex_) = false;
};

}  // namespace drainer::rpc
