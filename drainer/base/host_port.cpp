#include "drainer/base/host_port.h"

namespace drainer {

std::optional<HostPort> split_host_port(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || address.find(']', colon) != std::string_view::npos) {
    return std::nullopt;
  }
  HostPort out{.host = address.substr(0, colon), .port = address.substr(colon + 1)};
  out.has_brackets = out.host.size() >= 2 && out.host.starts_with('[') && out.host.ends_with(']');
  if (out.has_brackets) out.host = out.host.substr(1, out.host.size() - 2);
  return out;
}

}  // namespace drainer
