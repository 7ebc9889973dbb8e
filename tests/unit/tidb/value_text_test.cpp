#include "drainer/tidb/value_text.h"

#include "drainer/tidb/row.h"
#include "drainer/tidb/time_zone.h"
#include "tests/unit/tidb/table_builder.h"

#include <catch2/catch.hpp>

#include <limits>
#include <map>

using namespace drainer;
using namespace drainer::tidb;

namespace {

ValueKind kind_of_name(const std::string& name) {
  static const std::map<std::string, ValueKind> kKinds = {
      {"Null", ValueKind::kNull},         {"Int", ValueKind::kInt},
      {"Uint", ValueKind::kUint},         {"Float", ValueKind::kFloat},
      {"Double", ValueKind::kDouble},     {"Decimal", ValueKind::kDecimal},
      {"Date", ValueKind::kDate},         {"Datetime", ValueKind::kDatetime},
      {"Duration", ValueKind::kDuration}, {"TimestampUtc", ValueKind::kTimestampUtc},
      {"Enum", ValueKind::kEnum},         {"Set", ValueKind::kSet},
      {"Bit", ValueKind::kBit},           {"String", ValueKind::kString},
      {"Binary", ValueKind::kBinary},     {"Json", ValueKind::kJson}};
  return kKinds.at(name);
}

std::string text_of(const Value& value) {
  std::string text;
  const auto appended = append_text(text, value);
  return appended.ok() ? text : "error: " + appended.error().to_string();
}

std::string double_text(double value) {
  std::string text;
  append_double(text, value);
  return text;
}

}  // namespace

TEST_CASE("value text: every vector of the specification comes out to the byte") {
  const auto vectors = read_golden("column_values.txt");
  REQUIRE(vectors.size() == 82);
  for (const auto& vector : vectors) {
    REQUIRE(vector.size() == 6);
    INFO(vector[0] << " " << vector[1] << " " << vector[3]);
    const TableInfo table = make_table({{.id = 2, .type = vector[1]}});
    const Bytes row = from_hex("0804" + vector[3]);
    std::vector<Value> values(1);
    const auto decoded = decode_delete_row(row, table, values);
    REQUIRE(decoded.ok());
    CHECK(values[0].kind == kind_of_name(vector[4]));
    if (values[0].kind == ValueKind::kTimestampUtc) {
      const auto zone = TimeZone::load(vector[2]);
      REQUIRE(zone.ok());
      const auto local = zone->to_local(values[0].u);
      REQUIRE(local.ok());
      values[0].u = *local;
      values[0].kind = ValueKind::kDatetime;
    }
    CHECK(text_of(values[0]) == unescape(vector[5]));
  }
}

TEST_CASE("value text: a row cut anywhere gives an error or fewer columns, never a wrong read") {
  for (const auto& vector : read_golden("column_values.txt")) {
    INFO(vector[0]);
    const TableInfo table = make_table({{.id = 2, .type = vector[1]}});
    for_each_prefix(from_hex("0804" + vector[3]), [&](ByteView row) {
      std::vector<Value> values(1);
      const auto decoded = decode_delete_row(row, table, values);
      CHECK_FALSE(decoded.ok());
    });
  }
}

TEST_CASE("value text: floats look like Go's") {
  CHECK(double_text(0) == "0");
  CHECK(double_text(-0.0) == "-0");
  CHECK(double_text(100000) == "100000");
  CHECK(double_text(999999) == "999999");
  CHECK(double_text(1000000) == "1e+06");
  CHECK(double_text(1234567) == "1.234567e+06");
  CHECK(double_text(123456.7) == "123456.7");
  CHECK(double_text(1234567.8) == "1.2345678e+06");
  CHECK(double_text(0.0001) == "0.0001");
  CHECK(double_text(0.00001) == "1e-05");
  CHECK(double_text(4294967296) == "4.294967296e+09");
  CHECK(double_text(std::numeric_limits<double>::max()) == "1.7976931348623157e+308");
  CHECK(double_text(std::numeric_limits<double>::denorm_min()) == "5e-324");
  CHECK(double_text(double{0.1f}) == "0.10000000149011612");
  CHECK(double_text(double{123.456f}) == "123.45600128173828");
  CHECK(double_text(16777216) == "1.6777216e+07");
  CHECK(double_text(double{std::numeric_limits<float>::max()}) == "3.4028234663852886e+38");
  CHECK(double_text(-123.5) == "-123.5");
  CHECK(double_text(std::numeric_limits<double>::infinity()) == "+Inf");
  CHECK(double_text(-std::numeric_limits<double>::infinity()) == "-Inf");
  CHECK(double_text(std::numeric_limits<double>::quiet_NaN()) == "NaN");
}

TEST_CASE("value text: the widest durations keep all their hours") {
  Value value = Value::of_int(std::numeric_limits<int64_t>::min());
  value.kind = ValueKind::kDuration;
  value.fsp = 6;
  CHECK(text_of(value) == "-2562047:47:16.854775");
  value.i = 3'599'999'999'999;
  value.fsp = 0;
  CHECK(text_of(value) == "00:59:59");
}

TEST_CASE("value text: damaged times print what their fields hold") {
  Value value = Value::of_uint(~uint64_t{0}, ValueKind::kDatetime);
  value.fsp = 6;
  CHECK(text_of(value) == "3780-11-31 31:63:63.104857");
}

TEST_CASE("value text: absent and NULL are no text") {
  CHECK(text_of(Value()).empty());
  CHECK(text_of(Value::null()).empty());
}
