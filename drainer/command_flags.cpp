#include "drainer/command_flags.h"

#include <algorithm>

#include "conf/flag_tokens.h"
#include "conf/flags.h"
#include "conf/go_text.h"
#include "drainer/local_time.h"

namespace drainer {

namespace {

Result<void> set_flag(const CommandFlag& flag, const std::string& value) {
  if (const auto* set = std::get_if<CommandFlag::SetText>(&flag.set)) {
    Result<void> done = (*set)(value);
    if (!done.ok()) return std::move(done).error().because("flag -{}", flag.name);
    return {};
  }
  const Result<bool> is_on = conf::parse_go_boolean(value);
  if (!is_on.ok()) {
    return make_error(ErrorCode::kInvalid,
                      "invalid boolean value {} for -{}: must be true, false, 1, 0, t, f, T, F, "
                      "TRUE, FALSE, True or False",
                      conf::go_quote(value), flag.name);
  }
  std::get<CommandFlag::SetSwitch>(flag.set)(*is_on);
  return {};
}

CommandFlag::SetText set_parsed(CommitTs& field, Result<CommitTs> (*parse)(const std::string&)) {
  return [&field, parse](const std::string& value) -> Result<void> {
    ASSIGN_OR_RETURN(field, parse(value));
    return {};
  };
}

}  // namespace

CommandFlag::SetText set_text(std::string& field) {
  return [&field](const std::string& value) -> Result<void> {
    field = value;
    return {};
  };
}

CommandFlag::SetText set_commit_ts(CommitTs& field) {
  return set_parsed(field, parse_commit_ts);
}

CommandFlag::SetText set_local_time(CommitTs& field) {
  return set_parsed(field, parse_local_time);
}

CommandFlag::SetSwitch set_switch(bool& field) {
  return [&field](bool is_on) { field = is_on; };
}

Result<CommandArguments> parse_command_flags(std::span<const std::string> arguments,
                                             std::span<const CommandFlag> flags,
                                             bool passes_drainer_flags) {
  CommandArguments out;
  conf::FlagTokens tokens(arguments);
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<conf::FlagToken> token, tokens.next());
    if (!token) return out;
    if (!token->is_flag()) {
      out.positional.emplace_back(token->text);
      continue;
    }
    if (token->name == "h" || token->name == "help") {
      out.wants_help = true;
      return out;
    }
    const auto flag = std::ranges::find(flags, token->name, &CommandFlag::name);
    if (flag != flags.end()) {
      const bool is_switch = std::holds_alternative<CommandFlag::SetSwitch>(flag->set);
      ASSIGN_OR_RETURN(const std::string value, tokens.value_of(*token, is_switch));
      TRY(set_flag(*flag, value));
      continue;
    }
    const conf::Key<conf::Draft>* key =
        passes_drainer_flags ? conf::find_flag(token->name) : nullptr;
    if (key == nullptr) return conf::unknown_flag(token->name);
    ASSIGN_OR_RETURN(const std::string value, tokens.value_of(*token, conf::is_boolean(*key)));
    out.drainer_flags.push_back(fmt::format("-{}={}", token->name, value));
  }
}

std::string command_flags_help(std::span<const CommandFlag> flags) {
  std::string out;
  for (const CommandFlag& flag : flags) {
    out += fmt::format("  -{}{}{}\n        {}\n", flag.name, flag.argument.empty() ? "" : " ",
                       flag.argument, flag.help);
  }
  return out;
}

}  // namespace drainer
