#include "drainer/command_flags.h"

#include <catch2/catch.hpp>

namespace drainer {
namespace {

struct Settings {
  std::string name;
  CommitTs start;
  bool skips = false;
};

std::vector<CommandFlag> flags_of(Settings& settings) {
  return {{"name", "NAME", "", set_text(settings.name)},
          {"start-ts", "TS", "", set_commit_ts(settings.start)},
          {"skip", "", "", set_switch(settings.skips)}};
}

Result<CommandArguments> parse(const std::vector<std::string>& arguments, Settings& settings) {
  return parse_command_flags(arguments, flags_of(settings), /*passes_drainer_flags=*/true);
}

}  // namespace

TEST_CASE("command flags: a switch takes what Go takes for a boolean") {
  const std::pair<std::string, bool> cases[] = {
      {"-skip", true},    {"--skip=1", true},     {"-skip=T", true},     {"-skip=0", false},
      {"-skip=F", false}, {"-skip=False", false}, {"-skip=false", false}};
  for (const auto& [flag, is_on] : cases) {
    INFO(flag);
    Settings settings{.name = {}, .start = {}, .skips = !is_on};
    REQUIRE(parse({flag}, settings).ok());
    CHECK(settings.skips == is_on);
  }
}

TEST_CASE("command flags: each mistake is named") {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"-skip=no"},
       "invalid boolean value \"no\" for -skip: must be true, false, 1, 0, t, f, T, F, TRUE, "
       "FALSE, "
       "True or False"},
      {{"-skip="},
       "invalid boolean value \"\" for -skip: must be true, false, 1, 0, t, f, T, F, TRUE, FALSE, "
       "True or False"},
      {{"-start-ts", "x"}, "flag -start-ts: \"x\" is no commit ts"},
      {{"-name"}, "flag needs an argument: -name"},
      {{"-c"}, "flag needs an argument: -c"},
      {{"-nope"}, "flag provided but not defined: -nope"},
      {{"---skip"}, "bad flag syntax: ---skip"},
  };
  for (const auto& [arguments, problem] : cases) {
    INFO(problem);
    Settings settings;
    const Result<CommandArguments> parsed = parse(arguments, settings);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().to_string() == problem);
  }
}

TEST_CASE("command flags: own ones are set, the drainer's pass, the rest stays in order") {
  Settings settings;
  const Result<CommandArguments> parsed = parse(
      {"a", "-name", "n", "-c", "4", "b", "-safe-mode", "--start-ts=7", "-L=warn", "--", "-skip"},
      settings);
  REQUIRE(parsed.ok());
  CHECK(settings.name == "n");
  CHECK(settings.start == CommitTs(7));
  CHECK_FALSE(settings.skips);
  CHECK(parsed->drainer_flags == std::vector<std::string>{"-c=4", "-safe-mode=true", "-L=warn"});
  CHECK(parsed->positional == std::vector<std::string>{"a", "b", "-skip"});
}

}  // namespace drainer
