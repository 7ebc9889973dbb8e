#pragma once

#include <chrono>
#include <functional>

#include "drainer/base/clock.h"

namespace drainer::fakes {

/// Asks again and again, for half a minute at most. What the last answer was.
[[nodiscard]] inline bool wait_until(const std::function<bool()>& is_reached) {
  SystemClock clock;
  const TimePoint deadline = clock.now() + std::chrono::seconds(30);
  while (!is_reached()) {
    if (clock.now() >= deadline) return false;
    clock.sleep_for(std::chrono::milliseconds(2), StopToken());
  }
  return true;
}

}  // namespace drainer::fakes
