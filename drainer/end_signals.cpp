#include "drainer/end_signals.h"

#include <optional>
#include <utility>

#include "drainer/base/log.h"

namespace drainer {

Result<std::unique_ptr<EndSignals>> EndSignals::open(SignalHooks hooks) {
  ASSIGN_OR_RETURN(std::unique_ptr<SignalWaiter> signals, SignalWaiter::open());
  std::unique_ptr<EndSignals> out(
      new EndSignals(std::move(signals), std::move(hooks)));  // NOLINT: private
  if (out->has_failed_) TRY(out->thread_.wait());
  return out;
}

EndSignals::EndSignals(std::unique_ptr<SignalWaiter> signals, SignalHooks hooks)
    : signals_(std::move(signals)), hooks_(std::move(hooks)) {
  thread_.start("signals", [this](const StopToken& stop) -> Result<void> {
    while (const std::optional<int> signal = signals_->wait(stop)) {
      if (hooks_.takes && hooks_.takes(*signal)) continue;
      log_info("got signal to exit.", {{"signal", signal_name(*signal)}});
      if (has_come()) at_once_.request_stop();
      in_order_.request_stop();
      if (hooks_.on_end) hooks_.on_end();
    }
    return {};
  });
}

}  // namespace drainer
