#include "tests/upstream/port.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "drainer/base/log.h"

namespace drainer::upstream {

namespace {

constexpr int kBacklog = 256;
constexpr std::string_view kPreface = "PRI";  // how every HTTP/2 connection begins

Error errno_error(const char* call) {
  return make_error(ErrorCode::kUnavailable, "{}: {}", call, std::strerror(errno));
}

}  // namespace

Port::Port(std::string host, GrpcHandler grpc, HttpHandler http, int wake_fd)
    : host_(std::move(host)), grpc_(std::move(grpc)), http_(std::move(http)), wake_fd_(wake_fd) {}

Result<std::unique_ptr<Port>> Port::open(const std::string& host, uint16_t port, GrpcHandler grpc,
                                         HttpHandler http) {
  const int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_fd < 0) return errno_error("eventfd");
  std::unique_ptr<Port> out(new Port(host, std::move(grpc), std::move(http), wake_fd));
  MutexLock lock(out->mutex_);
  ASSIGN_OR_RETURN(out->listener_, out->bind_socket(port));
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  if (getsockname(out->listener_, reinterpret_cast<sockaddr*>(&bound), &size) != 0 ||
      listen(out->listener_, kBacklog) != 0) {
    return errno_error("listen");
  }
  out->number_ = ntohs(bound.sin_port);
  out->listening_ = true;
  return out;
}

Port::~Port() {
  for (const auto& [fd, connection] : connections_) close(fd);
  if (listener_ >= 0) close(listener_);
  close(wake_fd_);
}

Result<int> Port::bind_socket(uint16_t port) const {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host_.c_str(), &address.sin_addr) != 1) {
    return make_error(ErrorCode::kInvalid, "{} is no IPv4 address", host_);
  }
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno_error("socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    Error error = errno_error("bind");
    close(fd);
    return std::move(error).because("{}:{}", host_, port);
  }
  return fd;
}

std::string Port::address() const {
  MutexLock lock(mutex_);
  return fmt::format("{}:{}", host_, number_);
}

void Port::wake() const {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_fd_, &one, sizeof one);
}

