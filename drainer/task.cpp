#include "drainer/task.h"

#include <utility>

#include "drainer/base/log.h"

namespace drainer {

void start_task(ThreadGroup& threads, const std::string& name, ThreadGroup::Body body) {
  threads.start(name, [name, body = std::move(body)](const StopToken& stop) -> Result<void> {
    Result<void> result = body(stop);
    if (!result.ok() && result.error().code() != ErrorCode::kStopped) {
      log_error(name == "collect" ? "collector meets error" : name + " exited abnormal",
                {{"error", result.error()}});
    }
    log_info("Exit", {{"name", name}});
    return result;
  });
}

}  // namespace drainer
