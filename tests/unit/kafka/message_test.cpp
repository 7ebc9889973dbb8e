#include "syncer/kafka/message.h"

#include <map>

#include <catch2/catch.hpp>

#include "drainer/tidb/row.h"
#include "tests/fakes/txns.h"
#include "tests/unit/tidb/table_builder.h"
#include "tests/upstream/wire.h"

using namespace drainer;
using fakes::TxnBuilder;
using tidb::ColumnType;
using tidb::Value;
using tidb::ValueKind;

namespace {

constexpr int64_t kTs = 405809779094585347;

// What all DML messages of the examples begin with behind the lengths: schema, table, column_info.
const std::string kHead =
    "0a0474657374120274311a0f0a0269641203696e741801200b28001a1e0a046e616d65"
    "1207766172636861721800202028ffffffffffffffffff01";
const std::string kTail = "2a0d0a075052494d41525912026964";

std::string encode(const Txn& txn, const tidb::TimeZone& zone = {}) {
  kafka::MessageWriter writer(zone);
  ReverseWriter out;
  const Result<void> put = writer.put(out, txn);
  return put.ok() ? to_hex(out.view()) : "error: " + put.error().to_string();
}

ByteView field_of(ByteView message, uint32_t number) {
  upstream::WireReader reader(message);
  for (upstream::WireField field; reader.next(field);) {
    if (field.number == number) return field.bytes;
  }
  FAIL("no field " << number << " in " << to_hex(message));
  return {};
}

// The Column messages of the first row of a message, in hex: `row` 2 is the new one, 3 the old one.
std::vector<std::string> columns_of(const Txn& txn, const tidb::TimeZone& zone = {},
                                    uint32_t row = 2) {
  kafka::MessageWriter writer(zone);
  ReverseWriter out;
  const Result<void> put = writer.put(out, txn);
  INFO((put.ok() ? "" : put.error().to_string()));
  REQUIRE(put.ok());
  const ByteView table = field_of(field_of(out.view(), 3), 1);
  upstream::WireReader reader(field_of(field_of(table, 4), row));
  std::vector<std::string> columns;
  for (upstream::WireField field; reader.next(field);) columns.push_back(to_hex(field.bytes));
  return columns;
}

tidb::ColumnInfo with_default(tidb::ColumnInfo column, const std::string& text) {
  column.origin_default = text;
  return column;
}

tidb::ColumnInfo typed(int64_t id, std::string_view type) {
  tidb::ColumnInfo out = fakes::column(id, "c" + std::to_string(id), ColumnType::kLong);
  out.type = tidb::make_type(type);
  return out;
}

Txn insert_of_nothing(const std::vector<tidb::ColumnInfo>& columns) {
  return TxnBuilder(7)
      .on(fakes::table_version("d", fakes::table(1, "t", columns)))
      .insert(std::vector<Value>(columns.size()))
      .build();
}

}  // namespace

TEST_CASE("kafka message: the specification's insert comes out to the byte") {
  const Txn txn = TxnBuilder(kTs)
                      .on(fakes::example_table())
                      .insert({Value::of_int(1), fakes::text("a")})
                      .build();
  CHECK(encode(txn) ==
        "0800108380c08a81bbeed0051a5b0a59" + kHead + "220d080012090a0210010a03320161" + kTail);
}

TEST_CASE("kafka message: an update carries the new row before the old one") {
  const Txn txn =
      TxnBuilder(kTs)
          .on(fakes::example_table())
          .update({Value::of_int(1), fakes::text("a")}, {Value::of_int(1), Value::null()})
          .build();
  CHECK(encode(txn) == "0800108380c08a81bbeed0051a650a63" + kHead +
                           "2217080112080a0210010a0208011a090a0210010a03320161" + kTail);
}

TEST_CASE("kafka message: a delete carries the old row, empty text and negative numbers whole") {
  const Txn txn = TxnBuilder(kTs)
                      .on(fakes::example_table())
                      .remove({Value::of_int(-1), fakes::text("")})
                      .build();
  CHECK(encode(txn) == "0800108380c08a81bbeed0051a630a61" + kHead +
                           "2215080212110a0b10ffffffffffffffffff010a023200" + kTail);
}

