#pragma once

#include <string>
#include <vector>

#include "conf/flags.h"
#include "conf/load.h"

namespace drainer::conf {

/// Sets options from BINLOG_SERVER_<FLAG> for flags that `command_line` does not give
/// (spec/drainer-process.md 1.4). Returns one line for each value that cannot be read.
///
/// KEEP: _CONFIG, _V and the four of _ENABLE_… and _DISABLE_… come too late to have an effect.
/// FIX: the original minds only a bad _TXN_BATCH and sets the others to 0; here each one is fatal.
std::vector<std::string> apply_environment(const Environment& environment,
                                           const CommandLine& command_line, Draft& draft);

/// The first IPv4 address of this host that is neither loopback nor 0.0.0.0; else 127.0.0.1 with a
/// line in the log (1.5).
std::string default_ip();

}  // namespace drainer::conf
