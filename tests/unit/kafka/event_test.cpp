#include "syncer/kafka/event_writer.h"

#include <catch2/catch.hpp>

#include "drainer/tidb/time.h"
#include "syncer/kafka/message.h"
#include "syncer/kafka/message_reader.h"
#include "tests/fakes/txns.h"
#include "tests/unit/kafka/events.h"

using namespace drainer;
using fakes::Events;
using fakes::example_update;
using fakes::kTs;
using fakes::options_of;
using fakes::TxnBuilder;
using kafka::Destination;
using tidb::ColumnType;
using tidb::Value;

namespace {

std::shared_ptr<const schema::TableVersion> int_table(const std::string& name,
                                                      const std::vector<std::string>& keys) {
  std::vector<tidb::ColumnInfo> columns;
  for (const std::string& key : keys) {
    columns.push_back(fakes::column(static_cast<int64_t>(columns.size()) + 1, key,
                                    ColumnType::kLong, tidb::kFlagPrimaryKey | tidb::kFlagNotNull));
  }
  return fakes::table_version("test", fakes::table(1, name, columns, /*pk_is_handle=*/false));
}

// test.t(id int primary key, g int generated always as (…) stored)
std::shared_ptr<const schema::TableVersion> generated_table() {
  tidb::ColumnInfo g = fakes::column(2, "g", ColumnType::kLong);
  g.is_generated = true;
  g.is_stored = true;
  const auto id =
      fakes::column(1, "id", ColumnType::kLong, tidb::kFlagPrimaryKey | tidb::kFlagNotNull);
  return fakes::table_version("test", fakes::table(1, "t", {id, g}, /*pk_is_handle=*/true));
}

}  // namespace

TEST_CASE("canal-json: the specification's update comes out to the byte") {
  Events events;
  KafkaOptions options = options_of(KafkaProtocol::kCanalJson);
  options.tidb_extension = true;
  events.write(options, example_update());
  REQUIRE(events.messages.size() == 1);
  CHECK_FALSE(events.messages[0].key);
  CHECK(events.messages[0].to == Destination{"topic", 0});
  CHECK(events.messages[0].value ==
        R"({"id":0,"database":"test","table":"t1","pkNames":["id"],"isDdl":false,"type":"UPDATE",)"
        R"("es":1548041454676,"ts":)" +
            std::to_string(events.clock.unix_ms()) +
            R"(,"sql":"","sqlType":{"id":4,"name":12},"mysqlType":{"id":"int","name":"varchar"},)"
            R"("old":[{"id":"1","name":"a"}],"data":[{"id":"1","name":null}],)"
            R"("_tidb":{"commitTs":405809779094585347}})");
}

TEST_CASE("canal-json: DDL and watermarks carry the fields that consumers look at") {
  Events events;
  KafkaOptions options = options_of(KafkaProtocol::kCanalJson);
  options.tidb_extension = true;
  options.watermark_interval_ms = 1000;
  events.write(options, TxnBuilder(kTs).ddl("test", "t1", "alter table t1 add index (a)").build());
  REQUIRE(events.messages.size() == 2);
  CHECK_THAT(events.messages[0].value,
             Catch::Contains(R"("isDdl":true,"type":"CINDEX")") &&
                 Catch::Contains(R"x("sql":"alter table t1 add index (a)","sqlType":null)x"));
  CHECK_THAT(events.messages[1].value,
             Catch::Contains(R"("type":"TIDB_WATERMARK")") &&
                 Catch::EndsWith(R"("_tidb":{"watermarkTs":405809779094585347}})"));
}

TEST_CASE("canal-json: unsigned numbers get the next larger Java type, bytes are Latin-1") {
  std::vector<tidb::ColumnInfo> columns = {
      fakes::column(1, "u", ColumnType::kLongLong, tidb::kFlagUnsigned),
      fakes::column(2, "b", ColumnType::kBlob)};
  columns[1].type.charset = "binary";
  Events events;
  events.write(options_of(KafkaProtocol::kCanalJson),
               TxnBuilder(kTs)
                   .on(fakes::table_version("test", fakes::table(1, "t", columns, false)))
                   .insert({Value::of_uint(UINT64_MAX),
                            Value::of_bytes("\x01\xff<", tidb::ValueKind::kBinary)})
                   .build());
  REQUIRE(events.messages.size() == 1);
  CHECK_THAT(events.messages[0].value,
             Catch::Contains(R"("pkNames":[])") &&
                 Catch::Contains(R"("sqlType":{"u":3,"b":2004})") &&
                 Catch::Contains(R"("mysqlType":{"u":"bigint unsigned","b":"blob"})") &&
                 Catch::Contains("\"data\":[{\"u\":\"18446744073709551615\",\"b\":\"\\u0001\xc3\xbf"
                                 "\\u003c\"}]"));
}

