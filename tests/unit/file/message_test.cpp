#include "syncer/file/message.h"

#include <catch2/catch.hpp>

#include "syncer/file/message_reader.h"
#include "tests/fakes/txns.h"
#include "tests/upstream/wire.h"

using namespace drainer;
using fakes::TxnBuilder;
using tidb::ColumnType;
using tidb::Value;
using tidb::ValueKind;

namespace {

constexpr int64_t kTs = 405809779094585347;

std::string encode(const Txn& txn, const tidb::TimeZone& zone = {}) {
  file::MessageWriter writer(zone);
  ReverseWriter out;
  const Result<void> put = writer.put(out, txn);
  return put.ok() ? to_hex(out.view()) : "error: " + put.error().to_string();
}

std::vector<ByteView> fields_of(ByteView message, uint32_t number) {
  std::vector<ByteView> out;
  upstream::WireReader reader(message);
  for (upstream::WireField field; reader.next(field);) {
    if (field.number == number) out.push_back(field.bytes);
  }
  return out;
}

// "name: value" or "name: value>changed_value" of each column of the only event, values in hex.
std::vector<std::string> columns_of(const Txn& txn, const tidb::TimeZone& zone = {}) {
  file::MessageWriter writer(zone);
  ReverseWriter out;
  const Result<void> put = writer.put(out, txn);
  INFO((put.ok() ? "" : put.error().to_string()));
  REQUIRE(put.ok());
  const ByteView event = fields_of(fields_of(out.view(), 3).at(0), 1).at(0);
  std::vector<std::string> columns;
  for (const ByteView column : fields_of(event, 4)) {
    std::string text(fields_of(column, 1).at(0));
    text += ": " + to_hex(fields_of(column, 4).at(0));
    for (const ByteView changed : fields_of(column, 5)) text += ">" + to_hex(changed);
    columns.push_back(std::move(text));
  }
  return columns;
}

std::string datum_of(Value value) {
  const auto table = fakes::table_version(
      "d", fakes::table(1, "t", {fakes::column(1, "c", ColumnType::kVarchar)}));
  return columns_of(TxnBuilder(1).on(table).insert({value}).build()).at(0).substr(3);
}

}  // namespace

TEST_CASE("file message: the specification's insert comes out to the byte") {
  const Txn txn = TxnBuilder(kTs)
                      .on(fakes::example_table())
                      .insert({Value::of_int(1), fakes::text("a")})
                      .build();
  CHECK(encode(txn) ==
        "0800108380c08a81bbeed0051a390a370a047465737412027431180022100a0269641201031a03696e742202"
        "080222170a046e616d6512010f1a07766172636861722203020261");
}

TEST_CASE("file message: an update carries the old value, then the new one") {
  const Txn txn =
      TxnBuilder(kTs)
          .on(fakes::example_table())
          .update({Value::of_int(1), fakes::text("a")}, {Value::of_int(1), Value::null()})
          .build();
  CHECK(encode(txn) ==
        "0800108380c08a81bbeed0051a400a3e0a047465737412027431180122140a0269641201031a03696e742202"
        "08022a020802221a0a046e616d6512010f1a077661726368617222030202612a0100");
}

TEST_CASE("file message: a DDL is one text with its database") {
  const std::string query = "create table t1(id int primary key, name varchar(32))";
  CHECK(encode(TxnBuilder(kTs).ddl("test", "t1", query).build()) ==
        "0801108380c08a81bbeed0052242757365206074657374603b20637265617465207461626c65207431286964"
        "20696e74207072696d617279206b65792c206e616d65207661726368617228333229293b");
}

TEST_CASE("file message: `use` stands before all but CREATE DATABASE") {
  CHECK(file::ddl_query("a`b", "drop table t;") == "use `a``b`; drop table t;;");
  CHECK(file::ddl_query("a", "CREATE DATABASE `a`") == "CREATE DATABASE `a`;");
  CHECK(file::ddl_query("a", "/* x */ create schema a") == "/* x */ create schema a;");
  CHECK(file::ddl_query("a", "drop database a") == "use `a`; drop database a;");
  CHECK(file::ddl_query("", "anything") == "anything");
  CHECK(file::ddl_query("a", "no SQL") == "use `a`; no SQL;");
}

