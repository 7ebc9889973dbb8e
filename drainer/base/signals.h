#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "drainer/base/file_descriptor.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"

namespace drainer {

/// Waits for the signals that end the program: SIGHUP, SIGINT, SIGQUIT, SIGTERM. One thread.
class SignalWaiter {
 public:
  /// Blocks these signals for the calling thread and all threads started later; SIGPIPE is ignored.
  static Result<std::unique_ptr<SignalWaiter>> open();

  /// The next signal, or nothing on `stop`.
  std::optional<int> wait(const StopToken& stop);

 private:
  SignalWaiter(FileDescriptor signals, FileDescriptor wake)
      : signals_(std::move(signals)), wake_(std::move(wake)) {}

  const FileDescriptor signals_;
  const FileDescriptor wake_;
};

/// "interrupt", "terminated" … as Go names them.
const char* signal_name(int signal);

}  // namespace drainer