TEST_CASE("events: an update that changes the key is a delete and an insert") {
  Events events;
  events.write(options_of(KafkaProtocol::kCanalJson),
               TxnBuilder(kTs)
                   .on(fakes::example_table())
                   .update({Value::of_int(1), fakes::text("a")}, {Value::of_int(2), Value::null()})
                   .build());
  REQUIRE(events.messages.size() == 2);
  CHECK_THAT(events.messages[0].value, Catch::Contains(R"("type":"DELETE")") &&
                                           Catch::Contains(R"("data":[{"id":"1","name":"a"}])"));
  CHECK_THAT(events.messages[1].value, Catch::Contains(R"("type":"INSERT")") &&
                                           Catch::Contains(R"("data":[{"id":"2","name":null}])"));
}

TEST_CASE("events: an update that changes any column of a unique key is a delete and an insert") {
  // t(id primary key, u, n, m: unique; v, w: unique together; p: key).
  const auto integer = [](int64_t id, const char* name) {
    return fakes::column(id, name, ColumnType::kLong);
  };
  tidb::ColumnInfo id = integer(1, "id");
  id.type.flags = tidb::kFlagPrimaryKey | tidb::kFlagNotNull;
  tidb::TableInfo info =
      *fakes::table(1, "t",
                    {id, integer(2, "u"), fakes::column(3, "n", ColumnType::kVarchar),
                     fakes::column(4, "m", ColumnType::kVarchar), integer(5, "v"), integer(6, "w"),
                     integer(7, "p"), integer(8, "plain")},
                    /*pk_is_handle=*/true);
  const auto add_index = [&](bool is_unique, tidb::SchemaState state,
                             std::vector<tidb::IndexColumn> columns) {
    info.indices.push_back(
        {.name = "i", .is_unique = is_unique, .state = state, .columns = std::move(columns)});
  };
  add_index(true, tidb::SchemaState::kPublic, {{"u", 1}});
  add_index(true, tidb::SchemaState::kPublic, {{"n", 2}});
  // As TiCDC does: of the whole value, whatever the length of the prefix.
  add_index(true, tidb::SchemaState::kWriteOnly, {{"m", 3, 1}});
  add_index(true, tidb::SchemaState::kPublic, {{"v", 4}, {"w", 5}});
  add_index(false, tidb::SchemaState::kPublic, {{"p", 6}});

  const std::vector<Value> row = {Value::of_int(1),  Value::of_int(1), Value::null(),
                                  fakes::text("ab"), Value::null(),    Value::of_int(1),
                                  Value::of_int(1),  Value::of_int(1)};
  struct Case {
    size_t column;
    Value value;
    bool is_split;
  };
  const auto [column, value, is_split] = GENERATE(values<Case>({
      {0, Value::of_int(2), true},
      {1, Value::of_int(2), true},
      {1, Value::null(), true},
      {2, fakes::text(""), true},
      {2, Value::null(), false},
      {3, fakes::text("ac"), true},
      {4, Value::of_int(0), true},
      {5, Value::of_int(2), true},
      {6, Value::of_int(2), false},
      {7, Value::null(), false},
  }));
  INFO(column);
  std::vector<Value> changed = row;
  changed[column] = value;
  Events events;
  events.write(options_of(KafkaProtocol::kCanalJson),
               TxnBuilder(kTs)
                   .on(fakes::table_version("test", std::make_shared<const tidb::TableInfo>(info)))
                   .update(row, changed)
                   .build());
  REQUIRE(events.messages.size() == (is_split ? 2 : 1));
  CHECK_THAT(events.messages[0].value,
             Catch::Contains(is_split ? R"("type":"DELETE")" : R"("type":"UPDATE")"));
  CHECK_THAT(events.messages.back().value,
             Catch::Contains(is_split ? R"("type":"INSERT")" : R"("type":"UPDATE")"));
}

