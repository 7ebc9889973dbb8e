#include "syncer/kafka/event_format.h"

#include <catch2/catch.hpp>

#include "tests/fakes/txns.h"
#include "tests/unit/kafka/events.h"

using namespace drainer;
using fakes::Events;
using fakes::example_update;
using fakes::kTs;
using fakes::options_of;
using fakes::TxnBuilder;
using kafka::EventMessage;
using tidb::ColumnType;
using tidb::Value;

TEST_CASE("debezium: key, images and operation are those of its consumers") {
  Events events;
  events.write(options_of(KafkaProtocol::kDebezium), example_update());
  REQUIRE(events.messages.size() == 1);
  CHECK_THAT(events.messages[0].key.value(),
             Catch::StartsWith(R"({"payload":{"id":1},"schema":{"type":"struct",)") &&
                 Catch::Contains(R"("name":"_7.test.t1.Key")") &&
                 Catch::Contains(R"({"type":"int32","optional":false,"field":"id"})"));
  CHECK_THAT(
      events.messages[0].value,
      Catch::Contains(R"("ts_ms":1548041454676,"snapshot":"false","db":"test","table":"t1")") &&
          Catch::Contains(R"("commit_ts":405809779094585347,"cluster_id":"7"})") &&
          Catch::Contains(
              R"("op":"u","before":{"id":1,"name":"a"},"after":{"id":1,"name":null}})"));
}

TEST_CASE("debezium: a DDL is what Kafka Connect takes for a schema change") {
  Events events;
  KafkaOptions options = options_of(KafkaProtocol::kDebezium);
  options.watermark_interval_ms = 1000;
  const auto write = [&](const std::string& table, const std::string& text) {
    events.messages.clear();
    events.write(options, TxnBuilder(kTs).ddl("test", table, text).build());
    // Watermarks are no events of Debezium: only with the extension.
    REQUIRE(events.messages.size() == 1);
    return events.messages[0];
  };
  const EventMessage ddl = write("t1", "alter table t1 add index (a)");
  CHECK_THAT(
      ddl.key.value(),
      Catch::StartsWith(R"({"payload":{"databaseName":"test"},"schema":{"type":"struct",)") &&
          Catch::Contains(R"("name":"io.debezium.connector.mysql.SchemaChangeKey")"));
  CHECK_THAT(ddl.value,
             Catch::StartsWith(R"({"payload":{"source":)") &&
                 Catch::Contains(
                     R"x("tableChanges":[{"type":"ALTER","id":"\"test\".\"t1\""}]},"schema":{)x") &&
                 Catch::Contains(R"("name":"io.debezium.connector.mysql.SchemaChangeValue")"));
  CHECK_THAT(write("b", "rename table a to b").value,
             Catch::Contains(R"("id":"\"test\".\"a\",\"test\".\"b\"")"));
  CHECK_THAT(write("", "create database test").value, Catch::Contains(R"("tableChanges":[]})"));
}

TEST_CASE("debezium: with the extension there are watermarks, with their schema") {
  Events events;
  KafkaOptions options = options_of(KafkaProtocol::kDebezium);
  options.watermark_interval_ms = 1000;
  options.tidb_extension = true;
  events.write(options, TxnBuilder(kTs).build());
  REQUIRE(events.messages.size() == 1);
  // TiCDC's consumer ends at a key that is no JSON of this form.
  CHECK(events.messages[0].key ==
        R"({"payload":{},"schema":{"type":"struct","name":"_7.watermark.Key","optional":false,)"
        R"("fields":[]}})");
  CHECK_THAT(events.messages[0].value, Catch::Contains(R"("op":"m"},"schema":{)") &&
                                           Catch::Contains(R"("name":"_7.watermark.Envelope")"));
}

TEST_CASE("debezium: the schema of a source names TiDB's members with the extension only") {
  const bool has_extension = GENERATE(false, true);
  const bool is_ddl = GENERATE(false, true);
  KafkaOptions options = options_of(KafkaProtocol::kDebezium);
  options.tidb_extension = has_extension;
  Events events;
  events.write(options, is_ddl ? TxnBuilder(kTs).ddl("test", "t1", "truncate table t1").build()
                               : example_update());
  REQUIRE(events.messages.size() == 1);
  const std::string members = has_extension
                                  ? R"(,{"type":"int64","optional":false,"field":"commit_ts"},)"
                                    R"({"type":"string","optional":false,"field":"cluster_id"})"
                                  : "";
  CHECK_THAT(events.messages[0].value,
             Catch::Contains(R"({"type":"string","optional":true,"field":"query"})" + members +
                             R"(],"optional":false,"name":"io.debezium.connector.mysql.Source")"));
}

