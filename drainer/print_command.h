#pragma once

#include <span>
#include <string>

namespace drainer {

/// `drainer print`: pb files, relay logs and messages as text, JSON or SQL (README.md). The exit
/// code: 0 all printed, 1 otherwise.
int print_command(std::span<const std::string> arguments);

}  // namespace drainer
