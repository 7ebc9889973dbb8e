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

TEST_CASE("newer column: a change goes first as soon as its column is public, not earlier") {
  const auto change = multi_change();
  change->told_public_since = SchemaVersion(8);  // version 9 ends the drop of another column
  World world;
  SECTION("found for the row") {
    world.found = {change};
  }
  SECTION("in the history already") {
    world.schema.add_pending(change);
  }
  std::vector<tidb::BinlogItem> input =
      items({row(100, 7), row(101, 7), row(102, 8), row(103, 9), fakes::ddl_payload(200, 7, "…")});
  input[4].set_ddl_job(change);
  REQUIRE(world.run(std::move(input)).ok());
  const std::vector<Txn>& txns = world.sink.txns();
  REQUIRE(txns.size() == 6);
  CHECK(txns[0].new_values(txns[0].rows[0]).size() == 1);
  CHECK(txns[1].new_values(txns[1].rows[0]).size() == 1);
  REQUIRE(txns[2].is_ddl());
  CHECK(txns[2].commit_ts == CommitTs(101));
  for (const size_t i : {3, 4}) CHECK(txns[i].new_values(txns[i].rows[0])[1].i == 5);
  CHECK(txns[5].is_empty());
  // A job that waits is not asked for.
  CHECK(world.asked.size() <= 1);
}

TEST_CASE("newer column: a job that is pending explains the row, and nobody is asked") {
  World world;
  auto add_column = multi_change();
  add_column->type = DdlType::kAddColumn;
  world.schema.add_pending(add_column);
  REQUIRE(world.run(items({row(100, 8), row(101, 9)})).ok());
  CHECK(world.asked.empty());
  const std::vector<Txn>& txns = world.sink.txns();
  REQUIRE(txns.size() == 2);
  CHECK(txns[0].new_values(txns[0].rows[0]).size() == 1);
  CHECK(txns[1].new_values(txns[1].rows[0])[1].i == 5);
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

namespace {

// Of a column of table t before and after the change, with a value that only fits then.
struct Widening {
  const char* what;
  tidb::FieldType before;
  tidb::FieldType after;
  const char* value;  ///< the datum of the row
};

tidb::FieldType type_of(ColumnType type, int64_t flen, std::vector<std::string> elems = {},
                        int16_t decimal = -1) {
  tidb::FieldType out;
  out.type = type;
  out.flen = flen;
  out.elems = std::move(elems);
  out.decimal = decimal;
  out.charset = type == ColumnType::kVarchar ? "utf8mb4" : "binary";
  return out;
}

std::vector<Widening> widenings() {
  return {
      {"enum", type_of(ColumnType::kEnum, 1, {"a", "b", "c", "d"}),
       type_of(ColumnType::kEnum, 1, {"a", "b", "c", "d", "e"}), "0905"},
      {"set", type_of(ColumnType::kSet, 1, {"a", "b"}),
       type_of(ColumnType::kSet, 1, {"a", "b", "c"}), "0905"},
      {"varchar", type_of(ColumnType::kVarchar, 2), type_of(ColumnType::kVarchar, 20),
       "0206616263"},
      {"int", type_of(ColumnType::kTiny, 4), type_of(ColumnType::kShort, 6), "08ac02"},
      {"datetime", type_of(ColumnType::kDatetime, 19, {}, 0),
       type_of(ColumnType::kDatetime, 23, {}, 3), "09f8c087a89086d1d219"},
  };
}

std::shared_ptr<const tidb::TableInfo> table_with(const tidb::FieldType& type) {
  tidb::ColumnInfo column = fakes::column(2, "e", type.type);
  column.type = type;
  return fakes::table(
      42, "t",
      {fakes::column(1, "id", ColumnType::kLong, tidb::kFlagPrimaryKey | tidb::kFlagNotNull),
       column},
      /*pk_is_handle=*/true);
}

Bytes wide_row(int64_t commit_ts, int64_t version, const Widening& w) {
  return row(commit_ts, version, (std::string("0802 0804 ") + w.value).c_str());
}

void set_up(World& world, const Widening& w) {
  world.schema = schema::Schema();
  world.schema.add_pending(fakes::create_database(1, 5, 2, "shop"));
  world.schema.add_pending(fakes::table_job(2, DdlType::kCreateTable, 6, 2, table_with(w.before)));
}

}  // namespace

TEST_CASE("newer column: a value that a change has made room for comes behind the change") {
  const bool is_pending = GENERATE(false, true);
  for (const Widening& w : widenings()) {
    INFO(w.what);
    World world;
    set_up(world, w);
    const auto change = multi_change();
    change->table_info = table_with(w.after);
    // The value says more than the job's version, but for the invalid value of an ENUM.
    const bool is_enum = w.before.type == ColumnType::kEnum;
    if (is_pending) {
      world.schema.add_pending(change);
    } else {
      world.found = {change};
    }
    REQUIRE(world.run(items({wide_row(100, is_enum ? 9 : 8, w)})).ok());
    REQUIRE(world.asked.size() == (is_pending ? 0 : 1));
    if (!is_pending) {
      CHECK(world.asked[0].column == ColumnId(2));
      CHECK(world.asked[0].type->type == w.before.type);
    }
    const std::vector<Txn>& txns = world.sink.txns();
    REQUIRE(txns.size() == 2);
    REQUIRE(txns[0].is_ddl());
    REQUIRE(txns[1].rows.size() == 1);
    CHECK(txns[1].tables[0]->info == change->table_info);
  }
}

TEST_CASE("newer column: an odd value without a change is passed on, a SET's unknown bit refused") {
  for (const Widening& w : widenings()) {
    INFO(w.what);
    const bool is_set = w.before.type == ColumnType::kSet;
    World world;
    set_up(world, w);
    const Result<void> done = world.run(items({wide_row(100, 9, w), wide_row(101, 9, w)}));
    CHECK(done.ok() == !is_set);
    CHECK(world.asked.size() == 1);
    if (is_set) {
      CHECK_THAT(done.error().to_string(),
                 Catch::EndsWith("row offset 4: invalid number 4 for Set [a b]"));
    }
    // Whoever wrote with the version of the table's description knew no other.
    World same;
    set_up(same, w);
    CHECK(same.run(items({wide_row(100, 6, w)})).ok() == !is_set);
    CHECK(same.asked.size() == (is_set ? 1 : 0));
  }
}
