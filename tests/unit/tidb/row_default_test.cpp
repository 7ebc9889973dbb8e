#include "drainer/tidb/row_default.h"
#include "drainer/tidb/default_value.h"
#include "drainer/tidb/value_text.h"
#include "tests/unit/tidb/table_builder.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::tidb;

TEST_CASE("row default: it is what a row's own value would be") {
  using std::string;
  struct Case {
    std::string_view type;
    DefaultValue origin_default;
    ValueKind kind;
    std::string_view text;
  };
  for (const Case& c : {
           Case{"int", string("5"), ValueKind::kInt, "5"},
           Case{"int", string(" +5 "), ValueKind::kInt, "5"},
           Case{"int", string("-1.5"), ValueKind::kInt, "-2"},
           Case{"int", string("1e2"), ValueKind::kInt, "100"},
           Case{"int", string("x"), ValueKind::kInt, "0"},
           Case{"int", 7.0, ValueKind::kInt, "7"},
           Case{"int", true, ValueKind::kInt, "1"},
           Case{"bigint", string("-9223372036854775808"), ValueKind::kInt, "-9223372036854775808"},
           Case{"bigint", string("9223372036854775808"), ValueKind::kInt, "9223372036854775807"},
           Case{"bigint unsigned", string("18446744073709551615"), ValueKind::kUint,
                "18446744073709551615"},
           Case{"bigint unsigned", string("9223372036854775808"), ValueKind::kUint,
                "9223372036854775808"},
           Case{"bigint unsigned", string("-1"), ValueKind::kUint, "0"},
           // ConvertToMysqlYear and AdjustYear of TiDB: DEFAULT 0 is stored as the text 0, too.
           Case{"year", string("1999"), ValueKind::kInt, "1999"},
           Case{"year", string("0000"), ValueKind::kInt, "0"},
           Case{"year", string("0"), ValueKind::kInt, "2000"},
           Case{"year", string("00"), ValueKind::kInt, "2000"},
           Case{"year", string("7"), ValueKind::kInt, "2007"},
           Case{"year", string("69"), ValueKind::kInt, "2069"},
           Case{"year", string("70"), ValueKind::kInt, "1970"},
           Case{"year", string("99"), ValueKind::kInt, "1999"},
           Case{"year", string(""), ValueKind::kInt, "0"},
           Case{"year", 99.0, ValueKind::kInt, "1999"},
           Case{"year", 0.0, ValueKind::kInt, "0"},
           Case{"double", string(".5"), ValueKind::kDouble, "0.5"},
           Case{"float", string("+1e3"), ValueKind::kFloat, "1000"},
           Case{"float", 1.5, ValueKind::kFloat, "1.5"},
           Case{"decimal(10,2)", string("1.50"), ValueKind::kText, "1.50"},
           Case{"varchar(4)", string("07"), ValueKind::kText, "07"},
           Case{"bit(12)", string("\x01\x02"), ValueKind::kBit, "258"},
           Case{"int", {}, ValueKind::kNull, ""},
           Case{"year", {}, ValueKind::kNull, ""},
           Case{"year not null", {}, ValueKind::kInt, "0"},
           Case{"bit(12) not null", {}, ValueKind::kBit, "0"},
           Case{"datetime(3) not null", {}, ValueKind::kDatetime, "0000-00-00 00:00:00.000"},
           Case{"time(1) not null", {}, ValueKind::kDuration, "00:00:00.0"},
           Case{"enum('y','n')", string("n"), ValueKind::kEnum, "2"},
       }) {
    ColumnInfo column = make_table({{1, c.type}}).columns[0];
    column.origin_default = c.origin_default;
    const auto value = default_value(column, column);
    REQUIRE(value.ok());
    const Value row_value = row_default(*value, column.type);
    std::string text;
    REQUIRE(append_text(text, row_value).ok());
    INFO(c.type << " " << c.text);
    CHECK(row_value.kind == c.kind);
    CHECK(text == c.text);
    if (row_value.kind == ValueKind::kBit) CHECK(row_value.width == 2);
  }
}
