#include "drainer/tidb/row.h"

#include "drainer/tidb/time_zone.h"
#include "drainer/tidb/value_text.h"
#include "tests/unit/tidb/table_builder.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::tidb;

namespace {

using Values = std::vector<Value>;

/// "1 'a' NULL -": one word per column, - where it is absent.
std::string show(const Values& values) {
  std::string out;
  for (const Value& value : values) {
    if (!out.empty()) out += " ";
    if (value.is_absent()) {
      out += "-";
    } else if (value.is_null()) {
      out += "NULL";
    } else {
      const bool is_text = value.kind == ValueKind::kString || value.kind == ValueKind::kBinary;
      if (is_text) out += "'";
      const auto appended = append_text(out, value);
      if (!appended.ok()) out += appended.error().to_string();
      if (is_text) out += "'";
    }
  }
  return out;
}

std::string insert(const TableInfo& table, ByteView row) {
  Values values(table.columns.size());
  const auto decoded = decode_insert_row(row, table, values);
  return decoded.ok() ? show(values) : "error: " + decoded.error().to_string();
}

std::string remove(const TableInfo& table, ByteView row) {
  Values values(table.columns.size());
  const auto decoded = decode_delete_row(row, table, values);
  return decoded.ok() ? show(values) : "error: " + decoded.error().to_string();
}

std::string update(const TableInfo& table, ByteView row) {
  Values old_values(table.columns.size());
  Values new_values(table.columns.size());
  const auto decoded = decode_update_row(row, table, old_values, new_values);
  return decoded.ok() ? show(old_values) + " -> " + show(new_values)
                      : "error: " + decoded.error().to_string();
}

TableInfo clustered_table() {
  TableInfo table = make_table({{1, "varchar(10) not null"},
                                {2, "timestamp not null"},
                                {3, "decimal(6,2) not null"},
                                {4, "time not null"},
                                {5, "varbinary(10) not null"},
                                {6, "int"}});
  table.is_common_handle = true;
  IndexInfo primary;
  primary.name = "PRIMARY";
  primary.is_primary = true;
  for (uint32_t offset = 0; offset < 5; ++offset) {
    primary.columns.push_back({.name = "", .offset = offset, .length = offset == 4 ? 2 : -1});
  }
  IndexInfo other;
  other.columns.push_back({.name = "", .offset = 5});
  table.indices = {other, primary};
  index_table(table);
  return table;
}

constexpr std::string_view kClusteredHandle =
    "02080041004509808080d8ac96a5c5190606027ffecd077ffffc9d2be8520002047879";
constexpr std::string_view kClusteredRow = "0802020641c3a9080a020678797a080c0812";

const std::string kMixedV1 =
    "080605c00000000000000008100606048b26ac080a09bf84bdd8ac96a5c519082008808094ae98c60608120902081c"
    "0a01010000001c00000013000000010009140000006102000000000000000818089e1f";
const std::string kMixedV2 =
    "800007000000030508090c0e100800100015001600180035003d00c0000000000000003f420fcbb2948a1906048b26"
    "ac02cf0701010000001c00000013000000010009140000006102000000000000000080e2c2180d0000";

TableInfo mixed_table() {
  return make_table({{3, "double"},
                     {8, "decimal(6,4)"},
                     {5, "timestamp(6)"},
                     {16, "time"},
                     {9, "enum('x','y','z')"},
                     {14, "json"},
                     {12, "year"}});
}

}  // namespace

TEST_CASE("row: the handle fills an integer primary key") {
  const TableInfo table = make_handle_table({{1, "int primary key"}, {2, "varchar(10)"}});
  CHECK(insert(table, from_hex("080e00")) == "7 -");
  CHECK(insert(table, from_hex("08020804020261")) == "1 'a'");
}

TEST_CASE("row: the handle of an unsigned primary key is its bit pattern") {
  const TableInfo table =
      make_handle_table({{1, "bigint unsigned primary key"}, {2, "varchar(10)"}});
  CHECK(insert(table, from_hex("08010804020261")) == "18446744073709551615 'a'");
}

