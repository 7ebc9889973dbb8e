#include "drainer/end_signals.h"

#include <optional>
#include <utility>

#include "drainer/base/log.h"

namespace drainer {

Result<std::unique_ptr<EndSignals>> EndSignals::open() {
  ASSIGN_OR_RETURN(std::unique_ptr<SignalWaiter> signals, SignalWaiter::open());
  return std::unique_ptr<EndSignals>(new EndSignals(std::move(signals)));  // NOLINT: private
}

EndSignals::EndSignals(std::unique_ptr<SignalWaiter> signals) : signals_(std::move(signals)) {
  thread_.start("signals", [this](const StopToken& stop) -> Result<void> {
    while (const std::optional<int> signal = signals_->wait(stop)) {
      log_info("got signal to exit.", {{"signal", signal_name(*signal)}});
      if (has_come()) at_once_.request_stop();
      in_order_.request_stop();
    }
    return {};
  });
}

}  // namespace drainer
