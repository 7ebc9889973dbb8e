#include "tests/upstream/tso.h"

#include <algorithm>

namespace drainer::upstream {

Tso::Tso(CommitTs floor, Clock& clock)
    : clock_(clock),
      start_(clock.now()),
      start_ms_(std::max(physical_ms(floor) + 1, clock.unix_ms())) {}

CommitTs Tso::next(int64_t count) {
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - start_).count();
  MutexLock lock(mutex_);
  // More than 2^18 a millisecond run ahead of the clock, still rising.
  last_ = std::max(last_, make_commit_ts(start_ms_ + elapsed).value) + count;
  return CommitTs(last_);
}

}  // namespace drainer::upstream