TEST_CASE("row: a row id fills nothing") {
  const TableInfo table = make_table({{1, "int primary key"}, {2, "int"}});
  CHECK(insert(table, from_hex("080e"
                               "08020804"
                               "08040806")) == "2 3");
  CHECK(insert(table, from_hex("080e"
                               "08020804")) == "2 -");
}

TEST_CASE("row: a clustered key comes from the handle where the row lacks it") {
  const Bytes row = from_hex(std::string(kClusteredHandle) + std::string(kClusteredRow));
  const TableInfo table = clustered_table();
  CHECK(insert(table, row) == "'A\xc3\xa9' 2011-11-10 11:11:11 -1.50 -01:02:03 'xyz' 9");
  Values values(table.columns.size());
  REQUIRE(decode_insert_row(row, table, values).ok());
  CHECK(values[1].kind == ValueKind::kTimestampUtc);
  const auto zone = TimeZone::load("Asia/Shanghai");
  REQUIRE(zone.ok());
  values[1].u = zone->to_local(values[1].u).value();
  CHECK(show({values[1]}) == "2011-11-10 19:11:11");
}

TEST_CASE("row: a prefix in the handle is never the value") {
  CHECK(insert(clustered_table(), from_hex(std::string(kClusteredHandle) + "00")) ==
        "'" + from_hex("00410045") + "' 2011-11-10 11:11:11 -1.50 -01:02:03 - -");
}

TEST_CASE("row: a clustered table without primary key is corrupt") {
  TableInfo table = clustered_table();
  table.indices.pop_back();
  index_table(table);
  CHECK(insert(table, from_hex("080e00")) ==
        "error: Unsupported clustered index without primary key");
}

TEST_CASE("row: an update has both images") {
  const TableInfo table = make_table({{1, "int"}, {2, "varchar(10)"}});
  CHECK(update(table, from_hex("08020802080402026108020802080400")) == "1 'a' -> 1 NULL");
  CHECK(update(make_table({{1, "int"}}), from_hex("080208020801080a080208040801080a")) == "1 -> 2");
}

TEST_CASE("row: generated, non-public and unknown columns of an update are skipped") {
  TableInfo table = make_table({{1, "int"}, {2, "int"}, {3, "int"}});
  table.columns[1].is_generated = true;
  table.columns[2].state = SchemaState::kWriteOnly;
  CHECK(update(table, from_hex("08020802"
                               "08040804"
                               "08060806"
                               "08080808"
                               "08020804"
                               "08040806"
                               "08060808"
                               "0808080a")) == "1 - - -> 2 - -");
}

TEST_CASE("row: columns that both images of an update lack are absent") {
  const TableInfo table = make_table({{1, "int"}, {2, "int"}});
  CHECK(update(table, from_hex("08020802"
                               "08020804")) == "1 - -> 2 -");
}

TEST_CASE("row: images of different columns are corrupt") {
  const TableInfo table = make_table({{1, "int"}, {2, "int"}});
  CHECK(update(table, from_hex("08020802"
                               "08040802"
                               "08020804")) ==
        "error: row data is corrupted cols num: 2, oldRow: [1 2], newRow: [1]");
  CHECK(update(table, from_hex("08020802"
                               "08040804")) ==
        "error: row data is corrupted cols num: 2, oldRow: [1 2], newRow: []");
  CHECK(update(table, from_hex("08020802"
                               "08020802"
                               "08020802")) ==
        "error: row offset 10: row data is corrupted cols num: 2, oldRow: [1], newRow: [1]");
  CHECK(update(table, "") == "error: row data is corrupted cols num: 2, oldRow: [], newRow: []");
  CHECK(update(table, from_hex("0000")) ==
        "error: row data is corrupted cols num: 2, oldRow: [], newRow: []");
}

TEST_CASE("row: format 2 in an update is refused") {
  CHECK(update(make_table({{2, "varchar(10)"}}), from_hex("80000100000002010061")) ==
        "error: row offset 0: invalid encoded key flag 128");
}

