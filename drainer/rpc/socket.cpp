#include "drainer/rpc/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "drainer/rpc/resolve.h"
#include "drainer/rpc/tls_session.h"

namespace drainer::rpc {

namespace {

/// A dead peer is found out within idle + count * interval, as with Go's defaults. Pumps forbid
/// HTTP/2 PINGs (spec/upstream-protocols.md 2.4).
constexpr int kKeepAliveIdleS = 15;
constexpr int kKeepAliveIntervalS = 15;
constexpr int kKeepAliveCount = 9;
constexpr int kUnacknowledgedMsMax =
    (kKeepAliveIdleS + kKeepAliveCount * kKeepAliveIntervalS) * 1000;

Error system_error(std::string_view what, int code) {
  return make_error(ErrorCode::kUnavailable, "{}: {}", what, std::strerror(code));
}

void set_options(int fd) {
  const auto set = [fd](int level, int name, int value) {
    (void)::setsockopt(fd, level, name, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleS);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalS);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveCount);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, kUnacknowledgedMsMax);
}

Result<FileDescriptor> connect_one(const SocketAddress& address, IoWaiter& waiter,
                                   const IoLimits& limits) {
  FileDescriptor fd(::socket(address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return system_error("socket", errno);
  set_options(fd.get());
  const auto* name = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(fd.get(), name, address.size) == 0) return fd;
  if (errno != EINPROGRESS && errno != EINTR) return system_error("tcp", errno);
  TRY(waiter.wait(fd.get(), POLLOUT, limits));
  int code = 0;
  socklen_t size = sizeof code;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
  if (code != 0) return system_error("tcp", code);
  return fd;
}

/// Tries all addresses; each gets an equal share of the time left, so that a dead one does not use
/// it up.
Result<FileDescriptor> connect_any(const Socket::Peer& peer, IoWaiter& waiter,
                                   const IoLimits& limits) {
  ASSIGN_OR_RETURN(const auto addresses, resolve(peer.host, peer.port, waiter, limits));
  auto result = Result<FileDescriptor>(make_error(ErrorCode::kUnavailable, "no address"));
  for (size_t i = 0; i < addresses.size(); ++i) {
    IoLimits share = limits;
    if (limits.deadline != TimePoint::max()) {
      const TimePoint now = limits.clock.now();
      share.deadline = now + (limits.deadline - now) / static_cast<int64_t>(addresses.size() - i);
    }
    result = connect_one(addresses[i], waiter, share);
    if (result.ok() || result.error().code() == ErrorCode::kStopped) break;
  }
  return result;
}

/// Without a connection nothing can have happened at the peer: never kTimeout.
Error connect_error(Error error) {
  if (error.code() == ErrorCode::kTimeout) error = Error(ErrorCode::kUnavailable, "timed out");
  return std::move(error).because("connect");
}

}  // namespace

Socket::Socket(FileDescriptor fd, IoWaiter waiter)
    : fd_(std::move(fd)), waiter_(std::move(waiter)), read_needs_(POLLIN), write_needs_(POLLOUT) {}

Socket::~Socket() = default;

Result<std::unique_ptr<Socket>> Socket::connect(const Peer& peer, const IoLimits& limits) {
  ASSIGN_OR_RETURN(IoWaiter waiter, IoWaiter::open());
  auto fd = connect_any(peer, waiter, limits);
  if (!fd.ok()) return connect_error(std::move(fd).error());
  std::unique_ptr<Socket> socket(
      new Socket(std::move(fd).value(), std::move(waiter)));  // NOLINT: private
  if (peer.tls != nullptr) {
    auto secured = socket->start_tls(peer, limits);
    if (!secured.ok()) return connect_error(std::move(secured).error());
  }
  return socket;
}

Result<std::unique_ptr<Socket>> Socket::accept(FileDescriptor fd, const TlsContext* tls) {
  ASSIGN_OR_RETURN(IoWaiter waiter, IoWaiter::open());
  set_options(fd.get());
  std::unique_ptr<Socket> socket(new Socket(std::move(fd), std::move(waiter)));  // NOLINT: private
  if (tls != nullptr) {
    ASSIGN_OR_RETURN(socket->tls_, TlsSession::create_server(*tls, socket->fd_.get()));
  }
  return socket;
}

Result<int16_t> Socket::handshake() {
  if (!tls_) return int16_t{0};
  return tls_->handshake();
}

Result<void> Socket::start_tls(const Peer& peer, const IoLimits& limits) {
  ASSIGN_OR_RETURN(tls_, TlsSession::create(*peer.tls, peer.host, fd_.get()));
  while (true) {
    ASSIGN_OR_RETURN(const int16_t wait_for, tls_->handshake());
    if (wait_for == 0) return {};
    TRY(waiter_.wait(fd_.get(), wait_for, limits));
  }
}

Result<IoStep> Socket::try_read(std::span<char> buffer) {
  IoStep step;
  if (tls_) {
    ASSIGN_OR_RETURN(step, tls_->try_read(buffer));
  } else {
    const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (count >= 0) {
      step.bytes = static_cast<size_t>(count);
    } else if (errno == EAGAIN || errno == EINTR) {
      step.wait_for = POLLIN;
    } else {
      return system_error("read", errno);
    }
  }
  read_needs_ = step.wait_for != 0 ? step.wait_for : int16_t{POLLIN};
  return step;
}

Result<IoStep> Socket::try_write(ByteView bytes) {
  IoStep step;
  if (tls_) {
    ASSIGN_OR_RETURN(step, tls_->try_write(bytes));
  } else {
    const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      step.bytes = static_cast<size_t>(count);
    } else if (errno == EAGAIN || errno == EINTR) {
      step.wait_for = POLLOUT;
    } else {
      return system_error("write", errno);
    }
  }
  write_needs_ = step.wait_for != 0 ? step.wait_for : int16_t{POLLOUT};
  return step;
}

Result<void> Socket::wait(bool for_write, const IoLimits& limits) {
  const int events = read_needs_ | (for_write ? write_needs_ : 0);
  return waiter_.wait(fd_.get(), static_cast<int16_t>(events), limits);
}

void Socket::end_writing() {
  if (tls_) tls_->end_writing();
  (void)::shutdown(fd_.get(), SHUT_WR);
}

}  // namespace drainer::rpc
