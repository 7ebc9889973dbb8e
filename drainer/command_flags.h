#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/ids.h"
#include "drainer/base/result.h"

namespace drainer {

/// A flag of a subcommand.
struct CommandFlag {
  std::string_view name;
  std::string_view argument;  ///< what follows it, for the help; empty: a switch
  std::string_view help;
  std::function<Result<void>(const std::string& value)> set;
};

/// What is left of a subcommand's arguments.
struct CommandArguments {
  std::vector<std::string> drainer_flags;  ///< the drainer's own, with their values
  std::vector<std::string> positional;
  bool wants_help = false;
};

/// Takes the flags out of `arguments`, in Go's syntax: -x v, -x=v, --x=v. Flags that the drainer
/// itself knows pass through when `passes_drainer_flags`. kInvalid names what nobody knows.
Result<CommandArguments> parse_command_flags(std::span<const std::string> arguments,
                                             std::span<const CommandFlag> flags,
                                             bool passes_drainer_flags);

/// The flags as an indented list.
std::string command_flags_help(std::span<const CommandFlag> flags);

/// A commit ts, or (local time) "YYYY-MM-DD hh:mm:ss" as its first one.
Result<CommitTs> parse_commit_ts(const std::string& text);
Result<CommitTs> parse_local_time(const std::string& text);

/// Unix milliseconds of a commit ts as local time.
std::string local_time_text(CommitTs ts);

}  // namespace drainer
