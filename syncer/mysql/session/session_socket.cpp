#include "syncer/mysql/session/session_socket.h"

#include "drainer/base/host_port.h"
#include "drainer/base/parse_number.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <system_error>

namespace drainer::mysql {
namespace {

constexpr int kIdleSeconds = 60;
constexpr int kIntervalSeconds = 10;
constexpr int kProbes = 9;
// For bytes that the peer does not acknowledge, which keep the probes back.
constexpr int kUnacknowledgedMs = (kIdleSeconds + kProbes * kIntervalSeconds) * 1000;

using NameOf = int (*)(int, sockaddr*, socklen_t*);

// Nothing for what is no TCP socket.
std::optional<uint16_t> port_of(int fd, NameOf name_of) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (name_of(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return std::nullopt;
  if (name.ss_family == AF_INET) return ntohs(reinterpret_cast<sockaddr_in&>(name).sin_port);
  if (name.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(name).sin6_port);
  return std::nullopt;
}

void for_each_socket_to(uint16_t peer_port, const std::function<void(int)>& visit) {
  std::error_code failed;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", failed), end;
       !failed && entry != end; entry.increment(failed)) {
    const auto fd = parse_whole<int>(entry->path().filename().native());
    if (fd && port_of(*fd, ::getpeername) == peer_port) visit(*fd);
  }
}

void set_option(int fd, int level, int option, int value) {
  (void)::setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

void keep_sockets_alive(uint16_t peer_port) {
  for_each_socket_to(peer_port, [](int fd) {
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kIntervalSeconds);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, kUnacknowledgedMs);
  });
}

bool shut_down_socket(const SessionIdentity& session, uint16_t peer_port) {
  const auto divided = split_host_port(session.host);
  const auto own_port = divided ? parse_whole<uint16_t>(divided->port) : std::nullopt;
  if (!own_port) return false;
  bool is_found = false;
  for_each_socket_to(peer_port, [&](int fd) {
    if (port_of(fd, ::getsockname) != own_port) return;
    is_found = ::shutdown(fd, SHUT_RDWR) == 0;
  });
  return is_found;
}

}  // namespace drainer::mysql
