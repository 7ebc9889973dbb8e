#include "drainer/drain_limit.h"

#include "drainer/base/log.h"

namespace drainer {

Result<void> stop_after_limit(ThreadGroup& threads, Clock& clock, const StopToken& ended) {
  if (!clock.sleep_for(kDrainLimit, ended)) return {};
  log_warn("the downstream takes too long to finish, stop without",
           {{"limit s", kDrainLimit / std::chrono::seconds(1)}});
  threads.request_stop();
  return {};
}

}  // namespace drainer
