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
  /// After `attempts_max` a worker gives up.
  InHand(size_t workers, int attempts_max, Clock& clock)
      : attempts_max_(attempts_max), clock_(clock), work_(workers) {}

  struct Work {
    CommitTs commit_ts;
    size_t rows = 0;
    std::string sql = {};  ///< of a DDL; empty: rows are written
  };
  void begin(size_t worker, Work work) EXCLUDES(mutex_);
  /// An attempt that is to be made again.
  void failed(size_t worker, int attempts, const Error& error) EXCLUDES(mutex_);
  /// It is done. Whether the log says that it works again.
  bool end(size_t worker) EXCLUDES(mutex_);

  /// To be called every few seconds. Whether there was something to log.
  bool tell() EXCLUDES(mutex_);

 private:
  struct Entry {
    Work work;
    TimePoint begin;
    int attempts = 0;        ///< that have failed
    std::string error = {};  ///< of the last one
  };

  const int attempts_max_;
  Clock& clock_;
  Mutex mutex_;
  std::vector<std::optional<Entry>> work_ GUARDED_BY(mutex_);
  TimePoint told_begin_ GUARDED_BY(mutex_){};  ///< of the one that was told last
  Duration told_age_ GUARDED_BY(mutex_){};     ///< how long it had been in hand
  bool told_failing_ GUARDED_BY(mutex_) = false;
};

}  // namespace drainer::mysql
