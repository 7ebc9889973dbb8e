// Rows of a multi-schema change that come before its binlog (spec/schema-and-ddl.md 3.4).

#include "syncer/syncer.h"
#include "tests/fakes/binlogs.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_sink.h"
#include "tests/fakes/schemas.h"

#include <catch2/catch.hpp>

using namespace drainer;
using tidb::ColumnType;
using tidb::DdlType;

namespace {

std::shared_ptr<const tidb::TableInfo> table_t(bool has_b, bool pk_is_handle = true) {
  std::vector<tidb::ColumnInfo> columns = {
      fakes::column(1, "id", ColumnType::kLong, tidb::kFlagPrimaryKey | tidb::kFlagNotNull)};
  if (has_b) columns.push_back(fakes::column(2, "b", ColumnType::kLong));
  return fakes::table(42, "t", std::move(columns), pk_is_handle);
}

std::shared_ptr<tidb::DdlJob> multi_change() {
  auto job = fakes::job(7, DdlType::kMultiSchemaChange, 9, 2);
  job->table_id = TableId(42);
  job->table_info = table_t(true);
  job->query = "alter table t add column b int, add index i (b)";
  job->finished_ts = 500;
  return job;
}

constexpr const char* kHandleAndB = "0802 0804 080a";
constexpr const char* kAllColumns = "0802 0802 0802 0804 080a";

// Inserts (id, 2: 5) with this schema version.
Bytes row(int64_t commit_ts, int64_t version, const char* hex = kHandleAndB) {
  binlog::PrewriteValue value;
  value.set_schema_version(version);
  binlog::TableMutation& mutation = *value.add_mutations();
  mutation.set_table_id(42);
  mutation.add_inserted_rows(from_hex(hex));
  mutation.add_sequence(binlog::Insert);
  return fakes::dml_payload(commit_ts, value.SerializeAsString());
}

struct World {
  schema::Schema schema;
  fakes::FakeSink sink;
  fakes::FakeClock clock;
  SyncerRules rules;
  std::vector<NewerColumn> asked;
  std::vector<std::shared_ptr<const tidb::DdlJob>> found;

  explicit World(bool pk_is_handle = true) {
    schema.add_pending(fakes::create_database(1, 5, 2, "shop"));
    schema.add_pending(
        fakes::table_job(2, DdlType::kCreateTable, 6, 2, table_t(false, pk_is_handle)));
  }
  Result<void> run(std::vector<tidb::BinlogItem> items, CommitTs start = CommitTs(10)) {
    BoundedQueue<tidb::BinlogItem> queue({.items = 100, .bytes = 1 << 20});
    for (tidb::BinlogItem& item : items) REQUIRE(queue.push(std::move(item), 1, StopToken()));
    queue.close();
    Syncer syncer(queue, schema, rules, sink, start, clock);
    syncer.set_find_newer_jobs(
        [this](const NewerColumn& column, const std::vector<DdlJobId>&,
               const StopToken&) -> Result<std::vector<std::shared_ptr<const tidb::DdlJob>>> {
          asked.push_back(column);
          return found;
        });
    return syncer.run(StopToken());
  }
};

std::vector<tidb::BinlogItem> items(std::vector<Bytes> payloads) {
  std::vector<tidb::BinlogItem> out;
  for (Bytes& payload : payloads) out.push_back(fakes::item(std::move(payload)));
  return out;
}

}  // namespace

TEST_CASE("newer column: the change goes first, its own binlog is not executed again") {
  // The row has the new column behind all that the table knows, or its key as handle only.
  const bool pk_is_handle = GENERATE(true, false);
  World world(pk_is_handle);
  world.found = {multi_change()};
  std::vector<tidb::BinlogItem> input =
      items({row(100, 9, pk_is_handle ? kHandleAndB : kAllColumns),
             fakes::ddl_payload(200, 7, "ALTER …")});
  input[1].set_ddl_job(multi_change());
  REQUIRE(world.run(std::move(input)).ok());
  const std::vector<Txn>& txns = world.sink.txns();
  REQUIRE(txns.size() == 3);
  CHECK(txns[0].commit_ts == CommitTs(99));
  REQUIRE(txns[0].is_ddl());
  CHECK(txns[0].ddl->text == "alter table t add column b int, add index i (b)");
  REQUIRE(txns[1].rows.size() == 1);
  const std::span<const tidb::Value> values = txns[1].new_values(txns[1].rows[0]);
  REQUIRE(values.size() == 2);
  CHECK(values[1].i == 5);
  CHECK(txns[2].is_empty());
}

TEST_CASE("newer column: a change with a later version leaves the row as it is") {
  World world;
  world.found = {multi_change()};
  REQUIRE(world.run(items({row(100, 8)})).ok());
  REQUIRE(world.sink.txns().size() == 1);
  CHECK(world.sink.txns()[0].new_values(world.sink.txns()[0].rows[0]).size() == 1);
}

