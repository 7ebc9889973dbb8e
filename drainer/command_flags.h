#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drainer/base/ids.h"
#include "drainer/base/result.h"

namespace drainer {

/// A flag of a subcommand.
struct CommandFlag {
  using SetText = std::function<Result<void>(const std::string& value)>;
  using SetSwitch = std::function<void(bool is_on)>;  ///< for one that may stand without a value

  std::string_view name;
  std::string_view argument;  ///< what follows it, for the help; empty: a switch
  std::string_view help;
  std::variant<SetText, SetSwitch> set;
};

// What most flags do: put what they are given into a field that outlives them.
CommandFlag::SetText set_text(std::string& field);
CommandFlag::SetText set_commit_ts(CommitTs& field);
CommandFlag::SetText set_local_time(CommitTs& field);
CommandFlag::SetSwitch set_switch(bool& field);

/// What is left of a subcommand's arguments.
struct CommandArguments {
  std::vector<std::string> drainer_flags;  ///< the drainer's own, with their values
  std::vector<std::string> positional;
  bool wants_help = false;
};

/// Takes the flags out of `arguments`, in the syntax of conf/flag_tokens.h, but also from behind
/// positional ones. Flags that the drainer itself knows pass through when `passes_drainer_flags`.
/// kInvalid names what nobody knows.
Result<CommandArguments> parse_command_flags(std::span<const std::string> arguments,
                                             std::span<const CommandFlag> flags,
                                             bool passes_drainer_flags);

/// The flags as an indented list.
std::string command_flags_help(std::span<const CommandFlag> flags);

}  // namespace drainer