TEST_CASE("events: a stored generated column without value is NULL where rows carry it") {
  struct Case {
    RowKind kind;
    int64_t new_id;
    std::vector<std::string> images;
  };
  // TiDB leaves a NULL out of a row; updates carry no generated column, so their halves neither.
  const auto [kind, new_id, images] = GENERATE(values<Case>({
      {RowKind::kInsert, 1, {R"("data":[{"id":"1","g":null}])"}},
      {RowKind::kDelete, 1, {R"("data":[{"id":"1","g":null}])"}},
      {RowKind::kUpdate, 1, {R"("old":[{"id":"1"}],"data":[{"id":"1"}])"}},
      {RowKind::kUpdate, 2, {R"("data":[{"id":"1"}])", R"("data":[{"id":"2"}])"}},
  }));
  TxnBuilder builder(kTs);
  builder.on(generated_table());
  if (kind == RowKind::kInsert) builder.insert({Value::of_int(1), Value()});
  if (kind == RowKind::kDelete) builder.remove({Value::of_int(1), Value()});
  if (kind == RowKind::kUpdate) {
    builder.update({Value::of_int(1), Value()}, {Value::of_int(new_id), Value()});
  }
  Events events;
  events.write(options_of(KafkaProtocol::kCanalJson), builder.build());
  REQUIRE(events.messages.size() == images.size());
  for (size_t i = 0; i < images.size(); ++i) {
    CHECK_THAT(events.messages[i].value, Catch::Contains(images[i]));
  }
}

TEST_CASE("events: halves of updates share no message with rows that have generated columns") {
  KafkaOptions options = options_of(KafkaProtocol::kCanalJson);
  options.rows_per_message = 10;
  Events events;
  events.write(options, TxnBuilder(kTs)
                            .on(generated_table())
                            .update({Value::of_int(1), Value()}, {Value::of_int(2), Value()})
                            .insert({Value::of_int(3), Value()})
                            .insert({Value::of_int(4), Value::of_int(5)})
                            .build());
  REQUIRE(events.messages.size() == 3);
  CHECK_THAT(events.messages[1].value, Catch::Contains(R"("sqlType":{"id":4},)") &&
                                           Catch::Contains(R"("data":[{"id":"2"}])"));
  CHECK_THAT(events.messages[2].value,
             Catch::Contains(R"("sqlType":{"id":4,"g":4},)") &&
                 Catch::Contains(R"("data":[{"id":"3","g":null},{"id":"4","g":"5"}])"));
}

TEST_CASE("events: a large transaction comes in messages of so many rows, between its markers") {
  TxnBuilder builder(kTs);
  builder.on(fakes::example_table());
  for (int64_t i = 0; i < 10; ++i) builder.insert({Value::of_int(i), Value::null()});
  KafkaOptions options = options_of(KafkaProtocol::kCanalJson);
  options.rows_per_message = 4;
  options.transaction_markers = true;
  Events events;
  events.write(options, builder.build());
  REQUIRE(events.messages.size() == 5);
  CHECK_THAT(events.messages[0].value, Catch::Contains("TRANSACTIONBEGIN"));
  CHECK_THAT(events.messages[3].value,
             Catch::Contains(R"("data":[{"id":"8","name":null},{"id":"9")"));
  CHECK_THAT(events.messages[4].value,
             Catch::Contains("TRANSACTIONEND") && Catch::Contains(R"("rows":10)"));
}

