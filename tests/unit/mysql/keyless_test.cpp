// Rows of tables without a key are found by the bytes of all their columns, among neighbours that a
// collation takes for equal (spec/mysql-sink.md 6.4, peer.md failure 7).
#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using fakes::MariadbServer;
using tidb::ColumnType;
using tidb::Value;
using tidb::ValueKind;

Value bytes(const std::string& value, ValueKind kind) {
  Value out = text(value);
  out.kind = kind;
  return out;
}

uint64_t packed_datetime(uint64_t year, uint64_t month, uint64_t day, uint64_t second) {
  return ((((year * 13 + month) << 5 | day) << 17) | second) << 24;
}

Value datetime(uint64_t packed, uint8_t fsp) {
  Value out = Value::of_uint(packed, ValueKind::kDatetime);
  out.fsp = fsp;
  return out;
}

Value duration(int64_t nanoseconds, uint8_t fsp) {
  Value out = Value::of_int(nanoseconds);
  out.kind = ValueKind::kDuration;
  out.fsp = fsp;
  return out;
}

std::string set_of_64() {
  std::string type = "SET(";
  for (int i = 0; i < 64; ++i) type += (i == 0 ? "'s" : ",'s") + std::to_string(i) + "'";
  return type + ")";
}

struct Sample {
  std::string type;  ///< downstream definition
  ColumnType upstream;
  std::string charset;
  std::vector<Value> values;  ///< all different, also to the eyes of a bytewise comparison
};

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = {
      {"INT", ColumnType::kLong, "binary", {number(0), number(-7)}},
      {"BIGINT UNSIGNED",
       ColumnType::kLongLong,
       "binary",
       {Value::of_uint(UINT64_MAX), Value::of_uint(1)}},
      {"FLOAT",
       ColumnType::kFloat,
       "binary",
       {Value::of_double(static_cast<double>(1.1F), ValueKind::kFloat),
        Value::of_double(static_cast<double>(3.4e38F), ValueKind::kFloat),
        Value::of_double(static_cast<double>(16777216.0F), ValueKind::kFloat)}},
      {"FLOAT(7,2)",
       ColumnType::kFloat,
       "binary",
       {Value::of_double(static_cast<double>(12345.67F), ValueKind::kFloat)}},
      {"DOUBLE",
       ColumnType::kDouble,
       "binary",
       {real(1.1), real(0.1 + 0.2), real(1e-300), real(123456789012345678.0)}},
      // 12.50 with precision 10 and 2 digits after the point: 4 and 1 bytes.
      {"DECIMAL(10,2)",
       ColumnType::kNewDecimal,
       "binary",
       {bytes(std::string("\x0a\x02\x80\x00\x00\x0c\x32", 7), ValueKind::kDecimal),
        bytes("7.25", ValueKind::kText)}},
      {"DATETIME(6)",
       ColumnType::kDatetime,
       "binary",
       {datetime(packed_datetime(2020, 1, 2, 3 << 12 | 4 << 6 | 5) + 123456, 6), datetime(0, 6)}},
      {"DATE",
       ColumnType::kDate,
       "binary",
       {Value::of_uint(packed_datetime(2020, 2, 29, 0), ValueKind::kDate),
        Value::of_uint(packed_datetime(2020, 0, 0, 0), ValueKind::kDate)}},
      {"TIMESTAMP(3) NULL",
       ColumnType::kTimestamp,
       "binary",
       {datetime(packed_datetime(2020, 3, 29, 2 << 12 | 30 << 6) + 500000, 3), datetime(0, 3)}},
      {"TIME(3)",
       ColumnType::kDuration,
       "binary",
       {duration(-3'600'000'000'000 * 838, 3), duration(1'500'000'000, 3)}},
      {"YEAR", ColumnType::kYear, "binary", {number(0), number(1999)}},
      {"CHAR(10)", ColumnType::kString, "utf8mb4", {text("a"), text("A"), text("\xc3\xa1")}},
      {"VARCHAR(20)",
       ColumnType::kVarchar,
       "utf8mb4",
       {text("a"), text("A"), text("a "), text("\xc3\xa1"), text(""), text("'\\\"\n"), text("%")}},
      {"VARCHAR(20) CHARACTER SET latin1",
       ColumnType::kVarchar,
       "utf8mb4",
       {text("\xc3\xa9"), text("e"), text("E")}},
      {"VARCHAR(20) COLLATE utf8mb4_bin", ColumnType::kVarchar, "utf8mb4", {text("a"), text("a ")}},
      {"TEXT", ColumnType::kBlob, "utf8mb4", {text("b"), text("B"), text("b  ")}},
      {"BINARY(4)",
       ColumnType::kString,
       "binary",
       {binary(std::string("ab\0\0", 4)), binary("ab  "), binary("AB")}},
      {"VARBINARY(10)",
       ColumnType::kVarchar,
       "binary",
       {binary("ab"), binary("AB"), binary(std::string("ab\0", 3)), binary("ab ")}},
      {"BLOB", ColumnType::kBlob, "binary", {binary("\xff\xfe"), binary("")}},
      {"BIT(12)",
       ColumnType::kBit,
       "binary",
       {Value::of_uint(0xabc, ValueKind::kBit), Value::of_uint(0, ValueKind::kBit)}},
      {"ENUM('a','b')",
       ColumnType::kEnum,
       "utf8mb4",
       {Value::of_uint(1, ValueKind::kEnum), Value::of_uint(2, ValueKind::kEnum)}},
      {"SET('x','y')",
       ColumnType::kSet,
       "utf8mb4",
       {Value::of_uint(0, ValueKind::kSet), Value::of_uint(3, ValueKind::kSet)}},
      // The highest bit is what MariaDB takes for a sign when it compares.
      {set_of_64(),
       ColumnType::kSet,
       "utf8mb4",
       {Value::of_uint(UINT64_MAX, ValueKind::kSet), Value::of_uint(1ULL << 63, ValueKind::kSet),
        Value::of_uint(1, ValueKind::kSet)}},
      {"BIT(64)",
       ColumnType::kBit,
       "binary",
       {Value::of_uint(UINT64_MAX, ValueKind::kBit), Value::of_uint(1, ValueKind::kBit)}},
      {"JSON",
       ColumnType::kJson,
       "binary",
       {bytes("\x0c\x03"
              "abc",
              ValueKind::kJson),
        bytes("\x0c\x03"
              "ABC",
              ValueKind::kJson)}},
  };
  return all;
}

/// A table without key: a number to tell rows apart and the column under test.
TablePtr table_of(const Sample& sample, bool is_indexed, Inspector& db) {
  db.run("DROP TABLE IF EXISTS k");
  db.run("CREATE TABLE k(n INT, v " + sample.type + (is_indexed ? ", KEY(v)" : "") +
         ") COLLATE utf8mb4_general_ci");
  return table("test", "k", {{"n", ColumnType::kLong}, {"v", sample.upstream, sample.charset}});
}

TEST_CASE("keyless: of all rows that look alike exactly the right one is deleted or updated",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  RunningSink sink(sink_options(MariadbServer::shared().port()));
  int64_t ts = 10;
  for (const Sample& sample : samples()) {
    for (const bool is_indexed : {false, true}) {
      const bool cannot_index =
          sample.type == "TEXT" || sample.type == "BLOB" || sample.type == "JSON";
      if (is_indexed && cannot_index) continue;
      CAPTURE(sample.type, is_indexed);
      db.run("SET SESSION sql_mode = ''");
      const TablePtr k = table_of(sample, is_indexed, db);
      Txn changed = TxnBuilder(ts++).ddl("test", "k", "").build();
      changed.ddl->should_skip = true;
      sink.submit(std::move(changed));
      TxnBuilder insert(ts++);
      std::vector<Value> values = sample.values;
      values.push_back(null());
      for (const Value& value : values) insert.insert(k, {number(1), value});
      sink.submit(insert.build());
      REQUIRE(sink.wait_applied(ts - 1));
      // Each row is marked by an update, the marked ones are deleted; always one exactly.
      for (const Value& value : values) {
        sink.submit(TxnBuilder(ts++)
                        .update(k, {number(1), value}, {number(2), value})
                        .remove(k, {number(2), value})
                        .insert(k, {number(3), value})
                        .build());
        REQUIRE(sink.wait_applied(ts - 1));
      }
      CHECK(db.rows("SELECT MIN(n), MAX(n), COUNT(*), COUNT(DISTINCT BINARY v) FROM k") ==
            "3|3|" + std::to_string(values.size()) + "|" + std::to_string(values.size() - 1));
    }
  }
  CHECK(sink.finish() == "");
}

TEST_CASE("keyless: a key over a SET with its 64th member finds its row, alone and in lists",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  db.run("CREATE TABLE k(n INT, v " + set_of_64() + " NOT NULL PRIMARY KEY)");
  const TablePtr k =
      table("test", "k", {{"n", ColumnType::kLong}, {"v", ColumnType::kSet, "utf8mb4"}});
  const auto member = [](uint64_t bits) { return Value::of_uint(bits, ValueKind::kSet); };
  RunningSink sink(sink_options(MariadbServer::shared().port()));
  TxnBuilder insert(10);
  for (const int bit : {0, 1, 62, 63}) insert.insert(k, {number(1), member(1ULL << bit)});
  sink.submit(insert.build());
  sink.submit(TxnBuilder(11)
                  .update(k, {number(1), member(1ULL << 63)}, {number(2), member(1ULL << 63)})
                  .build());
  REQUIRE(sink.wait_applied(11));
  sink.submit(TxnBuilder(12)
                  .remove(k, {number(1), member(1)})
                  .remove(k, {number(1), member(1ULL << 62)})
                  .remove(k, {number(2), member(1ULL << 63)})
                  .build());
  REQUIRE(sink.wait_applied(12));
  CHECK(db.rows("SELECT n, v FROM k") == "1|s1");
  CHECK(sink.finish() == "");
}

}  // namespace
}  // namespace drainer::mysql