Result<void> Port::run(StopToken stop) {
  const std::stop_callback waker(stop, [this] { wake(); });
  {
    MutexLock lock(mutex_);
    running_ = true;
  }
  while (!stop.stop_requested()) {
    std::vector<pollfd> polled{{wake_fd_, POLLIN, 0}};
    {
      MutexLock lock(mutex_);
      if (close_wanted_) {
        // Bound but not listening: the kernel refuses connections, and nobody takes the port.
        close(listener_);
        ASSIGN_OR_RETURN(listener_, bind_socket(number_));
        listening_ = close_wanted_ = false;
        applied_.notify_all();
      }
      polled.push_back({listening_ ? listener_ : -1, POLLIN, 0});
      for (const auto& [fd, connection] : connections_) {
        // Of gRPC's connections we only want to hear that they are over (POLLHUP).
        short events = connection->state == State::kGrpc ? 0 : POLLIN;
        if (!connection->output.empty()) events = POLLOUT;
        polled.push_back({fd, events, 0});
      }
    }
    if (poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return errno_error("poll");
    uint64_t drained = 0;
    while (read(wake_fd_, &drained, sizeof drained) > 0) {
    }
    if ((polled[1].revents & POLLIN) != 0) accept_all();
    for (size_t i = 2; i < polled.size(); ++i) {
      if (polled[i].revents != 0) serve(polled[i].fd, polled[i].revents);
    }
  }
  MutexLock lock(mutex_);
  running_ = false;
  applied_.notify_all();
  return {};
}

void Port::accept_all() {
  while (true) {
    MutexLock lock(mutex_);
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ++accepted_;
    connections_.emplace(fd, std::make_unique<Connection>(Connection{.fd = fd}));
  }
}

void Port::serve(int fd, short events) {
  Connection* connection = nullptr;
  {
    MutexLock lock(mutex_);
    connection = connections_.find(fd)->second.get();
  }
  // Nobody else removes connections, and the handlers run without the lock.
  bool lives = true;
  if (connection->state == State::kGrpc) {
    lives = (events & (POLLHUP | POLLERR)) == 0;
  } else {
    if (connection->state == State::kUndecided) lives = decide(*connection);
    if (lives && connection->state == State::kHttp) lives = serve_http(*connection);
  }
  if (lives) return;
  MutexLock lock(mutex_);
  close(connection->fd);
  connections_.erase(connection->fd);
}

bool Port::decide(Connection& connection) {
  char first[kPreface.size()];
  const auto got = recv(connection.fd, first, sizeof first, MSG_PEEK);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  const auto size = static_cast<size_t>(got);
  MutexLock lock(mutex_);
  if (std::string_view(first, size) != kPreface.substr(0, size)) {
    connection.state = State::kHttp;
    return true;
  }
  if (size < kPreface.size()) return true;
  const int second = fcntl(connection.fd, F_DUPFD_CLOEXEC, 0);
  if (second < 0) return false;
  // gRPC closes the descriptor that it gets; ours lives until the connection is over.
  const int first_fd = std::exchange(connection.fd, second);
  auto node = connections_.extract(first_fd);
  node.key() = second;
  connections_.insert(std::move(node));
  connection.peer = fmt::format("fd:{}", first_fd);
  connection.state = State::kGrpc;
  grpc_(first_fd);
  return true;
}

bool Port::serve_http(Connection& connection) {
  char buffer[16384];
  while (true) {
    const auto got = recv(connection.fd, buffer, sizeof buffer, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
    if (got < 0) break;
    connection.input.append(buffer, static_cast<size_t>(got));
  }
  bool broken = false;
  while (const auto request = take_http_request(connection.input, broken)) {
    connection.output += format_http_response(http_(*request), request->keep_alive);
    connection.last_answer |= !request->keep_alive;
  }
  if (broken) {
    connection.output += format_http_response({.status = 400}, /*keep_alive=*/false);
    connection.last_answer = true;
    connection.input.clear();
  }
  const auto sent =
      send(connection.fd, connection.output.data(), connection.output.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return false;
  connection.output.erase(0, static_cast<size_t>(sent > 0 ? sent : 0));
  return !connection.last_answer || !connection.output.empty();
}

void Port::close_listener() {
  MutexLock lock(mutex_);
  if (!listening_) return;
  close_wanted_ = true;
  wake();
  applied_.wait(mutex_, StopToken(),
                [&]() NO_THREAD_SAFETY_ANALYSIS { return !close_wanted_ || !running_; });
}

Result<void> Port::reopen(bool move) {
  MutexLock lock(mutex_);
  if (listening_) return {};
  if (move) {
    ASSIGN_OR_RETURN(const int fd, bind_socket(0));
    close(std::exchange(listener_, fd));
  }
  if (listen(listener_, kBacklog) != 0) return errno_error("listen");
  sockaddr_in bound{};
  socklen_t size = sizeof bound;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size);
  number_ = ntohs(bound.sin_port);
  listening_ = true;
  wake();
  return {};
}

void Port::cut_all() {
  MutexLock lock(mutex_);
  for (const auto& [fd, connection] : connections_) {
    if (connection->state != State::kHttp) shutdown(fd, SHUT_RDWR);
  }
}

void Port::end(const std::string& peer) {
  MutexLock lock(mutex_);
  for (const auto& [fd, connection] : connections_) {
    if (connection->peer == peer) shutdown(fd, SHUT_WR);
  }
}

Port::Counts Port::counts() const {
  MutexLock lock(mutex_);
  Counts out{.accepted = accepted_};
  for (const auto& [fd, connection] : connections_) {
    if (connection->state == State::kGrpc) ++out.open_grpc;
    if (connection->state == State::kHttp) ++out.open_http;
  }
  return out;
}

}  // namespace drainer::upstream