TEST_CASE("events: what a row lacks is there as a row's own value would be") {
  struct Case {
    ColumnType type;
    uint32_t flags;
    std::string text;
    std::string canal;
    std::string debezium;
  };
  const Case c = GENERATE(values<Case>({
      {ColumnType::kYear, 0, "0000", R"("0")", "0"},
      {ColumnType::kYear, 0, "99", R"("1999")", "1999"},
      {ColumnType::kLong, 0, "007", R"("7")", "7"},
      {ColumnType::kLongLong, tidb::kFlagUnsigned, "18446744073709551615",
       R"("18446744073709551615")", "-1"},
      {ColumnType::kDouble, 0, ".5", R"("0.5")", "0.5"},
      {ColumnType::kFloat, 0, "+1e3", R"("1000")", "1000"},
  }));
  INFO(c.text);
  const auto id =
      fakes::column(1, "id", ColumnType::kLong, tidb::kFlagPrimaryKey | tidb::kFlagNotNull);
  tidb::ColumnInfo added = fakes::column(2, "c", c.type, c.flags);
  added.origin_default = tidb::DefaultValue(c.text);
  const Txn txn = TxnBuilder(kTs)
                      .on(fakes::table_version("test", fakes::table(1, "t", {id, added}, true)))
                      .insert({Value::of_int(1), Value()})
                      .build();
  Events events;
  events.write(options_of(KafkaProtocol::kCanalJson), txn);
  events.write(options_of(KafkaProtocol::kDebezium), txn);
  REQUIRE(events.messages.size() == 2);
  CHECK_THAT(events.messages[0].value,
             Catch::Contains(R"("data":[{"id":"1","c":)" + c.canal + "}]"));
  CHECK_THAT(events.messages[1].value,
             Catch::Contains(R"("after":{"id":1,"c":)" + c.debezium + "}"));
  if (c.type == ColumnType::kLongLong) {
    CHECK_THAT(events.messages[0].value, Catch::Contains(R"("sqlType":{"id":4,"c":3})"));
  }
}

TEST_CASE("events: rows of different keys share no message") {
  const auto [key_by, messages] = GENERATE(table<KafkaSpread, size_t>({
      {KafkaSpread::kNone, 1},
      {KafkaSpread::kTable, 1},
      {KafkaSpread::kTransaction, 1},
      {KafkaSpread::kPrimaryKey, 3},
  }));
  KafkaOptions options = options_of(KafkaProtocol::kCanalJson);
  options.rows_per_message = 10;
  options.key_by = key_by;
  Events events;
  events.write(options, TxnBuilder(kTs)
                            .on(fakes::example_table())
                            .insert({Value::of_int(1), fakes::text("a")})
                            .insert({Value::of_int(1), fakes::text("b")})
                            .insert({Value::of_int(2), fakes::text("c")})
                            .insert({Value::of_int(1), fakes::text("d")})
                            .build());
  REQUIRE(events.messages.size() == messages);
  if (key_by != KafkaSpread::kPrimaryKey) return;
  CHECK(events.messages[0].key == R"({"id":"1"})");
  CHECK_THAT(events.messages[0].value,
             Catch::Contains(R"("data":[{"id":"1","name":"a"},{"id":"1","name":"b"}])"));
  CHECK(events.messages[1].key == R"({"id":"2"})");
  CHECK(events.messages[2].key == R"({"id":"1"})");
}

TEST_CASE("events: partitions are those that TiCDC chooses") {
  KafkaOptions options = options_of(KafkaProtocol::kCanalJson);
  const auto partition_of = [&](const std::shared_ptr<const schema::TableVersion>& table,
                                const std::vector<Value>& row) {
    Events events;
    events.write(options, TxnBuilder(kTs).on(table).insert(row).build(), 16);
    return events.messages.at(0).to.partition;
  };
  options.partition_by = KafkaSpread::kPrimaryKey;
  CHECK(partition_of(int_table("t1", {"a"}), {Value::of_int(11)}) == 2);
  CHECK(partition_of(int_table("t1", {"a"}), {Value::of_int(22)}) == 11);
  CHECK(partition_of(int_table("t2", {"a", "b"}), {Value::of_int(11), Value::of_int(22)}) == 5);
  CHECK(partition_of(int_table("t2", {"a", "b"}), {Value::of_int(11), Value::of_int(0)}) == 14);
  CHECK(partition_of(int_table("t2", {"a", "b"}), {Value::of_int(11), Value::of_int(33)}) == 2);
  options.partition_by = KafkaSpread::kTable;
  CHECK(partition_of(int_table("t1", {"a"}), {Value::of_int(11)}) == 15);
  options.partition_by = KafkaSpread::kTransaction;
  CHECK(partition_of(int_table("t1", {"a"}), {Value::of_int(11)}) == kTs % 16);
}

