#pragma once

#include <cstdint>
#include <string_view>

#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/mutex.h"

namespace drainer::mysql {

/// Tells of downstream transactions and DDLs that take long, retries and lock waits included:
/// counts each, and logs the first, then at most one a minute. Any thread.
class SlowLog {
 public:
  explicit SlowLog(Clock& clock) : clock_(clock) {}

  /// `what` was begun at `begin` and is done. Whether it was logged.
  bool note(std::string_view what, TimePoint begin, CommitTs commit_ts) EXCLUDES(mutex_);

 private:
  Clock& clock_;
  Mutex mutex_;
  TimePoint quiet_until_ GUARDED_BY(mutex_){};
  uint64_t left_out_ GUARDED_BY(mutex_) = 0;  ///< since the last line
};

}  // namespace drainer::mysql
