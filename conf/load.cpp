#include "conf/load.h"

#include <cstdlib>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "conf/environment.h"
#include "conf/flags.h"
#include "conf/toml_file.h"
#include "conf/validate.h"
#include "conf/version.h"

namespace drainer {

namespace {

using conf::CommandLine;
using conf::Draft;

// Flags were tried when the command line was read, so that setting them again cannot fail.
void apply_flags(const CommandLine& command_line, Draft& draft) {
  for (const CommandLine::Assignment& assignment : command_line.assignments) {
    const Result<void> set = conf::set_from_text(*assignment.key, assignment.value, draft);
    CHECK(set.ok(), "flag -{} no longer takes its value", assignment.key->flag);
  }
}

// What no one gives: it tells a default from the same value that somebody has written.
constexpr int64_t kNotGiven = std::numeric_limits<int64_t>::min();

Error all_problems(const std::vector<std::string>& problems) {
  return Error(ErrorCode::kInvalid, fmt::format("{}", fmt::join(problems, "\n")));
}

PrintAndExit usage(std::string_view first_line, int code) {
  Draft defaults;
  defaults.options.addr = conf::default_ip() + ":8249";
  return {.text = std::string(first_line) + conf::usage_text(defaults),
          .to_stderr = true,
          .code = code};
}

// Sets options from the file, if there is one. Error: it cannot be read or is no TOML.
Result<std::vector<std::string>> apply_file(const std::string& path, Draft& draft) {
  if (path.empty()) return std::vector<std::string>();
  ASSIGN_OR_RETURN(const std::string text, conf::read_file(path));
  return conf::apply_toml(path, text, draft);
}

}  // namespace

std::optional<std::string> process_environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

Result<std::variant<Options, PrintAndExit>> load_options(const std::vector<std::string>& arguments,
                                                         const Environment& environment) {
  using Loaded = std::variant<Options, PrintAndExit>;
  const Result<CommandLine> command_line = conf::parse_command_line(arguments);
  if (!command_line) return Loaded(usage(command_line.error().text() + "\n", 2));
  if (command_line->help) return Loaded(usage("", 0));

  Draft flags_only;
  apply_flags(*command_line, flags_only);
  if (flags_only.print_version) return Loaded(PrintAndExit{.text = version_text()});

  Draft draft;
  const int64_t default_commit_ts = std::exchange(draft.options.initial_commit_ts, kNotGiven);
  std::vector<std::string> problems;
  const auto append = [&](const std::vector<std::string>& more) {
    problems.insert(problems.end(), more.begin(), more.end());
  };
  const Result<std::vector<std::string>> file = apply_file(flags_only.config_file, draft);
  append(file ? *file : std::vector<std::string>{file.error().to_string()});
  apply_flags(*command_line, draft);
  if (!command_line->positional.empty()) {
    problems.push_back(fmt::format("'{}' is not a valid flag", command_line->positional.front()));
  }
  append(conf::apply_environment(environment, *command_line, draft));
  draft.options.is_initial_commit_ts_given = draft.options.initial_commit_ts != kNotGiven;
  if (!draft.options.is_initial_commit_ts_given) {
    draft.options.initial_commit_ts = default_commit_ts;
  }
  // Without the file, checks would speak of values that nobody has given.
  if (file) append(conf::adjust_and_validate(environment, draft));
  if (!problems.empty()) return all_problems(problems);
  return Loaded(std::move(draft.options));
}

}  // namespace drainer
