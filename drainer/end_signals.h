#pragma once

#include <functional>
#include <memory>

#include "drainer/base/result.h"
#include "drainer/base/signals.h"
#include "drainer/base/threads.h"
#include "drainer/drain_limit.h"

namespace drainer {

/// What else signals do; called by the thread that waits for them, may be empty.
struct SignalHooks {
  std::function<bool(int signal)> takes = {};  ///< true: it is for something else than an end
  std::function<void()> on_end = {};           ///< at each signal that asks for an end
};

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT as EndTokens, while it lives: the first signal asks for an
/// end in order, a second one for an end at once. Any thread may ask.
class EndSignals {
 public:
  /// Before threads start that the signals must not reach.
  static Result<std::unique_ptr<EndSignals>> open(SignalHooks hooks = {});

  EndTokens tokens() const {
    return {.in_order = in_order_.get_token(), .at_once = at_once_.get_token()};
  }
  bool has_come() const { return in_order_.stop_requested(); }

 private:
  EndSignals(std::unique_ptr<SignalWaiter> signals, SignalHooks hooks);

  const std::unique_ptr<SignalWaiter> signals_;
  const SignalHooks hooks_;
  StopSource in_order_;
  StopSource at_once_;
  bool has_failed_ = false;                             ///< there is no thread to be had
  ThreadGroup thread_{[this] { has_failed_ = true; }};  ///< last: it ends before what it uses
};

}  // namespace drainer
