#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/error.h"
#include "drainer/base/ids.h"
#include "drainer/base/mutex.h"

namespace drainer::mysql {

/// Hears of each attempt that is made again: how many have failed, and why the last one did.
using OnRetry = std::function<void(int attempts, const Error& error)>;

/// What the workers have in hand, so that the log tells of a downstream that does not get done with
/// it while it lasts: which transaction or DDL, since when, and why it is tried again.
///
/// One line at a time, of the one that is in hand longest: after a minute, while attempts fail each
/// minute again, else at intervals that double; and one when it works again. Any thread.
class InHand {
 public:
  InHand(size_t workers, Clock& clock) : clock_(clock), work_(workers) {}

  struct Work {
    std::string what;  ///< "DDL", "transaction"
    CommitTs commit_ts;
    std::string sql = {};  ///< of a DDL
  };
  void begin(size_t worker, Work work) EXCLUDES(mutex_);
  /// An attempt that is to be made again.
  void failed(size_t worker, int attempts, int attempts_max, const Error& error) EXCLUDES(mutex_);
  /// It is done. Whether the log says that it works again.
  bool end(size_t worker) EXCLUDES(mutex_);

  /// To be called every few seconds. Whether there was something to log.
  bool tell() EXCLUDES(mutex_);

 private:
  struct Entry {
    Work work;
    TimePoint begin;
    int attempts = 0;  ///< that have failed
    int attempts_max = 0;
    std::string error = {};  ///< of the last one
  };

  Clock& clock_;
  Mutex mutex_;
  std::vector<std::optional<Entry>> work_ GUARDED_BY(mutex_);
  TimePoint told_begin_ GUARDED_BY(mutex_){};  ///< of the one that was told last
  Duration told_age_ GUARDED_BY(mutex_){};     ///< how long it had been in hand
  bool told_failing_ GUARDED_BY(mutex_) = false;
};

}  // namespace drainer::mysql
