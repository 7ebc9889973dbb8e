#include "drainer/newer_jobs.h"

#include "tests/unit/app/job_world.h"

#include <catch2/catch.hpp>

using namespace drainer;
using drainer::testing::JobSpec;
using drainer::testing::JobWorld;
using tidb::DdlType;

namespace {

const NewerColumn kColumn{.schema = SchemaId(101), .table = TableId(50), .column = ColumnId(2)};

Bytes table_with_column(int state) {
  return fmt::format(
      R"({{"id":50,"name":{{"O":"t","L":"t"}},"cols":[{{"id":1,"name":"a","state":5,"type":{{"Tp":3}}}},)"
      R"({{"id":2,"name":"b","state":{},"type":{{"Tp":3}}}}]}})",
      state);
}

JobSpec change(int64_t id, DdlType type = DdlType::kMultiSchemaChange) {
  return {.id = id,
          .type = type,
          .version = 9,
          .schema_id = 101,
          .table_id = 50,
          .table = {{.id = 50, .name = "t", .columns = 2}}};
}

struct World : JobWorld {
  NewerJobs newer{meta, clock};
  std::vector<DdlJobId> known;

  Result<std::vector<std::shared_ptr<const tidb::DdlJob>>> find() {
    return newer.find(kColumn, known, {});
  }
};

}  // namespace

TEST_CASE("newer jobs: a column that is not public yet needs nothing") {
  for (const int state : {1, 2, 3}) {
    World world;
    world.set_table(101, 50, table_with_column(state));
    CHECK(world.find().value().empty());
    CHECK(world.clock.slept().empty());
  }
  World gone;
  CHECK(gone.find().value().empty());
}

TEST_CASE("newer jobs: finds a finished change, even one with a small id, and not known ones") {
  World world;
  world.set_table(101, 50, table_with_column(5));
  world.add(change(53));
  world.add(change(58));
  world.add({.id = 59, .type = DdlType::kAddColumn, .version = 9, .table_id = 51});
  world.known = {DdlJobId(58), DdlJobId(59)};
  const auto found = world.find().value();
  REQUIRE(found.size() == 1);
  CHECK(found[0]->id == DdlJobId(53));
}

TEST_CASE("newer jobs: waits without limit for a change whose columns are public already") {
  World world;
  world.set_table(101, 50, table_with_column(5));
  // One that has finished is not the one that the row needs.
  JobSpec other = change(52);
  other.table[0].columns = 1;
  world.add(other);
  Duration waited{};
  world.clock.on_sleep([&] {
    waited = waited + world.clock.slept().back();
    if (waited > std::chrono::hours(2)) world.add(change(53));
  });
  CHECK(world.find().value().size() == 2);
  CHECK(world.clock.slept().front() == std::chrono::milliseconds(100));
  CHECK(world.clock.slept().back() == std::chrono::seconds(5));
}

TEST_CASE("newer jobs: does not wait for a known job that the schema has lost") {
  World world;
  world.set_table(101, 50, table_with_column(5));
  world.add(change(53, DdlType::kAddColumn));
  world.known = {DdlJobId(53)};
  const auto found = world.find();
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().code() == ErrorCode::kConflict);
  CHECK(found.error().text() ==
        "rows have column id 2 of table 50 as DDL job 53 has left it, but the schema does not: the "
        "job did not fit it; start with `load-schema-snapshot = true`");
}

TEST_CASE("newer jobs: a change of another kind explains the column, its binlog comes by itself") {
  World world;
  world.set_table(101, 50, table_with_column(5));
  world.add(change(53, DdlType::kAddColumn));
  CHECK(world.find().value().empty());
}

TEST_CASE("newer jobs: a job that does not have the column yet explains nothing") {
  World world;
  world.set_table(101, 50, table_with_column(5));
  JobSpec before = change(52, DdlType::kUpdateTiFlashReplicaStatus);
  before.table[0].columns = 1;
  world.add(before);
  world.clock.on_sleep([&] { world.add(change(53)); });
  CHECK(world.find().value().size() == 1);
}

TEST_CASE("newer jobs: a wider type is looked for where the column has another by now") {
  struct Case {
    const char* same;
    const char* wider;
  };
  for (const Case& c :
       {Case{R"("Tp":247,"Elems":["a","b"])", R"("Tp":247,"Elems":["a","b","c"])"},
        Case{R"("Tp":248,"Elems":["a","b"])", R"("Tp":248,"Elems":["a","b","c"])"},
        Case{R"("Tp":15,"Flen":5)", R"("Tp":15,"Flen":20)"},
        Case{R"("Tp":3,"Flen":11)", R"("Tp":8,"Flen":20)"},
        Case{R"("Tp":12,"Flen":19,"Decimal":0)", R"("Tp":12,"Flen":23,"Decimal":3)"}}) {
    INFO(c.same);
    const auto table = [](const char* type) {
      return fmt::format(
          R"({{"id":50,"name":"t","cols":[{{"id":2,"name":"b","state":5,"type":{{{}}}}}]}})", type);
    };
    World world;
    NewerColumn column = kColumn;
    column.type = tidb::parse_table_info(table(c.same)).value().columns[0].type;
    world.add(change(53));
    world.set_table(101, 50, table(c.same));
    CHECK(world.newer.find(column, {}, {}).value().empty());
    world.set_table(101, 50, table(c.wider));
    CHECK(world.newer.find(column, {}, {}).value().size() == 1);
    CHECK(world.clock.slept().empty());
  }
}

TEST_CASE("newer jobs: waiting ends on stop") {
  World world;
  world.set_table(101, 50, table_with_column(5));
  StopSource stop;
  world.clock.on_sleep([&] { stop.request_stop(); });
  CHECK(world.newer.find(kColumn, {}, stop.get_token()).error().code() == ErrorCode::kStopped);
}