TEST_CASE("row: a deleted row carries what it carries") {
  TableInfo table = make_table({{2, "int"}, {3, "varchar(10)"}, {4, "int"}, {5, "int"}});
  CHECK(remove(table, from_hex("080408020806020a68656c6c6f080800")) == "1 'hello' NULL -");
  table.columns[0].is_generated = true;
  table.columns[1].state = SchemaState::kWriteOnly;
  CHECK(remove(table, from_hex("080408020806020a68656c6c6f080800")) == "1 'hello' NULL -");
  CHECK(remove(table, from_hex("00")) == "- - - -");
  CHECK(remove(table, from_hex("0801080a")) == "- - - -");
}

TEST_CASE("row: column ids may be any integer datum") {
  const TableInfo table = make_table({{2, "int"}});
  CHECK(remove(table, from_hex("09020802")) == "1");
  CHECK(remove(table, from_hex("0380000000000000020802")) == "1");
  CHECK(remove(table, from_hex("0202610802")) == "error: row offset 0: column id is no integer");
}

TEST_CASE("row: integers follow the datum's sign") {
  CHECK(remove(make_table({{2, "int"}}), from_hex("08040907")) == "7");
  Values values(1);
  REQUIRE(decode_delete_row(from_hex("08040907"), make_table({{2, "int"}}), values).ok());
  CHECK(values[0].kind == ValueKind::kUint);
}

TEST_CASE("row: malformed rows name the byte and the trouble") {
  const TableInfo table = make_table({{2, "int"}, {3, "set('a','b','c')"}, {4, "bit(65)"}});
  CHECK(remove(table, "") == "error: row offset 0: no columns");
  CHECK(insert(table, from_hex("080e")) == "error: row offset 2: no columns");
  CHECK(insert(table, "") == "error: row offset 0: invalid encoded key");
  CHECK(insert(table, from_hex("0301")) ==
        "error: row offset 0: insufficient bytes to decode value");
  CHECK(remove(table, from_hex("0804")) == "error: row offset 2: invalid encoded key");
  CHECK(remove(table, from_hex("0804020461")) ==
        "error: row offset 2: insufficient bytes to decode value, expected length: 1");
  CHECK(remove(table, from_hex("081402046100")) == "- - -");
  CHECK(remove(table, from_hex("0814020461")) ==
        "error: row offset 2: insufficient bytes to decode value, expected length: 1");
  CHECK(remove(table, from_hex("080414010000000000803f")) ==
        "error: row offset 2: invalid encoded key flag 20");
  CHECK(remove(table, from_hex("08060909")) ==
        "error: row offset 2: invalid number 8 for Set [a b c]");
  CHECK(remove(table, from_hex("08080901")) == "error: row offset 2: bit column c4 of 65 bits");
  CHECK(remove(table, from_hex("0804020261")) ==
        "error: row offset 2: bytes datum in column c2 of type 3");
}

TEST_CASE("row: bits beyond the column's bytes are cut off") {
  CHECK(remove(make_table({{2, "bit(4)"}}), from_hex("0804098124")) == "1");
}

TEST_CASE("row: both formats say the same") {
  const std::string expected = R"(2 11.9900 2011-11-10 11:11:11.999999 04:00:00 2 {"a": 2} 1999)";
  CHECK(remove(mixed_table(), from_hex(kMixedV1)) == expected);
  CHECK(remove(mixed_table(), from_hex(kMixedV2)) == expected);
  CHECK(insert(mixed_table(), from_hex("080e" + kMixedV2)) == expected);
}

