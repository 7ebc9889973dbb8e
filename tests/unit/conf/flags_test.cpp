#include "conf/flags.h"

#include "conf/version.h"
#include "tests/unit/conf/loading.h"

#include <fstream>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>

namespace drainer::conf {

namespace {

PrintAndExit printed(const std::vector<std::string>& flags) {
  const auto loaded = test::load({.flags = flags});
  REQUIRE(loaded.ok());
  REQUIRE(std::holds_alternative<PrintAndExit>(*loaded));
  return std::get<PrintAndExit>(*loaded);
}

// "-name type" and default of each flag in a usage text; what describes them may differ.
std::set<std::string> flags_and_defaults(const std::string& usage) {
  std::set<std::string> out;
  std::istringstream lines(usage);
  std::string head;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  -")) head = line.substr(0, line.find('\t'));
    if (line.find('\t') == std::string::npos) continue;
    const size_t value = line.rfind(" (default ");
    const std::string shown = value == std::string::npos ? "" : line.substr(value);
    // The address of this host differs; the text of -compressor speaks of a default that is none.
    const bool name_only = head.starts_with("  -addr") || head.starts_with("  -compressor");
    out.insert(name_only ? head : head + shown);
  }
  return out;
}

}  // namespace

TEST_CASE("flags: one dash or two, a blank or an equals sign") {
  using Flags = std::vector<std::string>;
  for (const Flags& flags :
       {Flags{"-node-id", "x"}, Flags{"--node-id", "x"}, Flags{"-node-id=x"}, Flags{"--node-id=x"},
        Flags{"-node-id=y", "-node-id=x"}, Flags{"-node-id", "x", "--"}}) {
    CHECK(test::options_of({.flags = flags}).node_id == "x");
  }
  CHECK(test::options_of({.flags = {"-node-id=a=b"}}).node_id == "a=b");
  CHECK(test::options_of({.flags = {"-node-id="}}).node_id.empty());
  CHECK(test::options_of({.flags = {"-node-id", "-c"}}).node_id == "-c");
  CHECK(test::options_of({.flags = {"-c", "0x20"}}).syncer.worker_count == 32);
  CHECK(test::options_of({.flags = {"-safe-mode"}}).syncer.safe_mode);
  CHECK_FALSE(test::options_of({.flags = {"-sync-ddl=F"}}).syncer.sync_ddl);
}

TEST_CASE("flags: a mistake prints Go's line and the usage on stderr and exits with 2") {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"-nope"}, "flag provided but not defined: -nope"},
      {{"--nope=1"}, "flag provided but not defined: -nope"},
      {{"-node-id"}, "flag needs an argument: -node-id"},
      {{"---c"}, "bad flag syntax: ---c"},
      {{"-=x"}, "bad flag syntax: -=x"},
      {{"--=x"}, "bad flag syntax: --=x"},
      {{"-c", "many"}, "invalid value \"many\" for flag -c: parse error"},
      {{"-c="}, "invalid value \"\" for flag -c: parse error"},
      {{"-c", "9223372036854775808"},
       "invalid value \"9223372036854775808\" for flag -c: value out of range"},
      {{"-safe-mode=maybe"}, "invalid boolean value \"maybe\" for -safe-mode: parse error"},
      {{"-enable-detect="}, "invalid boolean value \"\" for -enable-detect: parse error"},
      {{"-V", "-nope"}, "flag provided but not defined: -nope"},
  };
  for (const auto& [flags, line] : cases) {
    INFO(line);
    const PrintAndExit print = printed(flags);
    CHECK(print.code == 2);
    CHECK(print.to_stderr);
    CHECK(print.text.starts_with(line + "\nUsage of drainer:\n  -L string\n"));
  }
}

TEST_CASE("flags: help is the usage on stderr with exit code 0") {
  for (const char* flag : {"-h", "-help", "--help", "--h"}) {
    const PrintAndExit print = printed({"-c", "3", flag, "-nope"});
    CHECK(print.code == 0);
    CHECK(print.to_stderr);
    CHECK(print.text.starts_with("Usage of drainer:\n  -L string\n    \tLeast"));
    CHECK(print.text.find("\n  -V\tPrint the version and exit.\n  -addr string\n") !=
          std::string::npos);
    CHECK(print.text.find(":8249\")\n") != std::string::npos);
  }
}

TEST_CASE("flags: names, types and defaults are those that the Go drainer prints") {
  const std::string path = "/work/shared/captures/go-drainer/help.txt";
  std::ifstream file(path);
  if (!file) {
    WARN("skipped: " << path << " is absent");
    return;
  }
  std::stringstream recorded;
  recorded << file.rdbuf();
  std::set<std::string> ours = flags_and_defaults(printed({"-h"}).text);
  // Not in the original.
  CHECK(ours.erase("  -until-commit-ts int") == 1);
  CHECK(ours.erase("  -initial-commit-ts-from string") == 1);
  CHECK(ours == flags_and_defaults(recorded.str()));
}

TEST_CASE("flags: the version goes to stdout and nothing else is looked at") {
  const PrintAndExit print = printed({"-V", "-config", "/nowhere", "stray"});
  CHECK(print.code == 0);
  CHECK_FALSE(print.to_stderr);
  CHECK(print.text == version_text());
  std::istringstream lines(print.text);
  const std::string labels[] = {"Release Version: v", "Git Commit Hash: ", "Build TS: ",
                                "Go Version: ", "Go OS/Arch: linux/"};
  std::string line;
  for (const std::string& label : labels) {
    REQUIRE(std::getline(lines, line));
    CHECK(line.starts_with(label));
    CHECK(line.size() > label.size());
  }
  CHECK(print.text.ends_with("\n\n"));
}

TEST_CASE("flags: the first positional argument ends parsing and is refused") {
  CHECK(test::problem_of({.flags = {"stray", "-nope"}}) == "'stray' is not a valid flag");
  CHECK(test::problem_of({.flags = {"-safe-mode", "false"}}) == "'false' is not a valid flag");
  CHECK(test::problem_of({.flags = {"--", "-c"}}) == "'-c' is not a valid flag");
  CHECK(test::problem_of({.flags = {"-"}}) == "'-' is not a valid flag");
}

}  // namespace drainer::conf
