#include "drainer/rpc/io_wait.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace drainer::rpc {

namespace {

timespec to_timespec(Duration duration) {
  const int64_t ns = std::max<int64_t>(duration.count(), 0);
  return {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
}

}  // namespace

Result<IoWaiter> IoWaiter::open() {
  FileDescriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return make_error(ErrorCode::kUnavailable, "eventfd: {}", std::strerror(errno));
  return IoWaiter(std::move(wake));
}

Result<void> IoWaiter::wait(int fd, int16_t events, const IoLimits& limits) {
  pollfd polled{.fd = fd, .events = events, .revents = 0};
  return wait_any({&polled, 1}, limits);
}

Result<void> IoWaiter::wait_any(std::span<pollfd> polled, const IoLimits& limits) {
  // A stop that comes while nobody waits needs no signal: stop_requested() is asked first.
  const std::stop_callback on_stop(limits.stop,
                                   [wake = wake_.get()] { (void)::eventfd_write(wake, 1); });
  std::vector<pollfd> all(polled.begin(), polled.end());
  all.push_back({.fd = wake_.get(), .events = POLLIN, .revents = 0});
  while (true) {
    if (limits.stop.stop_requested()) return stopped();
    timespec timeout{};
    const bool limited = limits.deadline != TimePoint::max();
    if (limited) timeout = to_timespec(limits.deadline - limits.clock.now());
    const int ready = ::ppoll(all.data(), all.size(), limited ? &timeout : nullptr, nullptr);
    if (ready < 0 && errno != EINTR) {
      return make_error(ErrorCode::kUnavailable, "poll: {}", std::strerror(errno));
    }
    if (ready == 0) return make_error(ErrorCode::kTimeout, "timed out");
    if (ready < 0) continue;
    std::copy(all.begin(), all.end() - 1, polled.begin());
    if (std::ranges::any_of(polled, [](const pollfd& one) { return one.revents != 0; })) return {};
    // What is left of an earlier stop only costs this round.
    eventfd_t count = 0;
    (void)::eventfd_read(wake_.get(), &count);
  }
}

}  // namespace drainer::rpc