TEST_CASE("row: format 2 in all its widths") {
  const TableInfo small = make_table({{2, "int"}, {3, "varchar(10)"}, {4, "int"}, {5, "int"}});
  CHECK(remove(small, from_hex("800002000100020304010006000168656c6c6f")) == "1 'hello' NULL -");
  const TableInfo large = make_table({{1, "int"}, {300, "varchar(10)"}});
  CHECK(remove(large, from_hex("800102000000010000002c01000002000000030000007fff78")) ==
        "-129 'x'");
  const TableInfo wide = make_table({{1, "bigint unsigned"}, {2, "int"}});
  CHECK(remove(wide, from_hex("800002000000010208000900ffffffffffffffffff")) ==
        "18446744073709551615 -1");
  const TableInfo integers = make_table({{1, "int"},
                                         {2, "int"},
                                         {3, "int"},
                                         {4, "bigint"},
                                         {5, "int unsigned"},
                                         {6, "int unsigned"},
                                         {7, "int unsigned"},
                                         {8, "bigint unsigned"}});
  CHECK(remove(integers,
               from_hex("80000800000001020304050607080100030007000f001000120016001e007f8000ff7fffff"
                        "ffffffffffffff7fffffff00000100ffffffffffffffff")) ==
        "127 128 -32769 9223372036854775807 255 65535 65536 18446744073709551615");
  const TableInfo mixed = make_table({{1, "int"},
                                      {3, "int unsigned"},
                                      {6, "double"},
                                      {7, "varchar(10)"},
                                      {8, "smallint"},
                                      {9, "double"},
                                      {12, "bigint"},
                                      {13, "datetime"},
                                      {14, "decimal(10,0)"},
                                      {15, "json"},
                                      {16, "time"},
                                      {33, "int"}});
  CHECK(
      remove(mixed,
             from_hex("80000b0001000103060708090c0d0e0f1021020003000b000e0010001800190021002400410"
                      "04500e803034003333333333332616263ff7fbffccccccccccccd020000008733e69e190100"
                      "8101010000001c0000001300000003000c160000006b65790576616c756500ca9a3b")) ==
      R"(1000 3 -1.8 'abc' 32767 1.8 2 2018-01-19 03:14:07 1 {"key": "value"} 00:00:01 NULL)");
  CHECK(insert(make_handle_table({{1, "int primary key"}, {2, "varchar(10)"}}),
               from_hex("080e80000100000002010061")) == "7 'a'");
}

TEST_CASE("row: a row cut anywhere is an error or has fewer columns") {
  using Decode = Result<void> (*)(ByteView, const TableInfo&, std::span<Value>);
  const Decode insert_row = [](ByteView row, const TableInfo& table, std::span<Value> out) {
    return decode_insert_row(row, table, out);
  };
  struct Case {
    TableInfo table;
    std::string hex;
    Decode decode;
    size_t first_column;  ///< those before come from the handle, or from the row if it has them
  };
  for (const Case& c :
       {Case{clustered_table(), std::string(kClusteredHandle) + std::string(kClusteredRow),
             insert_row, 1},
        Case{mixed_table(), kMixedV1, decode_delete_row, 0},
        Case{mixed_table(), kMixedV2, decode_delete_row, 0},
        Case{mixed_table(), "080e" + kMixedV2, insert_row, 0}}) {
    const Bytes row = from_hex(c.hex);
    Values whole(c.table.columns.size());
    REQUIRE(c.decode(row, c.table, whole).ok());
    for_each_prefix(row, [&](ByteView prefix) {
      INFO(to_hex(prefix));
      Values cut(whole.size());
      if (!c.decode(prefix, c.table, cut).ok()) return;
      size_t absent = 0;
      for (size_t i = c.first_column; i < cut.size(); ++i) {
        absent += cut[i].is_absent() ? 1 : 0;
        CHECK((cut[i].is_absent() || show({cut[i]}) == show({whole[i]})));
      }
      CHECK(absent > 0);
    });
  }
}

TEST_CASE("row: an update cut anywhere is an error, or lacks the same columns in both images") {
  const TableInfo table = make_table({{1, "int"}, {2, "varchar(10)"}});
  for_each_prefix(from_hex("08020802080402026108020802080400"),
                  [&](ByteView prefix) { CHECK(update(table, prefix).starts_with("error: ")); });
}