TEST_CASE("file message: values are datums of TiDB's value codec") {
  CHECK(datum_of(Value::null()) == "00");
  CHECK(datum_of(Value::of_int(1)) == "0802");
  CHECK(datum_of(Value::of_int(-1)) == "0801");
  CHECK(datum_of(Value::of_int(INT64_MIN)) == "08ffffffffffffffffff01");
  CHECK(datum_of(Value::of_uint(2)) == "0902");
  CHECK(datum_of(Value::of_uint(UINT64_MAX)) == "09ffffffffffffffffff01");
  CHECK(datum_of(Value::of_uint(5, ValueKind::kSet)) == "0905");
  CHECK(datum_of(Value::of_uint(2, ValueKind::kEnum)) == "0902");
  CHECK(datum_of(Value::of_uint(5, ValueKind::kBit)) == "0905");
  CHECK(datum_of(Value::of_double(1.5)) == "05bff8000000000000");
  CHECK(datum_of(Value::of_double(-1.5)) == "054007ffffffffffff");
  CHECK(datum_of(Value::of_double(0)) == "058000000000000000");
  CHECK(datum_of(Value::of_double(-0.0)) == "058000000000000000");
  CHECK(datum_of(Value::of_double(0.5, ValueKind::kFloat)) == "05bfe0000000000000");
  CHECK(datum_of(fakes::text("")) == "0200");
  CHECK(datum_of(fakes::text("a")) == "020261");
  const Bytes decimal = from_hex("0a027ffffffecd");
  CHECK(datum_of(Value::of_bytes(decimal, ValueKind::kDecimal)) == "020a2d312e3530");
  Value four_hours = Value::of_int(int64_t{4} * 3600 * 1'000'000'000);
  four_hours.kind = ValueKind::kDuration;
  CHECK(datum_of(four_hours) == "021030343a30303a3030");
  const Bytes json = from_hex("0400");
  CHECK(datum_of(Value::of_bytes(json, ValueKind::kJson)) == "02086e756c6c");
}

TEST_CASE("file message: inserts list all columns, updates the writable, deletes those present") {
  tidb::ColumnInfo generated = fakes::column(2, "g", ColumnType::kLong);
  generated.is_generated = true;
  tidb::ColumnInfo added = fakes::column(3, "n", ColumnType::kLong);
  added.origin_default = std::string("5");
  const auto table = fakes::table_version(
      "d", fakes::table(1, "t", {fakes::column(1, "a", ColumnType::kLong), generated, added}));
  const Value one = Value::of_int(1);
  CHECK(columns_of(TxnBuilder(1).on(table).insert({one, Value(), Value()}).build()) ==
        std::vector<std::string>{"a: 0802", "g: 00", "n: 020235"});
  CHECK(columns_of(TxnBuilder(1)
                       .on(table)
                       .update({one, Value(), Value()}, {Value::of_int(2), Value(), Value()})
                       .build()) == std::vector<std::string>{"a: 0802>0804", "n: 020235>020235"});
  CHECK(columns_of(TxnBuilder(1).on(table).remove({one, one, Value()}).build()) ==
        std::vector<std::string>{"a: 0802", "g: 0802"});
}

TEST_CASE("file message: a TIMESTAMP default is rendered in the zone of the output") {
  tidb::ColumnInfo column = fakes::column(1, "c", ColumnType::kTimestamp);
  column.origin_default = std::string("2020-01-01 00:00:00");
  const auto table = fakes::table_version("d", fakes::table(1, "t", {column}));
  const Txn txn = TxnBuilder(1).on(table).insert({Value()}).build();
  CHECK(columns_of(txn, tidb::TimeZone::load("+08:00").value()) ==
        std::vector<std::string>{"c: 0226" + to_hex("2020-01-01 08:00:00")});
}

TEST_CASE("file message: events keep the order of rows across tables") {
  const auto other =
      fakes::table_version("e", fakes::table(2, "u", {fakes::column(1, "c", ColumnType::kLong)}));
  const Txn txn = TxnBuilder(1)
                      .on(fakes::example_table())
                      .insert({Value::of_int(1), fakes::text("a")})
                      .remove({Value::of_int(1), fakes::text("a")})
                      .on(other)
                      .insert({Value::of_int(2)})
                      .build();
  const tidb::TimeZone zone;
  file::MessageWriter writer(zone);
  ReverseWriter out;
  REQUIRE(writer.put(out, txn).ok());
  std::vector<std::string> events;
  for (const ByteView event : fields_of(fields_of(out.view(), 3).at(0), 1)) {
    events.emplace_back(fields_of(event, 2).at(0));
  }
  CHECK(events == std::vector<std::string>{"t1", "t1", "u"});
}

TEST_CASE("file message: a transaction whose rows were all filtered has empty data") {
  CHECK(encode(TxnBuilder(1).on(fakes::example_table()).build()) == "080010011a00");
}

TEST_CASE("file message: bytes that are no value are an error with the place") {
  const auto table =
      fakes::table_version("d", fakes::table(1, "t", {fakes::column(1, "c", ColumnType::kJson)}));
  const Txn txn =
      TxnBuilder(9).on(table).insert({Value::of_bytes("\x7f", ValueKind::kJson)}).build();
  CHECK(encode(txn).starts_with("error: commit ts 9: column `c` of table `d`.`t`: "));
}

TEST_CASE("file message: the commit ts can be read back from any payload") {
  CHECK(file::find_commit_ts(from_hex("0800108380c08a81bbeed0051a00")) == CommitTs(kTs));
  CHECK(file::find_commit_ts(from_hex("08011001")) == CommitTs(1));
  CHECK_FALSE(file::find_commit_ts(from_hex("0800108380c08a81bbee")));
  CHECK_FALSE(file::find_commit_ts(from_hex("080010")));
  CHECK_FALSE(file::find_commit_ts(""));
  CHECK_FALSE(file::find_commit_ts(from_hex("1001080001")));
}

TEST_CASE("file message: what is read back knows that it is an ENUM or a SET") {
  const auto table =
      fakes::table_version("d", fakes::table(1, "t",
                                             {fakes::column(1, "e", ColumnType::kEnum),
                                              fakes::column(2, "s", ColumnType::kSet),
                                              fakes::column(3, "b", ColumnType::kBit)}));
  constexpr uint64_t kTopMember = uint64_t{1} << 63;
  file::MessageWriter writer{tidb::TimeZone()};
  ReverseWriter out;
  REQUIRE(writer
              .put(out, TxnBuilder(1)
                            .on(table)
                            .insert({Value::of_uint(2, ValueKind::kEnum),
                                     Value::of_uint(kTopMember, ValueKind::kSet),
                                     Value::of_uint(5, ValueKind::kBit)})
                            .build())
              .ok());
  file::MessageReader reader{ZonePair()};
  const Txn txn = reader.read(std::make_shared<const Bytes>(out.view())).value();
  const auto values = txn.new_values(txn.rows.at(0));
  CHECK(values[0].kind == ValueKind::kEnum);
  CHECK(values[0].u == 2);
  CHECK(values[1].kind == ValueKind::kSet);
  CHECK(values[1].u == kTopMember);
  CHECK(values[2].u == 5);
}
