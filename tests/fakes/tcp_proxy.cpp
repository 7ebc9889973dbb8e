#include "tests/fakes/tcp_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "drainer/base/check.h"

namespace drainer::fakes {
namespace {

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

}  // namespace

TcpProxy::TcpProxy(uint16_t target_port) : target_port_(target_port) {
  listen_fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  stop_fd_ = ::eventfd(0, EFD_CLOEXEC);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  CHECK(::bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
            ::listen(listen_fd_, 16) == 0 &&
            ::getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &length) == 0,
        "proxy cannot listen");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

TcpProxy::~TcpProxy() {
  const uint64_t one = 1;
  CHECK(::write(stop_fd_, &one, sizeof one) == sizeof one, "proxy cannot stop");
  acceptor_.join();
  for (std::thread& relay : relays_) relay.join();
  ::close(listen_fd_);
  ::close(stop_fd_);
}

void TcpProxy::arm(Cut cut, std::string marker) {
  MutexLock lock(mutex_);
  cut_ = cut;
  marker_ = std::move(marker);
}

int TcpProxy::cuts() const {
  MutexLock lock(mutex_);
  return cuts_;
}

TcpProxy::Cut TcpProxy::take_cut(std::string_view bytes) {
  MutexLock lock(mutex_);
  if (cut_ == Cut::kNone || bytes.find(marker_) == std::string_view::npos) return Cut::kNone;
  ++cuts_;
  return std::exchange(cut_, Cut::kNone);
}

void TcpProxy::accept_loop() {
  while (true) {
    std::array<pollfd, 2> fds = {{{listen_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 || fds[1].revents != 0) return;
    const int client = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(target_port_);
    const int on = 1;
    ::setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (client < 0 ||
        ::connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      if (client >= 0) ::close(client);
      ::close(server);
      continue;
    }
    relays_.emplace_back([this, client, server] {
      relay(client, server);
      ::close(client);
      ::close(server);
    });
  }
}

void TcpProxy::relay(int client, int server) {
  std::string buffer(1 << 16, '\0');
  bool loses_answer = false;
  while (true) {
    std::array<pollfd, 3> fds = {{{client, POLLIN, 0}, {server, POLLIN, 0}, {stop_fd_, POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 || fds[2].revents != 0) return;
    if (fds[1].revents != 0) {
      const ssize_t got = ::read(server, buffer.data(), buffer.size());
      // The first byte of an answer to several statements comes when all are done.
      if (got <= 0 || loses_answer) return;
      if (!write_all(client, {buffer.data(), static_cast<size_t>(got)})) return;
    }
    if (fds[0].revents != 0) {
      const ssize_t got = ::read(client, buffer.data(), buffer.size());
      if (got <= 0) return;
      const std::string_view bytes(buffer.data(), static_cast<size_t>(got));
      const Cut cut = take_cut(bytes);
      if (cut == Cut::kRequest) return;
      if (!write_all(server, bytes)) return;
      loses_answer |= cut == Cut::kAnswer;
    }
  }
}

}  // namespace drainer::fakes
