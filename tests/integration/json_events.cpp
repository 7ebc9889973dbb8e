#include "tests/integration/json_events.h"

#include "drainer/tidb/json_reader.h"
#include "syncer/kafka/ddl_event.h"
#include "syncer/kafka/message_reader.h"

#include <catch2/catch.hpp>

#include <optional>

namespace drainer::integration {

namespace {

struct Event {
  std::string schema;
  std::string table;
  std::optional<RowKind> kind;
  std::optional<std::string> ddl;
  int64_t commit_ts = 0;
};

void read_canal_type(const std::string& type, Event& event) {
  if (type == "INSERT") event.kind = RowKind::kInsert;
  if (type == "UPDATE") event.kind = RowKind::kUpdate;
  if (type == "DELETE") event.kind = RowKind::kDelete;
}

void read_debezium_source(tidb::JsonReader& json, Event& event) {
  json.read_object([&](std::string_view key) {
    if (key == "db") {
      event.schema = json.read_string();
    } else if (key == "table") {
      event.table = json.read_string();
    } else if (key == "commit_ts") {
      event.commit_ts = json.read_int64();
    } else {
      json.skip();
    }
  });
}

void read_debezium_payload(tidb::JsonReader& json, Event& event) {
  json.read_object([&](std::string_view key) {
    if (key == "source") {
      read_debezium_source(json, event);
    } else if (key == "ddl") {
      event.ddl = json.read_string();
    } else if (key == "op") {
      const std::string op = json.read_string();
      if (op == "c") event.kind = RowKind::kInsert;
      if (op == "u") event.kind = RowKind::kUpdate;
      if (op == "d") event.kind = RowKind::kDelete;
    } else {
      json.skip();
    }
  });
}

Event read_event(const Bytes& message) {
  tidb::JsonReader json(message, "event");
  Event event;
  bool is_ddl = false;
  std::string sql;
  json.read_object([&](std::string_view key) {
    if (key == "payload") {
      read_debezium_payload(json, event);
    } else if (key == "database") {
      event.schema = json.read_string();
    } else if (key == "table") {
      event.table = json.read_string();
    } else if (key == "type") {
      read_canal_type(json.read_string(), event);
    } else if (key == "isDdl") {
      is_ddl = json.read_bool();
    } else if (key == "sql") {
      sql = json.read_string();
    } else if (key == "_tidb") {
      json.read_object([&](std::string_view) { event.commit_ts = json.read_int64(); });
    } else {
      json.skip();
    }
  });
  const Result<void> done = json.finish();
  INFO(message);
  if (!done.ok()) FAIL(done.error().to_string());
  if (is_ddl) event.ddl = sql;
  return event;
}

}  // namespace

Changes changes_in(const ExpectedMessages& messages) {
  kafka::MessageReader reader({.written = tidb::TimeZone(), .wanted = tidb::TimeZone()});
  Changes out;
  for (const ByteView message : messages.messages) {
    const Result<Txn> txn = reader.read(std::make_shared<const Bytes>(message));
    REQUIRE(txn.ok());
    if (txn->is_empty()) continue;
    if (txn->ddl) {
      for (kafka::DdlEvent& event : kafka::ddl_events(*txn)) {
        out[txn->commit_ts].ddls.insert(std::move(event.text));
      }
      continue;
    }
    ChangesAt& changes = out[txn->commit_ts];
    for (const RowChange& row : txn->rows) {
      const schema::TableName& name = txn->table_of(row).name;
      ++changes.rows[name.schema + "." + name.table][static_cast<size_t>(row.kind)];
    }
  }
  return out;
}

Changes changes_in_json(const std::vector<Bytes>& messages) {
  Changes out;
  int64_t last = 0;
  for (const Bytes& message : messages) {
    const Event event = read_event(message);
    INFO(message);
    REQUIRE(event.commit_ts >= last);
    last = event.commit_ts;
    if (!event.kind && !event.ddl) continue;
    ChangesAt& changes = out[CommitTs(event.commit_ts)];
    if (event.ddl) {
      changes.ddls.insert(*event.ddl);
    } else {
      ++changes.rows[event.schema + "." + event.table][static_cast<size_t>(*event.kind)];
    }
  }
  return out;
}

void check_changes(const Changes& expected, const Changes& actual) {
  REQUIRE_FALSE(expected.empty());
  REQUIRE(actual.size() == expected.size());
  for (const auto& [ts, wanted] : expected) {
    INFO("commit ts " << ts.value);
    REQUIRE(actual.contains(ts));
    const ChangesAt& got = actual.at(ts);
    REQUIRE(got.ddls == wanted.ddls);
    REQUIRE(got.rows.size() == wanted.rows.size());
    for (const auto& [table, counts] : wanted.rows) {
      INFO(table);
      REQUIRE(got.rows.contains(table));
      const auto [inserts, updates, deletes] = got.rows.at(table);
      const int split = counts[1] - updates;
      CHECK(split >= 0);
      CHECK(inserts - counts[0] == split);
      CHECK(deletes - counts[2] == split);
    }
  }
}

}  // namespace drainer::integration
