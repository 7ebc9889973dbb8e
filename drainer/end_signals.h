#pragma once

#include <memory>

#include "drainer/base/result.h"
#include "drainer/base/signals.h"
#include "drainer/base/threads.h"
#include "drainer/drain_limit.h"

namespace drainer {

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT as EndTokens, while it lives: the first signal asks for an
/// end in order, a second one for an end at once. Any thread may ask.
class EndSignals {
 public:
  /// Before threads start that the signals must not reach.
  static Result<std::unique_ptr<EndSignals>> open();

  EndTokens tokens() const {
    return {.in_order = in_order_.get_token(), .at_once = at_once_.get_token()};
  }
  bool has_come() const { return in_order_.stop_requested(); }

 private:
  explicit EndSignals(std::unique_ptr<SignalWaiter> signals);

  const std::unique_ptr<SignalWaiter> signals_;
  StopSource in_order_;
  StopSource at_once_;
  ThreadGroup thread_;  ///< last: it ends before what it uses
};

}  // namespace drainer
