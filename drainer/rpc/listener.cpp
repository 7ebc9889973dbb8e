#include "drainer/rpc/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cctype>
#include <cerrno>
#include <cstring>

#include "drainer/base/host_port.h"
#include "drainer/base/parse_number.h"
#include "drainer/rpc/resolve.h"

namespace drainer::rpc {

namespace {

constexpr int kBacklog = 128;

std::string system_text(int code) {
  std::string text = std::strerror(code);
  text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

Result<FileDescriptor> bind_one(const SocketAddress& address, bool all_addresses) {
  const auto failed = [](std::string_view step) {
    return make_error(ErrorCode::kUnavailable, "{}: {}", step, system_text(errno));
  };
  FileDescriptor fd(::socket(address.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failed("socket");
  const int on = 1;
  const int off = 0;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (all_addresses && address.family == AF_INET6) {
    (void)::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  const auto* name = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::bind(fd.get(), name, address.size) != 0) return failed("bind");
  return fd;
}

// "host:port", "[::1]:port", ":port".
Result<std::pair<std::string, uint16_t>> split(std::string_view address) {
  const auto divided = split_host_port(address);
  if (!divided) {
    return make_error(ErrorCode::kInvalid, "address {}: missing port in address", address);
  }
  const auto port =
      divided->port.empty() ? std::optional<uint16_t>(0) : parse_whole<uint16_t>(divided->port);
  if (!port) return make_error(ErrorCode::kInvalid, "address {}: invalid port", divided->port);
  return std::pair(std::string(divided->host), *port);
}

Result<uint16_t> bound_port(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    return make_error(ErrorCode::kUnavailable, "getsockname: {}", system_text(errno));
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&name);
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&name);
  return ntohs(name.ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port);
}

Result<FileDescriptor> bind_any(const std::string& host, uint16_t port, const IoLimits& limits) {
  ASSIGN_OR_RETURN(IoWaiter waiter, IoWaiter::open());
  if (!host.empty()) {
    ASSIGN_OR_RETURN(const auto addresses, resolve(host, port, waiter, limits));
    return bind_one(addresses.front(), /*all_addresses=*/false);
  }
  ASSIGN_OR_RETURN(const auto v6, resolve("::", port, waiter, limits));
  Result<FileDescriptor> both = bind_one(v6.front(), /*all_addresses=*/true);
  if (both.ok() || errno != EAFNOSUPPORT) return both;
  ASSIGN_OR_RETURN(const auto v4, resolve("0.0.0.0", port, waiter, limits));
  return bind_one(v4.front(), /*all_addresses=*/true);
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(const std::string& address,
                                                 const IoLimits& limits) {
  const auto open_fd = [&]() -> Result<FileDescriptor> {
    ASSIGN_OR_RETURN(const auto parts, split(address));
    return bind_any(parts.first, parts.second, limits);
  };
  Result<FileDescriptor> fd = open_fd();
  if (!fd.ok()) return std::move(fd).error().because("listen tcp {}", address);
  ASSIGN_OR_RETURN(const uint16_t port, bound_port(fd->get()));
  return std::unique_ptr<Listener>(
      new Listener(address, std::move(fd).value(), port));  // NOLINT: private
}

Result<void> Listener::listen() {
  if (::listen(fd_.get(), kBacklog) == 0) return {};
  return make_error(ErrorCode::kUnavailable, "listen tcp {}: listen: {}", address_,
                    system_text(errno));
}

Result<std::optional<FileDescriptor>> Listener::try_accept() {
  while (true) {
    const int fd = ::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) return std::optional<FileDescriptor>(FileDescriptor(fd));
    if (errno == EAGAIN) return std::optional<FileDescriptor>();
    const bool resources =
        errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (resources) {
      return make_error(ErrorCode::kUnavailable, "accept: {}", system_text(errno));
    }
    // Anything else concerns the one connection, which its peer has given up.
  }
}

}  // namespace drainer::rpc