TEST_CASE("newer column: a table is looked into once per schema version") {
  World world;
  REQUIRE(world.run(items({row(100, 7), row(101, 7), row(102, 6), row(103, 8)})).ok());
  REQUIRE(world.asked.size() == 2);
  CHECK(world.asked[0].schema == SchemaId(2));
  CHECK(world.asked[0].table == TableId(42));
  CHECK(world.asked[0].column == ColumnId(2));
}

TEST_CASE(
    "newer column: a change that waits goes before rows and DDL that have passed its version") {
  World world;
  world.schema.add_pending(multi_change());
  const auto drop = fakes::job(8, DdlType::kDropSchema, 12, 2);
  std::vector<tidb::BinlogItem> input;
  SECTION("rows of its version") {
    input = items({row(100, 9)});
  }
  SECTION("older rows, when the schema has its version") {
    auto snapshot = tidb::SchemaSnapshot();
    world.schema = schema::Schema();
    snapshot.databases.push_back({{.id = SchemaId(2), .name = "shop"}, {table_t(true)}});
    REQUIRE(world.schema.load(snapshot, SchemaVersion(9)).ok());
    world.schema.add_pending(multi_change());
    input = items({row(100, 8)});
  }
  SECTION("a later job") {
    input = items({fakes::ddl_payload(100, 8, "DROP DATABASE shop")});
    input[0].set_ddl_job(drop);
  }
  REQUIRE(world.run(std::move(input)).ok());
  const std::vector<Txn>& txns = world.sink.txns();
  REQUIRE(txns.size() == 2);
  CHECK(txns[0].commit_ts == CommitTs(99));
  REQUIRE(txns[0].is_ddl());
  CHECK(txns[0].ddl->job_id == DdlJobId(7));
  CHECK(txns[1].commit_ts == CommitTs(100));
}

TEST_CASE("newer column: a change that goes first needs no commit ts of its own") {
  World world;
  world.schema.add_pending(multi_change());
  SECTION("the one before is another's") {
    REQUIRE(world.run(items({row(99, 8), row(100, 9)})).ok());
    REQUIRE(world.sink.txns().size() == 3);
    CHECK(world.sink.txns()[1].commit_ts == CommitTs(99));
  }
  SECTION("an earlier run has executed it") {
    REQUIRE(world.run(items({row(100, 9)}), CommitTs(99)).ok());
    REQUIRE(world.sink.txns().size() == 2);
  }
  const Txn& change = world.sink.txns()[world.sink.txns().size() - 2];
  REQUIRE(change.is_ddl());
  CHECK_FALSE(change.is_progress());
  CHECK(world.sink.txns().back().is_progress());
}

TEST_CASE("newer column: a change to be left out is not executed first either") {
  World world;
  world.schema.add_pending(multi_change());
  world.rules.ignored_commit_ts = {99};
  REQUIRE(world.run(items({row(100, 9)})).ok());
  REQUIRE(world.sink.txns().size() == 1);
  CHECK(world.sink.txns()[0].new_values(world.sink.txns()[0].rows[0]).size() == 2);
}

TEST_CASE("newer column: an ENUM that the change has widened gets its new member") {
  const auto table = [](std::vector<std::string> members) {
    tidb::ColumnInfo e = fakes::column(2, "e", ColumnType::kEnum);
    e.type.elems = std::move(members);
    return fakes::table(
        42, "t",
        {fakes::column(1, "id", ColumnType::kLong, tidb::kFlagPrimaryKey | tidb::kFlagNotNull), e},
        /*pk_is_handle=*/true);
  };
  World world;
  world.schema = schema::Schema();
  world.schema.add_pending(fakes::create_database(1, 5, 2, "shop"));
  world.schema.add_pending(
      fakes::table_job(2, DdlType::kCreateTable, 6, 2, table({"a", "b", "c", "d"})));
  const auto change = multi_change();
  change->table_info = table({"a", "b", "c", "d", "e"});
  world.found = {change};
  // With the version of the table's own description it is the invalid value.
  REQUIRE(world.run(items({row(90, 6), row(100, 9)})).ok());
  REQUIRE(world.asked.size() == 1);
  CHECK(world.asked[0].column == ColumnId(2));
  CHECK(world.asked[0].members == 5);
  const std::vector<Txn>& txns = world.sink.txns();
  REQUIRE(txns.size() == 3);
  CHECK(txns[0].new_values(txns[0].rows[0])[1].u == 0);
  REQUIRE(txns[1].is_ddl());
  CHECK(txns[2].new_values(txns[2].rows[0])[1].u == 5);
}
