#include "drainer/node_id.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace drainer {

namespace {

std::string port_of(const std::string& address) {
  return address.substr(address.rfind(':') + 1);
}

}  // namespace

Result<std::string> make_node_id(const Options& options) {
  if (!options.node_id.empty()) return options.node_id;
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) {
    return make_error(ErrorCode::kInternal, "get host name: {}", std::strerror(errno));
  }
  return std::string(name) + ":" + port_of(options.addr);
}

}  // namespace drainer
