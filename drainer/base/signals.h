#pragma once

#include <memory>
#include <optional>

#include "drainer/base/mutex.h"
#include "drainer/base/result.h"

namespace drainer {

/// Waits for the signals that end the program: SIGHUP, SIGINT, SIGQUIT, SIGTERM. One thread.
class SignalWaiter {
 public:
  /// Blocks these signals for the calling thread and all threads started later; SIGPIPE is ignored.
  static Result<std::unique_ptr<SignalWaiter>> open();
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  /// The next signal, or nothing on `stop`.
  std::optional<int> wait(const StopToken& stop);

 private:
  SignalWaiter(int signal_fd, int wake_fd) : signal_fd_(signal_fd), wake_fd_(wake_fd) {}

  int signal_fd_;
  int wake_fd_;
};

/// "interrupt", "terminated" … as Go names them.
const char* signal_name(int signal);

}  // namespace drainer
