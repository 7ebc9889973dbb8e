#pragma once

#include <poll.h>

#include <span>

#include "drainer/base/clock.h"
#include "drainer/base/file_descriptor.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"

namespace drainer::rpc {

/// How long an operation may block: until `deadline` or a stop request. Plain data.
struct IoLimits {
  Clock& clock;
  TimePoint deadline = TimePoint::max();  ///< max(): none
  StopToken stop;
};

/// Where rpc blocks: poll(2) on one descriptor, and on an eventfd which a stop request signals.
///
/// One thread.
class IoWaiter {
 public:
  static Result<IoWaiter> open();

  /// Returns when one of `events` (POLLIN, POLLOUT) or an error is on `fd`. kTimeout, kStopped.
  Result<void> wait(int fd, int16_t events, const IoLimits& limits);
  /// As wait(), for several descriptors at once; fills in what each has come to.
  Result<void> wait_any(std::span<pollfd> polled, const IoLimits& limits);

 private:
  explicit IoWaiter(FileDescriptor wake) : wake_(std::move(wake)) {}

  FileDescriptor wake_;
};

}  // namespace drainer::rpc
