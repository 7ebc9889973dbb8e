#pragma once

#include <string>

#include "conf/options.h"
#include "drainer/base/result.h"

namespace drainer {

/// The name of this drainer in the registry: the one that was given, else `<host name>:<port>`.
Result<std::string> make_node_id(const Options& options);

}  // namespace drainer
