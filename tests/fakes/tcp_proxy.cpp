#include "tests/fakes/tcp_proxy.h"

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
#include <utility>

#include "drainer/base/check.h"

namespace drainer::fakes {
namespace {

using SteadyClock = std::chrono::steady_clock;

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

bool send_all(int fd, std::string_view bytes) {
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

TcpProxy::TcpProxy(uint16_t target_port, Options options)
    : target_port_(target_port),
      options_(std::move(options)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  CHECK(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length) == 0 &&
            ::listen(listener_.get(), 64) == 0 &&
            ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0,
        "proxy cannot listen");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

TcpProxy::~TcpProxy() {
  const uint64_t one = 1;
  CHECK(::write(stop_.get(), &one, sizeof one) == sizeof one, "proxy cannot stop");
  acceptor_.join();
  for (std::thread& relay : relays_) relay.join();
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
    std::array<pollfd, 2> fds = {{{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 || fds[1].revents != 0) return;
    FileDescriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;
    FileDescriptor server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(target_port_);
    const int on = 1;
    ::setsockopt(server.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      continue;
    }
    relays_.emplace_back([this, from = std::move(client), to = std::move(server)]() mutable {
      // Closed with the relay, not with the thread's object.
      const FileDescriptor client_end = std::move(from);
      const FileDescriptor server_end = std::move(to);
      relay(client_end.get(), server_end.get());
    });
  }
}

void TcpProxy::relay(int client, int server) {
  struct Piece {
    SteadyClock::time_point due;
    std::string bytes;
  };
  std::deque<Piece> on_the_way;
  std::string buffer(1 << 16, '\0');
  bool is_answered = true;
  bool loses_answer = false;
  const std::unique_ptr<TcpTap> tap = options_.make_tap ? options_.make_tap() : nullptr;
  while (true) {
    std::array<pollfd, 3> fds = {
        {{client, POLLIN, 0}, {server, POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    timespec limit{};
    if (!on_the_way.empty()) limit = to_timespec(on_the_way.front().due - SteadyClock::now());
    const int polled =
        ::ppoll(fds.data(), fds.size(), on_the_way.empty() ? nullptr : &limit, nullptr);
    if (polled < 0 || fds[2].revents != 0) return;
    if (fds[1].revents != 0) {
      const ssize_t got = ::read(server, buffer.data(), buffer.size());
      // The first byte of an answer to several statements comes when all are done.
      if (got <= 0 || loses_answer) return;
      is_answered = true;
      const std::string_view answer(buffer.data(), static_cast<size_t>(got));
      // Before the client has it: what it sends then comes after.
      if (tap) tap->note_answer(answer);
      if (!send_all(client, answer)) return;
    }
    if (fds[0].revents != 0) {
      const ssize_t got = ::read(client, buffer.data(), buffer.size());
      if (got <= 0) return;
      const std::string_view request(buffer.data(), static_cast<size_t>(got));
      const Cut cut = take_cut(request);
      if (cut == Cut::kRequest) return;
      loses_answer |= cut == Cut::kAnswer;
      if (is_answered) ++round_trips_;
      is_answered = false;
      if (tap) tap->note_request(request);
      on_the_way.push_back({SteadyClock::now() + options_.delay, std::string(request)});
    }
    while (!on_the_way.empty() && on_the_way.front().due <= SteadyClock::now()) {
      if (!send_all(server, on_the_way.front().bytes)) return;
      on_the_way.pop_front();
    }
  }
}

}  // namespace drainer::fakes