TEST_CASE("debezium: with the extension columns tell their TiDB type, which consumers read") {
  struct Case {
    ColumnType type;
    uint32_t flags;
    std::string_view charset;
    std::string name;
  };
  const auto [type, flags, charset, name] = GENERATE(values<Case>({
      {ColumnType::kTiny, 0, "binary", "tinyint"},
      {ColumnType::kLong, tidb::kFlagUnsigned, "binary", "int unsigned"},
      {ColumnType::kLongLong, tidb::kFlagUnsigned, "binary", "bigint unsigned"},
      {ColumnType::kDouble, tidb::kFlagUnsigned, "binary", "double unsigned"},
      {ColumnType::kNewDecimal, tidb::kFlagUnsigned, "binary", "decimal"},
      {ColumnType::kYear, tidb::kFlagUnsigned, "binary", "year"},
      {ColumnType::kBit, tidb::kFlagUnsigned, "binary", "bit"},
      {ColumnType::kString, 0, "utf8mb4", "char"},
      {ColumnType::kVarchar, 0, "binary", "varbinary"},
      {ColumnType::kBlob, 0, "utf8mb4", "text"},
      {ColumnType::kBlob, 0, "binary", "blob"},
      {ColumnType::kTimestamp, 0, "binary", "timestamp"},
      {ColumnType::kJson, 0, "utf8mb4", "json"},
  }));
  tidb::ColumnInfo c = fakes::column(1, "c", type, flags);
  c.type.charset = charset;
  KafkaOptions options = options_of(KafkaProtocol::kDebezium);
  const auto value_of = [&](bool has_extension) {
    options.tidb_extension = has_extension;
    Events events;
    events.write(options, TxnBuilder(kTs)
                              .on(fakes::table_version("test", fakes::table(1, "t", {c}, false)))
                              .insert({Value::null()})
                              .build());
    return events.messages.at(0).value;
  };
  CHECK_THAT(value_of(true),
             Catch::Contains(R"("fields":[{"tidb_type":")" + name + R"(","type":)"));
  CHECK_THAT(value_of(false), !Catch::Contains("tidb_type"));
}

TEST_CASE("debezium: bits have the column's bytes, also of a default stored with fewer") {
  tidb::ColumnInfo c = fakes::column(1, "c", ColumnType::kBit, tidb::kFlagUnsigned);
  c.type.flen = 20;
  Value bits = Value::of_uint(1, tidb::ValueKind::kBit);
  bits.width = 1;
  Events events;
  events.write(options_of(KafkaProtocol::kDebezium),
               TxnBuilder(kTs)
                   .on(fakes::table_version("test", fakes::table(1, "t", {c}, false)))
                   .insert({bits})
                   .build());
  CHECK_THAT(events.messages.at(0).value, Catch::Contains(R"("after":{"c":"AQAA"})"));
}

TEST_CASE("debezium: names in schemas are those that TiCDC makes of them") {
  struct Case {
    std::string schema;
    std::string table;
    std::string name;
  };
  const auto [schema, table, name] = GENERATE(values<Case>({
      {"test", "t1", "_7.test.t1.Key"},
      // A digit may not come first, but in a table's name.
      {"1a", "1a", "_7._1a.1a.Key"},
      {"-a", "-a", "_7._a._a.Key"},
      {"a-b.c", "a-b.c", "_7.a_b_c.a_b.c.Key"},
      {"表a", "é表", "_7._a.__.Key"},
      {"", "", "_7...Key"},
  }));
  const auto id =
      fakes::column(1, "id", ColumnType::kLong, tidb::kFlagPrimaryKey | tidb::kFlagNotNull);
  Events events;
  events.write(options_of(KafkaProtocol::kDebezium),
               TxnBuilder(kTs)
                   .on(fakes::table_version(schema, fakes::table(1, table, {id}, true)))
                   .insert({Value::of_int(1)})
                   .build());
  CHECK_THAT(events.messages.at(0).key.value(), Catch::Contains("\"name\":\"" + name + "\""));
}

TEST_CASE("debezium: a stored generated column may be missing, and is in no key") {
  tidb::ColumnInfo id =
      fakes::column(1, "id", ColumnType::kLong, tidb::kFlagPrimaryKey | tidb::kFlagNotNull);
  tidb::ColumnInfo sum =
      fakes::column(2, "sum", ColumnType::kLong, tidb::kFlagPrimaryKey | tidb::kFlagNotNull);
  sum.is_generated = true;
  sum.is_stored = true;
  Events events;
  events.write(options_of(KafkaProtocol::kDebezium),
               TxnBuilder(kTs)
                   .on(fakes::table_version("test", fakes::table(1, "t", {id, sum}, false)))
                   .insert({Value::of_int(1), Value::of_int(2)})
                   .build());
  REQUIRE(events.messages.size() == 1);
  CHECK_THAT(events.messages[0].value,
             Catch::Contains(R"({"type":"int32","optional":true,"field":"sum"})"));
  CHECK_THAT(events.messages[0].key.value(), Catch::StartsWith(R"({"payload":{"id":1},)"));
}
