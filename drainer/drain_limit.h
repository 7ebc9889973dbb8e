#pragma once

#include "drainer/base/clock.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "drainer/base/threads.h"

namespace drainer {

/// How long a stop waits for the downstream to take what it was given. One that does not answer may
/// hold the last transactions for ever; what is left then comes again with the next start.
inline constexpr Duration kDrainLimit = std::chrono::seconds(60);

/// Stops `threads` after kDrainLimit, with a warning, unless `ended` comes first. The body of a
/// thread.
Result<void> stop_after_limit(ThreadGroup& threads, Clock& clock, const StopToken& ended);

/// How a run is asked to end: in order, what was taken up being finished within kDrainLimit, or
/// without that.
struct EndTokens {
  StopToken in_order = {};
  StopToken at_once = {};
};

}  // namespace drainer
