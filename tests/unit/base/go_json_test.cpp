#include "drainer/base/go_json.h"

#include <catch2/catch.hpp>

#include "drainer/base/utf8.h"

using namespace drainer;

TEST_CASE("utf8: a sequence has its length, what is none has 0") {
  const std::pair<std::string_view, size_t> cases[] = {
      {"a", 1},
      {std::string_view("\0", 1), 1},
      {"\x7f", 1},
      {"\xc2\x80", 2},
      {"\xdf\xbfz", 2},
      {"\xe0\xa0\x80", 3},
      {"\xed\x9f\xbf", 3},
      {"\xef\xbf\xbf", 3},
      {"\xf0\x90\x80\x80", 4},
      {"\xf4\x8f\xbf\xbf", 4},
      {"\x80", 0},              // a tail
      {"\xc1\xbf", 0},          // overlong
      {"\xe0\x9f\xbf", 0},      // overlong
      {"\xf0\x8f\xbf\xbf", 0},  // overlong
      {"\xed\xa0\x80", 0},      // a surrogate
      {"\xf4\x90\x80\x80", 0},  // beyond U+10FFFF
      {"\xf5\x80\x80\x80", 0},  // beyond U+10FFFF
      {"\xc2", 0},              // cut off
      {"\xe1\x80", 0},          // cut off
      {"\xf1\x80\x80", 0},      // cut off
      {"\xc2z", 0},
      {"\xe1\x80z", 0},
      {"\xf1\x80\x80z", 0},
  };
  for (const auto& [text, length] : cases) {
    INFO(text);
    CHECK(utf8_length(text) == length);
  }
}

TEST_CASE("go json: a string as Go's encoder writes it") {
  std::string out = "x:";
  append_json_string(out, std::string_view("a\"\\\n\r\t\b\0</b>&\x7f", 14));
  CHECK(out == R"(x:"a\"\\\n\r\t\u0008\u0000\u003c/b\u003e\u0026)"
               "\x7f\"");
  out.clear();
  append_json_string(out, "\u00e4\u2027\u2028\u2029\U0001f600\xff\xe2\x80");
  CHECK(out == "\"\u00e4\u2027\\u2028\\u2029\U0001f600\\ufffd\\ufffd\\ufffd\"");
}
