#include "drainer/node_id.h"

#include "drainer/base/host_port.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace drainer {

namespace {

std::string_view port_of(std::string_view address) {
  const auto divided = split_host_port(address);
  return divided ? divided->port : address;
}

}  // namespace

Result<std::string> make_node_id(const Options& options) {
  if (!options.node_id.empty()) return options.node_id;
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) {
    return make_error(ErrorCode::kInternal, "get host name: {}", std::strerror(errno));
  }
  return fmt::format("{}:{}", name, port_of(options.addr));
}

}  // namespace drainer
