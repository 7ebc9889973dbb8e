#pragma once

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

  void wait() {
    MutexLock lock(mutex_);
    (void)changed_.wait(mutex_, StopToken(), [&]() NO_THREAD_SAFETY_ANALYSIS { return happened_; });
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool happened_ GUARDED_BY(mutex_) = false;
};

}  // namespace drainer::rpc
