#include "drainer/base/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace drainer {

Result<std::unique_ptr<SignalWaiter>> SignalWaiter::open() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
    sigaddset(&signals, signal);
    // A shell starts background jobs with SIGINT ignored, nohup with SIGHUP; such a signal would
    // never become pending. As in the original they count all the same.
    ::signal(signal, SIG_DFL);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  // A file that may grow no more gives an error with its name instead.
  ::signal(SIGXFSZ, SIG_IGN);
  FileDescriptor pending(signalfd(-1, &signals, SFD_CLOEXEC));
  FileDescriptor wake(eventfd(0, EFD_CLOEXEC));
  if (!pending || !wake) {
    return make_error(ErrorCode::kInternal, "set up signals: {}", std::strerror(errno));
  }
  return std::unique_ptr<SignalWaiter>(
      new SignalWaiter(std::move(pending), std::move(wake)));  // NOLINT: private constructor
}

std::optional<int> SignalWaiter::wait(const StopToken& stop) {
  const std::stop_callback wake(stop, [this] {
    const uint64_t one = 1;
    (void)!write(wake_.get(), &one, sizeof one);
  });
  pollfd fds[2] = {{signals_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
  while (!stop.stop_requested()) {
    if (poll(fds, 2, -1) < 0) continue;
    signalfd_siginfo info;
    if ((fds[0].revents & POLLIN) != 0 && read(signals_.get(), &info, sizeof info) == sizeof info) {
      return static_cast<int>(info.ssi_signo);
    }
  }
  return std::nullopt;
}

const char* signal_name(int signal) {
  switch (signal) {
    case SIGHUP:
      return "hangup";
    case SIGINT:
      return "interrupt";
    case SIGQUIT:
      return "quit";
    case SIGTERM:
      return "terminated";
    default:
      return "signal";
  }
}

}  // namespace drainer