TEST_CASE("events: a key that a row lacks is its default") {
  tidb::ColumnInfo added = fakes::column(1, "u", ColumnType::kLong, tidb::kFlagNotNull);
  added.type.flags |= tidb::kFlagPrimaryKey;
  added.origin_default = tidb::DefaultValue(std::string("11"));
  KafkaOptions options = options_of(KafkaProtocol::kCanalJson);
  options.key_by = KafkaSpread::kPrimaryKey;
  options.partition_by = KafkaSpread::kPrimaryKey;
  const auto message = [&](const Value& value) {
    Events events;
    events.write(options,
                 TxnBuilder(kTs)
                     .on(fakes::table_version("d", fakes::table(1, "t", {added}, false)))
                     .insert({value})
                     .build(),
                 16);
    return events.messages.at(0);
  };
  CHECK(message(Value()).key == R"({"u":"11"})");
  CHECK(message(Value()).to == message(Value::of_int(11)).to);
}

TEST_CASE("events: topics and keys follow their options") {
  KafkaOptions options = options_of(KafkaProtocol::kCanalJson);
  options.topic_template = "p-{schema}.{table}";
  options.key_by = KafkaSpread::kPrimaryKey;
  Events events;
  events.write(options, example_update());
  CHECK(events.messages.at(0).to.topic == "p-test.t1");
  CHECK(events.messages.at(0).key == R"({"id":"1"})");
  // Behind the rows that the table has had.
  events.messages.clear();
  events.write(options, TxnBuilder(kTs).ddl("test", "b", "rename table a to b").build());
  CHECK(events.messages.at(0).to.topic == "p-test.a");
  CHECK(kafka::expand_topic("{schema}", {"a b/表", "t"}) == "a_b__");
  CHECK(kafka::expand_topic("{table}", {"s", ".."}) == "__");
}

TEST_CASE("kafka reader: what the writer wrote comes back") {
  const tidb::TimeZone zone;
  kafka::MessageWriter writer(zone);
  const Txn txn = example_update();
  ReverseWriter out;
  REQUIRE(writer.put(out, txn).ok());
  kafka::MessageReader reader(ZonePair{});
  const auto back = reader.read(std::make_shared<const Bytes>(out.view()));
  REQUIRE(back.ok());
  CHECK(back->commit_ts == txn.commit_ts);
  REQUIRE(back->rows.size() == 1);
  CHECK(back->rows[0].kind == RowKind::kUpdate);
  CHECK(back->table_of(back->rows[0]).name == schema::TableName{"test", "t1"});
  CHECK(back->new_values(back->rows[0])[0].i == 1);
  CHECK(back->new_values(back->rows[0])[1].is_null());
  CHECK(back->old_values(back->rows[0])[1].bytes() == "a");
  CHECK(kafka::find_commit_ts(out.view()) == txn.commit_ts);

  // Cut anywhere, it is an error or less of it, never more.
  for (size_t length = 0; length < out.size(); ++length) {
    const auto cut = reader.read(std::make_shared<const Bytes>(out.view().substr(0, length)));
    CHECK((!cut.ok() || cut->rows.size() <= 1));
  }
}

TEST_CASE("kafka reader: a message that names its time zone is in it") {
  std::vector<tidb::ColumnInfo> columns = {fakes::column(1, "t", ColumnType::kTimestamp)};
  const auto zone = tidb::TimeZone::load("+08:00");
  REQUIRE(zone.ok());
  kafka::MessageWriter writer(*zone);
  ReverseWriter out;
  out.put_bytes_field(0x2a, zone->name());
  const Txn txn = TxnBuilder(kTs)
                      .on(fakes::table_version("test", fakes::table(1, "t", columns, false)))
                      .insert({Value::of_bytes("2020-01-02 03:04:05", tidb::ValueKind::kText)})
                      .build();
  REQUIRE(writer.put(out, txn).ok());
  const auto back =
      kafka::MessageReader(ZonePair{}).read(std::make_shared<const Bytes>(out.view()));
  REQUIRE(back.ok());
  const Value value = back->new_values(back->rows.at(0))[0];
  CHECK(value.kind == tidb::ValueKind::kDatetime);
  CHECK(tidb::unpack_time(value.u).hour == 19);
  CHECK(tidb::unpack_time(value.u).day == 1);
}
