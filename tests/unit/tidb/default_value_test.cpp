#include "drainer/tidb/default_value.h"
#include "drainer/tidb/value_text.h"
#include "tests/unit/tidb/table_builder.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::tidb;

namespace {

ColumnInfo make_column(std::string_view type, DefaultValue origin_default = {}) {
  ColumnInfo column = make_table({{1, type}}).columns[0];
  column.origin_default = std::move(origin_default);
  return column;
}

struct Case {
  std::string_view type;
  DefaultValue origin_default;
  ValueKind kind;
  std::string_view text;
};

void check(const Case& c) {
  INFO(c.type << " " << c.text);
  const ColumnInfo column = make_column(c.type, c.origin_default);
  const auto value = default_value(column, column);
  REQUIRE(value.ok());
  CHECK(value->kind == c.kind);
  std::string text;
  REQUIRE(append_text(text, *value).ok());
  CHECK(text == c.text);
}

}  // namespace

TEST_CASE("default value: what the origin default says") {
  using std::string;
  for (const Case& c : {
           Case{"int", string("5"), ValueKind::kText, "5"},
           Case{"float", string("1.5"), ValueKind::kText, "1.5"},
           Case{"double", 1.5, ValueKind::kDouble, "1.5"},
           Case{"int", true, ValueKind::kInt, "1"},
           Case{"int", false, ValueKind::kInt, "0"},
           Case{"decimal(10,2)", string("1.50"), ValueKind::kText, "1.50"},
           Case{"datetime(3)", string("2020-01-01 00:00:00.120"), ValueKind::kText,
                "2020-01-01 00:00:00.120"},
           Case{"timestamp", string("2020-01-01 00:00:00"), ValueKind::kTimestampUtc,
                "2020-01-01 00:00:00"},
           Case{"timestamp(3)", string("2020-01-01 00:00:00.123"), ValueKind::kTimestampUtc,
                "2020-01-01 00:00:00.123"},
           Case{"timestamp(6)", string("2020-01-01 00:00:00.5"), ValueKind::kTimestampUtc,
                "2020-01-01 00:00:00.500000"},
           Case{"timestamp", string("0000-00-00 00:00:00"), ValueKind::kText,
                "0000-00-00 00:00:00"},
           Case{"timestamp", string("2021-02-29 00:00:00"), ValueKind::kText,
                "2021-02-29 00:00:00"},
           Case{"timestamp", string("2020-01-01"), ValueKind::kText, "2020-01-01"},
           Case{"year", string("1999"), ValueKind::kText, "1999"},
           Case{"enum('y','n')", string("n"), ValueKind::kEnum, "2"},
           Case{"enum('y','n')", string("n "), ValueKind::kEnum, "2"},
           Case{"enum('y','n')", string("N"), ValueKind::kEnum, "0"},
           Case{"enum('y','n')", string(""), ValueKind::kEnum, "0"},
           Case{"set('a','b','c')", string("c,a"), ValueKind::kSet, "5"},
           Case{"set('a','b','c')", string("a"), ValueKind::kSet, "1"},
           Case{"set('a','b','c')", string("z"), ValueKind::kSet, "0"},
           Case{"set('a','b','c')", string("a,z"), ValueKind::kSet, "0"},
           Case{"set('a','b','c')", string(""), ValueKind::kSet, "0"},
           Case{"json", string("{}"), ValueKind::kText, "{}"},
           Case{"varchar(10)", string("x"), ValueKind::kText, "x"},
           Case{"varchar(10) not null", string(""), ValueKind::kText, ""},
           Case{"blob", string("x"), ValueKind::kText, "x"},
       }) {
    check(c);
  }
}

TEST_CASE("default value: without origin default NULL, or the type's zero") {
  for (const std::string_view type : {"int", "enum('y','n')", "timestamp", "json", "bit(8)"}) {
    check({type, {}, ValueKind::kNull, ""});
  }
  for (const Case& c : {
           Case{"int not null", {}, ValueKind::kInt, "0"},
           Case{"bigint unsigned not null", {}, ValueKind::kUint, "0"},
           Case{"year not null", {}, ValueKind::kInt, "0"},
           Case{"float not null", {}, ValueKind::kFloat, "0"},
           Case{"double not null", {}, ValueKind::kDouble, "0"},
           Case{"decimal(10,2) not null", {}, ValueKind::kDecimal, "0"},
           Case{"char(4) not null", {}, ValueKind::kString, ""},
           Case{"text not null", {}, ValueKind::kString, ""},
           Case{"varbinary(4) not null", {}, ValueKind::kBinary, ""},
           Case{"blob not null", {}, ValueKind::kBinary, ""},
           Case{"binary(4) not null", {}, ValueKind::kBinary, std::string_view("\0\0\0\0", 4)},
           Case{"date not null", {}, ValueKind::kDate, "0000-00-00"},
           Case{"datetime(3) not null", {}, ValueKind::kDatetime, "0000-00-00 00:00:00"},
           Case{"timestamp(3) not null", {}, ValueKind::kTimestampUtc, "0000-00-00 00:00:00"},
           Case{"time(3) not null", {}, ValueKind::kDuration, "00:00:00"},
           Case{"bit(8) not null", {}, ValueKind::kBit, "0"},
           Case{"set('a') not null", {}, ValueKind::kSet, "0"},
           Case{"enum('y','n') not null", {}, ValueKind::kEnum, "1"},
           Case{"json not null", {}, ValueKind::kJson, "null"},
       }) {
    check(c);
  }
}

TEST_CASE("default value: bits are bytes") {
  ColumnInfo column = make_column("bit(12)", std::string("ignored"));
  column.origin_default = DefaultValue(BitDefault{from_hex("0123")});
  const auto value = default_value(column, column);
  REQUIRE(value.ok());
  CHECK(value->kind == ValueKind::kBit);
  CHECK(value->u == 0x123);
  CHECK(value->width == 2);
  // The original's formats have the bytes as TiDB has stored them, up to eight.
  struct Stored {
    std::string_view type;
    std::string_view hex;
    uint64_t number;
    uint8_t width;
  };
  for (const Stored& c : {
           Stored{"bit(64)", "01", 1, 1},
           Stored{"bit(64)", "0000000000000001", 1, 8},
           Stored{"bit(12)", "01", 1, 1},
           Stored{"bit(8)", "0001", 1, 2},
           Stored{"bit(64)", "ff80000000000000", 0xff80000000000000, 8},
           Stored{"bit(1)", "00", 0, 1},
           Stored{"bit(1)", "", 0, 0},
       }) {
    CAPTURE(c.type, c.hex);
    ColumnInfo stored = make_column(c.type, std::string("ignored"));
    stored.origin_default = DefaultValue(BitDefault{from_hex(c.hex)});
    CHECK(default_value(stored, stored)->u == c.number);
    CHECK(default_value(stored, stored)->width == c.width);
  }
  column.origin_default = DefaultValue(BitDefault{from_hex("000000000000000000ff")});
  CHECK(default_value(column, column)->u == 255);
  column.origin_default = DefaultValue(BitDefault{from_hex("010000000000000000")});
  CHECK_FALSE(default_value(column, column).ok());
}

TEST_CASE("default value: the writer's definition has the default, the current one the zero") {
  const ColumnInfo column = make_column("int not null");
  CHECK(default_value(column, make_column("int", std::string("7")))->bytes() == "7");
  CHECK(default_value(column, make_column("int"))->kind == ValueKind::kInt);
  CHECK(default_value(make_column("int"), column)->is_null());
}
