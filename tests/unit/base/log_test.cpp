#include "drainer/base/log.h"

#include <catch2/catch.hpp>

using namespace drainer;

// spec/drainer-process.md 8.1
TEST_CASE("log: a line has the blocks of the original") {
  CHECK(format_log_line(LogLevel::kInfo, "write save point",
                        {{"ts", 416815754209656834}, {"version", 58}}, "/src/syncer.go", 398) ==
        "[INFO] [syncer.go:398] [\"write save point\"] [ts=416815754209656834] [version=58]");
  CHECK(format_log_line(LogLevel::kInfo, "Exit", {{"name", "heartbeat"}}, "a.cpp", 1) ==
        "[INFO] [a.cpp:1] [Exit] [name=heartbeat]");
}

TEST_CASE("log: values are quoted and escaped only where they must be") {
  const auto line = [](std::string_view value) {
    return format_log_line(LogLevel::kWarn, "m", {{"k", value}}, "f.cpp", 2).substr(21);
  };
  CHECK(line("") == "[k=]");
  CHECK(line("a b") == "[k=\"a b\"]");
  CHECK(line("a\"b\\") == "[k=\"a\\\"b\\\\\"]");
  CHECK(line("x=\n\x01") == "[k=\"x=\\n\\u0001\"]");
  CHECK(line("é\xff") == "[k=é\\ufffd]");
}

TEST_CASE("log: levels are known by the names of the original") {
  CHECK(parse_log_level("Warn").value() == LogLevel::kWarn);
  CHECK(parse_log_level("").value() == LogLevel::kInfo);
  CHECK(parse_log_level("loud").error().text() == "unrecognized level: \"loud\"");
}