TEST_CASE("kafka message: a DDL has the text as it is, and an empty table name if there is none") {
  CHECK(encode(TxnBuilder(kTs)
                   .ddl("test", "t1", "create table t1(id int primary key, name varchar(32))")
                   .build()) ==
        "0801108380c08a81bbeed00522410a0474657374120274311a35637265617465207461626c6520743128696420"
        "696e74207072696d617279206b65792c206e616d6520766172636861722833322929");
  CHECK(encode(TxnBuilder(kTs).ddl("test", "", "drop database test").build()) ==
        "0801108380c08a81bbeed005221c0a047465737412001a1264726f702064617461626173652074657374");
  CHECK(encode(TxnBuilder(kTs).ddl("test", "", "").build()) ==
        "0801108380c08a81bbeed00522080a04746573741200");
}

TEST_CASE("kafka message: every column vector of the specification comes out to the byte") {
  std::map<std::string, std::string> expected;
  for (const auto& line : tidb::read_golden("obinlog_columns.txt"))
    expected[line.at(0)] = line.at(1);
  const auto vectors = tidb::read_golden("column_values.txt");
  REQUIRE(vectors.size() == 82);
  for (const auto& vector : vectors) {
    INFO(vector[0] << " " << vector[1] << " " << vector[3]);
    const tidb::TimeZone zone = tidb::TimeZone::load(vector[2]).value();
    const auto info =
        std::make_shared<const tidb::TableInfo>(tidb::make_table({{.id = 2, .type = vector[1]}}));
    std::vector<Value> values(1);
    const Bytes row = from_hex("0804" + vector[3]);
    REQUIRE(tidb::decode_delete_row(row, *info, values).ok());
    if (values[0].kind == ValueKind::kTimestampUtc) {
      values[0].u = zone.to_local(values[0].u).value();
      values[0].kind = ValueKind::kDatetime;
    }
    const Txn txn = TxnBuilder(1).on(fakes::table_version("d", info)).remove(values).build();
    CHECK(columns_of(txn, zone) == std::vector<std::string>{expected.at(vector[0])});
  }
}

TEST_CASE("kafka message: only the column's sign decides which integer field is set") {
  const auto column = [](std::string_view type, Value value) {
    return columns_of(TxnBuilder(1)
                          .on(fakes::table_version("d", fakes::table(1, "t", {typed(1, type)})))
                          .insert({value})
                          .build());
  };
  CHECK(column("int", Value::of_uint(7)) == std::vector<std::string>{"1007"});
  CHECK(column("int unsigned", Value::of_int(7)) == std::vector<std::string>{"1807"});
}

TEST_CASE("kafka message: a number that the column cannot hold is an error with the place") {
  const Txn txn =
      TxnBuilder(9)
          .on(fakes::table_version("d", fakes::table(1, "t", {typed(1, "bigint unsigned")})))
          .insert({Value::of_int(-1)})
          .build();
  CHECK(encode(txn) ==
        "error: commit ts 9: column `c1` of table `d`.`t`: value is no unsigned integer");
}

TEST_CASE("kafka message: values that an inserted row lacks come as default or zero") {
  tidb::ColumnInfo zoned = with_default(typed(8, "timestamp(3)"), "2020-01-01 00:00:00.123");
  const Txn txn = insert_of_nothing({
      with_default(typed(1, "int"), "5"),
      with_default(typed(2, "bigint unsigned not null"), "18446744073709551615"),
      with_default(typed(3, "double"), "1.5"),
      with_default(typed(4, "enum('y','n') not null"), "n"),
      typed(5, "enum('y','n') not null"),
      with_default(typed(6, "json"), "{}"),
      typed(7, "varchar(4)"),
      zoned,
      typed(9, "binary(2) not null"),
      typed(10, "bit(8) not null"),
      with_default(typed(11, "year"), "1999"),
      typed(12, "json not null"),
  });
  const tidb::TimeZone zone = tidb::TimeZone::load("+08:00").value();
  CHECK(columns_of(txn, zone) ==
        std::vector<std::string>{"1005", "18ffffffffffffffffff01", "21000000000000f83f", "1802",
                                 "1801", "2a027b7d", "0801",
                                 "3217323032302d30312d30312030383a30303a30302e313233", "2a020000",
                                 "2a00", "320431393939", "2a046e756c6c"});
}

TEST_CASE("kafka message: an old row's missing value has the default of the writer's time") {
  const auto before = fakes::table_version(
      "d", fakes::table(1, "t", {with_default(typed(1, "int"), "5")}), nullptr, /*since=*/10);
  const auto now = fakes::table_version(
      "d", fakes::table(1, "t", {with_default(typed(1, "int"), "6")}), before, /*since=*/20);
  CHECK(columns_of(TxnBuilder(1, 10).on(now).insert({Value()}).build()) ==
        std::vector<std::string>{"1005"});
  CHECK(columns_of(TxnBuilder(1, 20).on(now).insert({Value()}).build()) ==
        std::vector<std::string>{"1006"});
}

