#pragma once

#include <optional>
#include <string_view>

namespace drainer {

/// "host:port" or "[::1]:port" taken apart; either part may be empty. Lives as long as the text.
struct HostPort {
  std::string_view host;  ///< without brackets
  std::string_view port;
  bool has_brackets = false;
};

/// Divides at the last colon, which a bracket must not follow; nothing without one.
std::optional<HostPort> split_host_port(std::string_view address);

}  // namespace drainer
