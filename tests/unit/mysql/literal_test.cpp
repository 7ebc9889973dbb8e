#include "syncer/mysql/session/literal.h"

#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using tidb::Value;
using tidb::ValueKind;

std::string quoted(ByteView bytes, QuoteStyle style = {}) {
  std::string out;
  append_quoted(out, bytes, style);
  return out;
}

std::string literal(const Value& value, bool is_binary_column = false) {
  std::string out;
  auto appended = append_literal(out, value, {}, is_binary_column);
  REQUIRE(appended.ok());
  return out;
}

TEST_CASE("literal: names get back-quotes, inner ones doubled") {
  std::string out;
  append_table_name(out, "a`b", "t?");
  CHECK(out == "`a``b`.`t?`");
}

TEST_CASE("literal: the seven bytes that need a backslash get one, all others stay") {
  CHECK(quoted(ByteView("a\0b\n\r\x1a'\"\\z", 10)) == "'a\\0b\\n\\r\\Z\\'\\\"\\\\z'");
  CHECK(quoted("") == "''");
  CHECK(quoted("'") == "'\\''");
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  CHECK(quoted(all).size() == 256 + 7 + 2);
}

TEST_CASE("literal: without backslash escapes only quotes are doubled") {
  CHECK(quoted("a'\\\n", {.no_backslash_escapes = true}) == "'a''\\\n'");
}

TEST_CASE("literal: each kind of value has its form") {
  CHECK(literal(null()) == "NULL");
  CHECK(literal(number(-5)) == "-5");
  CHECK(literal(number(INT64_MIN)) == "-9223372036854775808");
  CHECK(literal(Value::of_uint(UINT64_MAX)) == "18446744073709551615");
  CHECK(literal(Value::of_uint(3, ValueKind::kEnum)) == "3");
  CHECK(literal(Value::of_uint(5, ValueKind::kSet)) == "5");
  CHECK(literal(Value::of_uint(255, ValueKind::kBit)) == "255");
  CHECK(literal(text("it's")) == "'it\\'s'");
  CHECK(literal(binary("")) == "_binary''");
  CHECK(literal(binary("a\xff")) == "_binary'a\xff'");
  CHECK(literal(Value::of_bytes("x", ValueKind::kText)) == "'x'");
  CHECK(literal(Value::of_bytes("x", ValueKind::kText), /*is_binary_column=*/true) == "_binary'x'");
}

TEST_CASE("literal: doubles are the shortest digits, in Go's form") {
  const std::vector<std::pair<double, std::string>> cases = {
      {1.5, "1.5"},       {100000, "100000"},
      {1000000, "1e+06"}, {1234567.5, "1.2345675e+06"},
      {0.0001, "0.0001"}, {0.00001, "1e-05"},
      {-0.0, "-0"},       {static_cast<double>(1.1F), "1.100000023841858"},
  };
  for (const auto& [value, expected] : cases) CHECK(literal(real(value)) == expected);
  CHECK(literal(Value::of_double(static_cast<double>(1.1F), ValueKind::kFloat)) ==
        "1.100000023841858");
}

}  // namespace
}  // namespace drainer::mysql