TEST_CASE("kafka message: in updates generated columns are NULL, dropped ones have their default") {
  tidb::ColumnInfo stored = typed(2, "int not null");
  stored.is_generated = true;
  stored.is_stored = true;
  const auto table = fakes::table_version(
      "d", fakes::table(1, "t", {typed(1, "int"), stored, with_default(typed(3, "int"), "5")}));
  const Txn update =
      TxnBuilder(1)
          .on(table)
          .update({Value::of_int(1), Value(), Value()}, {Value::of_int(2), Value(), Value()})
          .build();
  CHECK(columns_of(update) == std::vector<std::string>{"1002", "0801", "1005"});
  CHECK(columns_of(update, {}, 3) == std::vector<std::string>{"1001", "0801", "1005"});
  const Txn remove = TxnBuilder(1).on(table).remove({Value::of_int(1), Value(), Value()}).build();
  CHECK(columns_of(remove) == std::vector<std::string>{"1001", "1000", "1005"});
}

TEST_CASE("kafka message: tables stay apart in order, also those without rows") {
  const auto a = fakes::table_version("d", fakes::table(1, "a", {typed(1, "int")}));
  const auto b = fakes::table_version("d", fakes::table(2, "b", {typed(1, "int")}));
  const Txn txn = TxnBuilder(1)
                      .on(a)
                      .insert({Value::of_int(1)})
                      .insert({Value::of_int(2)})
                      .on(b)
                      .on(a)
                      .remove({Value::of_int(3)})
                      .build();
  const std::string message = encode(txn);
  const std::string head_a = "0a01641201611a";
  const size_t first = message.find(head_a);
  const size_t empty = message.find("0a01641201621a");
  const size_t second = message.find(head_a, first + 1);
  REQUIRE(second != std::string::npos);
  CHECK(first < empty);
  CHECK(empty < second);
  CHECK(message.find("0a021001") < message.find("0a021002"));
  CHECK(message.find("0a021002") < empty);
  CHECK(message.find("0a021003") > second);
}

TEST_CASE("kafka message: unique keys are listed whatever their state, PRIMARY only once") {
  tidb::TableInfo info = *fakes::table(1, "t", {typed(1, "int"), typed(2, "int")}, true);
  info.columns[0].type.flags |= tidb::kFlagPrimaryKey;
  const auto index = [](const std::string& name, bool is_unique, tidb::SchemaState state) {
    return tidb::IndexInfo{.name = name,
                           .is_unique = is_unique,
                           .is_primary = false,
                           .state = state,
                           .columns = {{.name = "c2"}, {.name = "c1"}}};
  };
  info.indices = {index("u", true, tidb::SchemaState::kWriteOnly),
                  index("k", false, tidb::SchemaState::kPublic),
                  index("PRIMARY", true, tidb::SchemaState::kPublic)};
  const auto table =
      fakes::table_version("d", std::make_shared<const tidb::TableInfo>(std::move(info)));
  const std::string message =
      encode(TxnBuilder(1).on(table).remove({Value::of_int(1), Value::of_int(1)}).build());
  CHECK(
      message.ends_with("2a0d0a075052494d41525912026331"
                        "2a0b0a01751202633212026331"));
}

TEST_CASE("kafka message: progress and DDLs to be skipped have no message") {
  CHECK_FALSE(TxnBuilder(1).build().has_message());
  CHECK_FALSE(TxnBuilder(1).ddl("d", "t", "x", true).build().has_message());
  CHECK(TxnBuilder(1).ddl("d", "t", "x").build().has_message());
  const Txn emptied = TxnBuilder(1).on(fakes::example_table()).build();
  CHECK(emptied.has_message());
}

TEST_CASE("kafka message: a table's changed description is used at once") {
  const tidb::TimeZone zone;
  kafka::MessageWriter writer(zone);
  ReverseWriter out;
  for (const char* name : {"t", "renamed"}) {
    const auto table = fakes::table_version("d", fakes::table(1, name, {typed(1, "int")}));
    out.clear();
    REQUIRE(writer.put(out, TxnBuilder(1).on(table).insert({Value::of_int(1)}).build()).ok());
    CHECK(out.view().find(name) != ByteView::npos);
  }
}
