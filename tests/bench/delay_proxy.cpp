#include "tests/bench/delay_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "drainer/base/check.h"

namespace drainer::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

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

timespec to_timespec(SteadyClock::duration duration) {
  const auto ns =
      std::max<int64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count(), 0);
  return {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
}

}  // namespace

DelayProxy::DelayProxy(uint16_t target_port, std::chrono::microseconds delay, Recording* recording)
    : target_port_(target_port), delay_(delay), recording_(recording) {
  listen_fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  stop_fd_ = ::eventfd(0, EFD_CLOEXEC);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  CHECK(::bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
            ::listen(listen_fd_, 64) == 0 &&
            ::getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &length) == 0,
        "proxy cannot listen");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

DelayProxy::~DelayProxy() {
  const uint64_t one = 1;
  CHECK(::write(stop_fd_, &one, sizeof one) == sizeof one, "proxy cannot stop");
  acceptor_.join();
  for (std::thread& relay : relays_) relay.join();
  ::close(listen_fd_);
  ::close(stop_fd_);
}

void DelayProxy::accept_loop() {
  while (true) {
    std::array<pollfd, 2> fds = {{{listen_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 || fds[1].revents != 0) return;
    const int client = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(target_port_);
    const int on = 1;
    ::setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(client);
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

void DelayProxy::relay(int client, int server) {
  struct Piece {
    SteadyClock::time_point due;
    std::string bytes;
  };
  std::deque<Piece> on_the_way;
  std::string buffer(1 << 16, '\0');
  bool is_answered = true;
  std::optional<Recording::Connection> recorded;
  if (recording_ != nullptr) recorded.emplace(recording_->add_connection());
  while (true) {
    std::array<pollfd, 3> fds = {{{client, POLLIN, 0}, {server, POLLIN, 0}, {stop_fd_, POLLIN, 0}}};
    timespec limit{};
    if (!on_the_way.empty()) limit = to_timespec(on_the_way.front().due - SteadyClock::now());
    const int polled =
        ::ppoll(fds.data(), fds.size(), on_the_way.empty() ? nullptr : &limit, nullptr);
    if (polled < 0 || fds[2].revents != 0) return;
    if (fds[1].revents != 0) {
      const ssize_t got = ::read(server, buffer.data(), buffer.size());
      if (got <= 0) return;
      is_answered = true;
      const std::string_view answer(buffer.data(), static_cast<size_t>(got));
      // Before the client has it: what it sends then comes after.
      if (recorded) recorded->note_answer(answer);
      if (!write_all(client, answer)) return;
    }
    if (fds[0].revents != 0) {
      const ssize_t got = ::read(client, buffer.data(), buffer.size());
      if (got <= 0) return;
      if (is_answered) ++round_trips_;
      is_answered = false;
      if (recorded) recorded->note_request({buffer.data(), static_cast<size_t>(got)});
      on_the_way.push_back(
          {SteadyClock::now() + delay_, buffer.substr(0, static_cast<size_t>(got))});
    }
    while (!on_the_way.empty() && on_the_way.front().due <= SteadyClock::now()) {
      if (!write_all(server, on_the_way.front().bytes)) return;
      on_the_way.pop_front();
    }
  }
}

}  // namespace drainer::bench
