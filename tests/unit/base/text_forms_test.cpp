// Forms that texts have in URLs, headers and addresses: base64, percent, numbers, host and port.

#include "drainer/base/base64.h"
#include "drainer/base/host_port.h"
#include "drainer/base/parse_number.h"
#include "drainer/base/percent.h"

#include <catch2/catch.hpp>

namespace drainer {
namespace {

TEST_CASE("base64: bytes to text and back") {
  struct Case {
    std::string bytes;
    std::string standard;
    std::string url;
  };
  // RFC 4648, chapter 10, and the digits in which the alphabets differ.
  const auto c = GENERATE(values<Case>({{"", "", ""},
                                        {"f", "Zg==", "Zg"},
                                        {"fo", "Zm8=", "Zm8"},
                                        {"foo", "Zm9v", "Zm9v"},
                                        {"foob", "Zm9vYg==", "Zm9vYg"},
                                        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
                                        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
                                        {"\xfb\xff", "+/8=", "-_8"},
                                        {std::string("\0\0", 2), "AAA=", "AAA"}}));
  std::string text = "<";
  append_base64(text, c.bytes);
  CHECK(text == "<" + c.standard);
  text.clear();
  append_base64(text, c.bytes, Base64Alphabet::kUrl);
  CHECK(text == c.url);
  Bytes bytes = ">";
  CHECK(decode_base64(c.standard, bytes) == std::nullopt);
  CHECK(bytes == ">" + c.bytes);
}

TEST_CASE("base64: line ends are skipped, other faults are placed") {
  Bytes bytes;
  CHECK(decode_base64("Zm\r\n8=\n", bytes) == std::nullopt);
  CHECK(bytes == "fo");
  const auto [text, at] = GENERATE(table<std::string, size_t>({{"Zg", 2},
                                                               {"Zg=", 3},
                                                               {"Z===", 1},
                                                               {"=", 0},
                                                               {"Zg==Zg==", 4},
                                                               {"Zg===", 4},
                                                               {"Zm 9v", 2},
                                                               {"Zm9v-", 4}}));
  INFO(text);
  CHECK(decode_base64(text, bytes) == at);
}

TEST_CASE("percent: escapes are decoded, broken ones refused or kept") {
  CHECK(percent_decode("/a%20b%2fc+") == "/a b/c+");
  CHECK(percent_decode("%E4%b8%AD") == "中");
  const std::string broken = GENERATE("%", "a%2", "%2g", "%+1", "%-1", "% 1");
  INFO(broken);
  CHECK(percent_decode(broken) == std::nullopt);
  CHECK(percent_decode_leniently("%41" + broken) == "A" + broken);
}

TEST_CASE("percent: all but letters, digits and what is plain is encoded") {
  std::string out = "<";
  percent_encode(out, "aZ09 -/%\xff", "-");
  CHECK(out == "<aZ09%20-%2F%25%FF");
}

TEST_CASE("parse number: the whole text, or nothing") {
  CHECK(parse_whole<int64_t>("-9223372036854775808") == INT64_MIN);
  CHECK(parse_whole<uint16_t>("65535") == 65535);
  CHECK(parse_whole<uint8_t>("fF", 16) == 255);
  CHECK(parse_whole<double>("1.5e3") == 1500);
  const std::string text = GENERATE("", " 1", "1 ", "+1", "-1", "1.5", "65536", "x");
  INFO(text);
  CHECK(parse_whole<uint16_t>(text) == std::nullopt);
}

TEST_CASE("host and port: divided at the last colon, without brackets") {
  struct Case {
    std::string address;
    std::string host;
    std::string port;
    bool has_brackets = false;
  };
  const auto c = GENERATE(values<Case>({{"h:1", "h", "1"},
                                        {":1", "", "1"},
                                        {"h:", "h", ""},
                                        {"::1:80", "::1", "80"},
                                        {"[::1]:80", "::1", "80", true},
                                        {"[]:80", "", "80", true}}));
  INFO(c.address);
  const auto found = split_host_port(c.address);
  REQUIRE(found.has_value());
  CHECK(found->host == c.host);
  CHECK(found->port == c.port);
  CHECK(found->has_brackets == c.has_brackets);
  const std::string without = GENERATE("", "h", "[::1]");
  CHECK_FALSE(split_host_port(without).has_value());
}

}  // namespace
}  // namespace drainer
