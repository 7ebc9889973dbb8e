#pragma once

#include <chrono>
#include <cstdint>

#include "drainer/base/mutex.h"

namespace drainer {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::steady_clock::time_point;

/// The time that the program reads and sleeps by. Tests put a fake in its place. Any thread.
///
/// Not so the limits of CondVar::wait_for(), BoundedQueue::pop_for() and of I/O: who waits for
/// another thread or a peer does so in real time, also in tests.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Monotonic time, for deadlines and durations.
  virtual TimePoint now() const = 0;
  /// Wall time in Unix milliseconds, for logs, lag and TSO comparisons.
  virtual int64_t unix_ms() const = 0;
  /// Blocks for `duration`. False when `stop` came first.
  virtual bool sleep_for(Duration duration, const StopToken& stop) = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  TimePoint now() const override;
  int64_t unix_ms() const override;
  bool sleep_for(Duration duration, const StopToken& stop) override;
};

}  // namespace drainer
