#pragma once

#include <algorithm>
#include <cstdint>

#include "drainer/base/clock.h"

namespace drainer::mysql {

/// How long writers wait for their turn to commit while they hold locks, and who may write before
/// his turn at all.
///
/// One that comes before may be waiting for just these locks, such as those on the gaps of a second
/// unique index: then nothing moves until those who hold them give up. So they do when the one
/// whose turn it is takes several times what groups usually take. Where that has happened it will
/// again, and each time all that was written ahead is lost: for a while only the next in turn is
/// written, as one worker would. That is tried again after a span that grows while it is no use.
///
/// One thread at a time.
class TurnLimit {
 public:
  /// A group, taken then, was written and committed in `took`, waiting for its turn not counted.
  void note_written(TimePoint taken, Duration took);
  /// It is the turn of another now.
  void note_turn(TimePoint now) { turn_since_ = now; }
  /// So long others wait with locks held, while a group of `rows` that was taken then has its turn.
  TimePoint gives_up_at(uint64_t rows, TimePoint taken) const {
    return std::max(taken, turn_since_) + patience(rows);
  }

  /// Somebody has given up. True when that begins a new span in which nobody writes ahead: others
  /// give up at about the same time.
  bool note_conflict(TimePoint now);
  /// Until then only the next in turn is written.
  TimePoint ahead_from() const { return ahead_from_; }
  /// The last one.
  Duration span() const { return span_; }

 private:
  Duration patience(uint64_t rows) const;

  double group_seconds_ = 0;  ///< smoothed
  TimePoint turn_since_ = TimePoint::min();
  TimePoint conflict_at_ = TimePoint::min();  ///< the last one
  TimePoint ahead_from_ = TimePoint::min();
  Duration span_{};
};

}  // namespace drainer::mysql
