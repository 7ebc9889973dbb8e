#pragma once

#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/mutex.h"

namespace drainer::upstream {

/// PD's timestamp oracle: strictly rising, physical part in step with the clock. Any thread.
class Tso {
 public:
  /// The first timestamp is above `floor`, and not before the wall time of the start.
  Tso(CommitTs floor, Clock& clock);

  /// The largest of `count` fresh timestamps; the others lie directly below it.
  CommitTs next(int64_t count = 1) EXCLUDES(mutex_);

 private:
  Clock& clock_;
  const TimePoint start_;
  const int64_t start_ms_;
  Mutex mutex_;
  int64_t last_ GUARDED_BY(mutex_) = 0;
};

}  // namespace drainer::upstream
