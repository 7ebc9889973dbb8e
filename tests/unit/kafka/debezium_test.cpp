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
                 Catch::Contains(R"("name":"7.test.t1.Key")") &&
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
  CHECK_THAT(events.messages[0].value, Catch::Contains(R"("op":"m"},"schema":{)") &&
                                           Catch::Contains(R"("name":"7.watermark.Envelope")"));
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
