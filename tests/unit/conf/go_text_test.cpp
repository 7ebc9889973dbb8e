#include "conf/go_text.h"

#include <catch2/catch.hpp>

namespace drainer::conf {

namespace {

std::string integer(std::string_view text) {
  const Result<int64_t> value = parse_go_integer(text);
  return value ? std::to_string(*value) : value.error().text();
}

std::string duration(std::string_view text) {
  const Result<std::chrono::nanoseconds> value = parse_go_duration(text);
  return value ? format_go_duration(*value) : value.error().text();
}

}  // namespace

TEST_CASE("go text: integers take the prefixes, underscores and limits of strconv.ParseInt") {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"0", "0"},
      {"-1", "-1"},
      {"+7", "7"},
      {"0x10", "16"},
      {"0XfF", "255"},
      {"0o17", "15"},
      {"017", "15"},
      {"0b101", "5"},
      {"1_000", "1000"},
      {"0x_1f", "31"},
      {"0_7", "7"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"9223372036854775808", "value out of range"},
      {"-9223372036854775809", "value out of range"},
      {"99999999999999999999999", "value out of range"},
      {"", "parse error"},
      {"-", "parse error"},
      {"08", "parse error"},
      {"0x", "parse error"},
      {"1__0", "parse error"},
      {"_1", "parse error"},
      {"1_", "parse error"},
      {"1.0", "parse error"},
      {" 1", "parse error"},
      {"ten", "parse error"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(integer(text) == expected);
  }
}

TEST_CASE("go text: booleans are the twelve words of strconv.ParseBool") {
  for (const char* word : {"1", "t", "T", "true", "TRUE", "True"}) {
    CHECK(*parse_go_boolean(word));
  }
  for (const char* word : {"0", "f", "F", "false", "FALSE", "False"}) {
    CHECK_FALSE(*parse_go_boolean(word));
  }
  for (const char* word : {"", "yes", "tRUE", "2", "true "}) {
    CHECK(parse_go_boolean(word).error().text() == "parse error");
  }
}

TEST_CASE("go text: durations read and print as Go's") {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"0", "0s"},
      {"5s", "5s"},
      {"90s", "1m30s"},
      {"1m30s", "1m30s"},
      {"1h", "1h0m0s"},
      {"1.5h", "1h30m0s"},
      {".5s", "500ms"},
      {"1.s", "1s"},
      {"100ms", "100ms"},
      {"1us", "1µs"},
      {"1µs", "1µs"},
      {"1μs", "1µs"},
      {"1500ns", "1.5µs"},
      {"3ns", "3ns"},
      {"-1.5s", "-1.5s"},
      {"+2m", "2m0s"},
      {"10m", "10m0s"},
      {"2562047h47m16.854775807s", "2562047h47m16.854775807s"},
      {"-2562047h47m16.854775808s", "-2562047h47m16.854775808s"},
      {"", "time: invalid duration \"\""},
      {"3000000h", "time: invalid duration \"3000000h\""},
      {"2562047h47m16.854775808s", "time: invalid duration \"2562047h47m16.854775808s\""},
      {"5", "time: missing unit in duration \"5\""},
      {"7d", "time: unknown unit \"d\" in duration \"7d\""},
      {"s", "time: invalid duration \"s\""},
      {".s", "time: invalid duration \".s\""},
      {"1m s", "time: unknown unit \"m s\" in duration \"1m s\""},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(duration(text) == expected);
  }
}

TEST_CASE("go text: quoting escapes what Go's %q escapes") {
  CHECK(go_quote("plain") == "\"plain\"");
  CHECK(go_quote("a\"b\\c\n\t") == "\"a\\\"b\\\\c\\n\\t\"");
  CHECK(go_quote("\x01\x7f") == "\"\\x01\\x7f\"");
  CHECK(go_quote("Grüße \xff") == "\"Grüße \\xff\"");
}

}  // namespace drainer::conf
