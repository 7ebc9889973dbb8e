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
  world.add(change(3));
  world.add(change(8));
  world.add({.id = 9, .type = DdlType::kAddColumn, .version = 9, .table_id = 51});
  world.known = {DdlJobId(8), DdlJobId(9)};
  const auto found = world.find().value();
  REQUIRE(found.size() == 1);
  CHECK(found[0]->id == DdlJobId(3));
}

TEST_CASE("newer jobs: waits for a change whose columns are public already") {
  World world;
  world.set_table(101, 50, table_with_column(5));
  world.clock.on_sleep([&] {
    if (world.clock.slept().size() == 100) world.add(change(3));
  });
  CHECK(world.find().value().size() == 1);
  CHECK(world.clock.slept().size() == 100);
}

TEST_CASE("newer jobs: a change of another kind explains the column, its binlog comes by itself") {
  World world;
  world.set_table(101, 50, table_with_column(5));
  world.add(change(3, DdlType::kAddColumn));
  CHECK(world.find().value().empty());
}

TEST_CASE("newer jobs: a job that does not have the column yet explains nothing") {
  World world;
  world.set_table(101, 50, table_with_column(5));
  JobSpec before = change(2, DdlType::kUpdateTiFlashReplicaStatus);
  before.table[0].columns = 1;
  world.add(before);
  world.clock.on_sleep([&] { world.add(change(3)); });
  CHECK(world.find().value().size() == 1);
}

TEST_CASE("newer jobs: a member of an ENUM is looked for where the column has more by now") {
  const auto table = [](const std::string& members) {
    return fmt::format(R"({{"id":50,"name":"t","cols":[{{"id":2,"name":"b","state":5,)"
                       R"("type":{{"Tp":247,"Elems":[{}]}}}}]}})",
                       members);
  };
  World world;
  const NewerColumn column{SchemaId(101), TableId(50), ColumnId(2), /*members=*/3};
  world.add(change(3));
  world.set_table(101, 50, table(R"("a","b")"));
  CHECK(world.newer.find(column, {}, {}).value().empty());
  world.set_table(101, 50, table(R"("a","b","c")"));
  CHECK(world.newer.find(column, {}, {}).value().size() == 1);
}

TEST_CASE("newer jobs: waits ten minutes, then says what to look for; ends on stop") {
  World world;
  world.set_table(101, 50, table_with_column(5));
  const auto found = world.find();
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().to_string() ==
        "rows have column id 2 of table 50, which is public by now, but no DDL job that made it so "
        "has finished within 600 s; look at ADMIN SHOW DDL JOBS upstream and start again when it "
        "has");
  StopSource stop;
  world.clock.on_sleep([&] { stop.request_stop(); });
  CHECK(world.newer.find(kColumn, {}, stop.get_token()).error().code() == ErrorCode::kStopped);
}
