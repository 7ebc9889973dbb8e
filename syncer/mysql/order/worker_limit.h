#pragma once

#include <cstddef>
#include <cstdint>

#include "drainer/base/clock.h"

namespace drainer::mysql {

/// How many workers write at the same time, found by trying.
///
/// Work that is ready goes to an idle worker as long as fewer than workers() are busy, after
/// linger() when it is little, and gathers into larger groups else. A downstream of few cores is
/// served best by few workers with large groups, one that is far away by many. So while there is
/// always work waiting, the rate of rows is measured, one step more or less is tried, and kept when
/// it pays: more workers must bring more rows, fewer may not cost any. While work does not wait,
/// the limit stays.
///
/// One thread at a time.
class WorkerLimit {
 public:
  explicit WorkerLimit(size_t most);

  size_t workers() const { return workers_; }
  /// Work that has been ready for so long goes to a further worker all the same: those that are
  /// busy are held up by something. A few times what a group takes.
  Duration patience() const;
  /// So long little work waits for the busy worker before a further one takes it: a few times what
  /// a group usually takes beyond the quickest, which is the way to the downstream and back and no
  /// work of it. One worker that takes whatever is ready when it comes back keeps up with most
  /// rates, at the lowest cost; several with small groups are in each other's way.
  Duration linger() const;

  /// A group of `rows` was written in `took`; `is_waiting`: more work is ready.
  void note(uint64_t rows, Duration took, bool is_waiting, TimePoint now);

 private:
  enum class Trial : uint8_t { kNone, kMore, kFewer };

  void end_epoch(double rows_per_s);
  void begin_trial(Trial trial);
  size_t more() const;
  size_t fewer() const;

  const size_t most_;
  size_t workers_;
  Trial trial_ = Trial::kNone;
  size_t kept_workers_;   ///< before the trial
  double kept_rate_ = 0;  ///< with them
  Trial next_trial_ = Trial::kMore;
  int pause_epochs_ = 0;         ///< until the next trial
  double group_seconds_ = 0;     ///< smoothed
  double quickest_seconds_ = 0;  ///< of the groups of late

  TimePoint epoch_begin_{};
  uint64_t epoch_rows_ = 0;
  size_t epoch_groups_ = 0;
};

}  // namespace drainer::mysql
