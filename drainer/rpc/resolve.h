#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "drainer/rpc/io_wait.h"

namespace drainer::rpc {

/// One address to connect to. Plain data.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family = 0;
};

/// All addresses of `host` (name, IPv4 or IPv6), in the order to try them; never empty.
///
/// A name is looked up on a thread of its own, so that the limits hold: a lookup given up ends by
/// itself later. Any thread. Errors: kUnavailable, kTimeout, kStopped.
Result<std::vector<SocketAddress>> resolve(const std::string& host, uint16_t port, IoWaiter& waiter,
                                           const IoLimits& limits);

}  // namespace drainer::rpc
