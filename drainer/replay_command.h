#pragma once

#include <span>
#include <string>

namespace drainer {

/// `drainer replay`: pb files or a relay log into MySQL, MariaDB or TiDB (README.md). The exit
/// code: 0 all applied, 1 did not begin, 2 failed, 3 interrupted by a signal and to be continued.
int replay_command(std::span<const std::string> arguments);

}  // namespace drainer
