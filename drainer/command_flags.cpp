#include "drainer/command_flags.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <variant>

#include "conf/key_table.h"

namespace drainer {

namespace {

bool is_switch(const conf::Key<conf::Draft>& key) {
  return std::holds_alternative<bool& (*)(conf::Draft&)>(key.field) ||
         std::holds_alternative<std::optional<bool>& (*)(conf::Draft&)>(key.field);
}

Error unknown_flag(std::string_view name) {
  return make_error(ErrorCode::kInvalid, "flag provided but not defined: -{}", name);
}

}  // namespace

Result<CommandArguments> parse_command_flags(std::span<const std::string> arguments,
                                             std::span<const CommandFlag> flags,
                                             bool passes_drainer_flags) {
  CommandArguments out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string_view name = arguments[i];
    if (name == "--") {
      out.positional.insert(out.positional.end(), arguments.begin() + static_cast<ptrdiff_t>(i) + 1,
                            arguments.end());
      return out;
    }
    if (name.size() < 2 || name[0] != '-') {
      out.positional.push_back(arguments[i]);
      continue;
    }
    name.remove_prefix(name.starts_with("--") ? 2 : 1);
    const size_t equals = name.find('=');
    const bool has_value = equals != std::string_view::npos;
    std::string value(has_value ? name.substr(equals + 1) : "");
    name = name.substr(0, equals);
    if (name == "h" || name == "help") {
      out.wants_help = true;
      return out;
    }
    const auto flag = std::ranges::find(flags, name, &CommandFlag::name);
    const conf::Key<conf::Draft>* key = nullptr;
    if (flag == flags.end()) {
      if (passes_drainer_flags) key = conf::find_flag(name);
      if (key == nullptr) return unknown_flag(name);
    }
    const bool needs_value =
        !has_value && (key != nullptr ? !is_switch(*key) : !flag->argument.empty());
    if (needs_value && i + 1 == arguments.size()) {
      return make_error(ErrorCode::kInvalid, "flag needs an argument: -{}", name);
    }
    if (key != nullptr) {
      out.drainer_flags.push_back(arguments[i]);
      if (needs_value) out.drainer_flags.push_back(arguments[++i]);
      continue;
    }
    if (needs_value) value = arguments[++i];
    if (Result<void> set = flag->set(value); !set.ok()) {
      return std::move(set).error().because("flag -{}", name);
    }
  }
  return out;
}

std::string command_flags_help(std::span<const CommandFlag> flags) {
  std::string out;
  for (const CommandFlag& flag : flags) {
    out += fmt::format("  -{}{}{}\n        {}\n", flag.name, flag.argument.empty() ? "" : " ",
                       flag.argument, flag.help);
  }
  return out;
}

Result<CommitTs> parse_commit_ts(const std::string& text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value < 0) {
    return make_error(ErrorCode::kInvalid, "\"{}\" is no commit ts", text);
  }
  return CommitTs(value);
}

Result<CommitTs> parse_local_time(const std::string& text) {
  std::tm local{};
  local.tm_isdst = -1;
  const char* end = ::strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &local);
  const std::time_t seconds = end != nullptr && *end == '\0' ? ::mktime(&local) : -1;
  if (seconds < 0) {
    return make_error(ErrorCode::kInvalid, "\"{}\" is not of the form YYYY-MM-DD hh:mm:ss", text);
  }
  return make_commit_ts(int64_t{seconds} * 1000);
}

std::string local_time_text(CommitTs ts) {
  const std::time_t seconds = physical_ms(ts) / 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return text;
}

}  // namespace drainer
