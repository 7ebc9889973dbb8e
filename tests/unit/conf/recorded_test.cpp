// The settings beside what the Go drainer itself shows of its own: its --help and the dump of its
// configuration in its log. So no row of the key table can go missing with its test.

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <rapidjson/document.h>

#include "conf/flags.h"
#include "conf/key_table.h"
#include "conf/options_json.h"
#include "tests/unit/conf/loading.h"
#include "tests/unit/server/recorded.h"

#include <catch2/catch.hpp>

namespace drainer::conf {

namespace {

// A flag as a usage text shows it. Plain data.
struct Shown {
  std::string type;
  std::string default_text;  ///< empty: none is shown

  friend bool operator==(const Shown&, const Shown&) = default;
};

// "  -name type" lines, each followed by, or on one line with, a sentence that ends with "(default
// x)".
std::map<std::string, Shown> parse_usage(const std::string& text) {
  std::map<std::string, Shown> out;
  std::istringstream lines(text);
  const std::regex head("^  -([A-Za-z-]+)( (string|int))?(\t.*)?$");
  // A default in other words, as -compressor's, is none.
  const std::regex default_end("\\(default ([^(),]*)\\)$");
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, head)) {
      name = match[1];
      out[name].type = match[3];
    }
    if (!name.empty() && std::regex_search(line, match, default_end)) {
      out[name].default_text = match[1];
    }
  }
  return out;
}

void add_members(const rapidjson::Value& value, const std::string& path,
                 std::set<std::string>& out) {
  if (!value.IsObject()) return;
  for (const auto& member : value.GetObject()) {
    const std::string name = path + "." + member.name.GetString();
    out.insert(name);
    add_members(member.value, name, out);
  }
}

std::set<std::string> members_of(const std::string& json) {
  rapidjson::Document document;
  document.Parse(json.data(), json.size());
  REQUIRE_FALSE(document.HasParseError());
  std::set<std::string> out;
  add_members(document, "", out);
  return out;
}

// The value of [config="…"] in a log.
std::string config_of(const std::string& log) {
  const std::string begin = "[config=\"";
  const size_t at = log.find(begin);
  REQUIRE(at != std::string::npos);
  std::string out;
  for (size_t i = at + begin.size(); log[i] != '"'; ++i) out += log[i] == '\\' ? log[++i] : log[i];
  return out;
}

}  // namespace

TEST_CASE("recorded: every flag of the Go drainer's help is ours, with its type and default") {
  const auto help = test::recorded("help.txt");
  if (!help) return;
  const auto theirs = parse_usage(*help);
  CHECK(theirs.size() == 32);
  Draft defaults;
  defaults.options.addr = "192.0.2.2:8249";
  const auto ours = parse_usage(usage_text(defaults));
  for (const auto& [name, shown] : theirs) {
    INFO("-" << name);
    REQUIRE(ours.contains(name));
    CHECK(ours.at(name).type == shown.type);
    CHECK(ours.at(name).default_text == shown.default_text);
  }
  // Given, each is taken.
  for (const auto& [name, shown] : theirs) {
    if (name == "V" || name == "config") continue;
    INFO("-" << name);
    std::string value = shown.type == "int" ? "1" : shown.type.empty() ? "true" : "x";
    if (name == "compressor") value = "gzip";
    if (name == "pd-urls") value = "http://h:1";
    if (name.ends_with("addr")) value = "h:1";
    CHECK(test::load({.flags = {"-" + name + "=" + value}}).ok());
  }
}

TEST_CASE("recorded: every member of the Go drainer's configuration is known to us") {
  const auto log = test::recorded("log_start.txt");
  if (!log) return;
  const std::set<std::string> ours = members_of(options_json(test::options_of({})));
  const std::set<std::string> theirs = members_of(config_of(*log));
  CHECK(theirs.size() > 80);
  for (const std::string& member : theirs) {
    // What came by flag and what by file has members of its own there.
    if (member.ends_with("-flag")) continue;
    INFO(member);
    CHECK(ours.contains(member));
  }
}

}  // namespace drainer::conf
