// What the original makes of a RENAME TABLE of several, and of FLASHBACK TABLE after a TRUNCATE
// (spec/schema-and-ddl.md 2.5, 2.6), as its messages show it.

#include <string>
#include <vector>

#include "drainer/schema/schema.h"
#include "tests/unit/schema/world.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::schema;
using drainer::testing::JobSpec;
using drainer::testing::World;
using tidb::DdlType;

namespace {

// t (10) becomes A.x1, v (12) moves from B to A.x2.
const JobSpec kRenames{.type = DdlType::kRenameTables,
                       .schema_id = 101,
                       .table_id = 12,
                       .query = "RENAME TABLE t TO x1, `b`.v TO x2",
                       .table = {{.id = 12, .name = "x2"}},
                       .tables = {{.id = 10, .name = "x1"}, {.id = 12, .name = "x2"}}};

JobSpec drop(int64_t id) {
  return {.type = DdlType::kDropTable, .schema_id = 101, .table_id = id};
}

JobSpec add_column(int64_t id, const std::string& name) {
  return {.type = DdlType::kAddColumn,
          .schema_id = 101,
          .table_id = id,
          .table = {{.id = id, .name = name, .columns = 2}}};
}

// As the original has it: name in rows of a and of b.
std::string names(const World& world, int64_t a, int64_t b) {
  return world.name(a) + " " + world.name(b);
}

// A.t (10) is truncated, which makes 20 of it, and then comes back as A.back (10).
void truncate_and_flash_back(World& world) {
  world.apply({.type = DdlType::kTruncateTable,
               .schema_id = 101,
               .table_id = 10,
               .table = {{.id = 20, .name = "t"}}});
  world.apply({.type = DdlType::kRecoverTable,
               .schema_id = 101,
               .table_id = 10,
               .table = {{.id = 10, .name = "back"}}});
}

}  // namespace

TEST_CASE("original errors: rows keep name and schema of before a rename of several") {
  World world;
  world.schema.set_shows_original_errors(true);
  CHECK(world.apply(kRenames).name == TableName{"A", "x2"});
  CHECK(names(world, 10, 12) == "A.t B.x2");

  // The next change brings the name, not the schema.
  world.apply(add_column(10, "x1"));
  world.apply(add_column(12, "x2"));
  CHECK(names(world, 10, 12) == "A.x1 B.x2");
  CHECK(world.schema.find_table(TableId(10)).table->info->columns.size() == 2);
  world.schema.set_shows_original_errors(false);
  CHECK(names(world, 10, 12) == "A.x1 A.x2");
  world.schema.set_shows_original_errors(true);

  // A second one of several errs likewise, one of a single table puts it right.
  world.apply({.type = DdlType::kRenameTables,
               .schema_id = 101,
               .table_id = 12,
               .query = "RENAME TABLE x1 TO y1, x2 TO y2",
               .table = {{.id = 12, .name = "y2"}},
               .tables = {{.id = 10, .name = "y1"}, {.id = 12, .name = "y2"}}});
  CHECK(names(world, 10, 12) == "A.x1 B.y2");
  world.apply({.type = DdlType::kRenameTable,
               .schema_id = 101,
               .table_id = 12,
               .query = "RENAME TABLE y2 TO z2",
               .table = {{.id = 12, .name = "z2"}}});
  CHECK(names(world, 10, 12) == "A.x1 A.z2");
  world.apply({.type = DdlType::kTruncateTable,
               .schema_id = 101,
               .table_id = 10,
               .table = {{.id = 30, .name = "y1"}}});
  CHECK(names(world, 10, 30) == "gone A.y1");
}

TEST_CASE("original errors: rules go by the name of before until the table is renamed by itself") {
  World world;
  world.schema.set_shows_original_errors(true);
  const auto rule_name = [&](int64_t id) {
    const TableName name = *world.schema.find_table(TableId(id)).rule_name;
    return name.schema + "." + name.table;
  };
  CHECK(rule_name(12) == "B.v");
  world.apply(kRenames);
  world.apply(add_column(10, "x1"));
  CHECK(rule_name(10) == "A.t");
  CHECK(rule_name(12) == "B.v");
  world.schema.set_shows_original_errors(false);
  CHECK(rule_name(10) == "A.x1");
  CHECK(rule_name(12) == "A.x2");
  world.schema.set_shows_original_errors(true);
  world.apply({.type = DdlType::kRenameTable,
               .schema_id = 101,
               .table_id = 12,
               .query = "RENAME TABLE x2 TO z2",
               .table = {{.id = 12, .name = "z2"}}});
  CHECK(rule_name(12) == "A.z2");
}

TEST_CASE("original errors: of the renamed tables the last, and those that change, drop right") {
  const auto dropped = [](bool shows_errors, bool is_altered, int64_t id) {
    World world;
    world.schema.set_shows_original_errors(shows_errors);
    world.apply(kRenames);
    if (is_altered) world.apply(add_column(10, "x1"));
    const DdlEffect effect = world.apply(drop(id));
    CHECK(effect.use_schema == "A");
    return effect.name.schema + "." + effect.name.table;
  };
  CHECK(dropped(true, false, 10) == "A.t");
  CHECK(dropped(true, true, 10) == "A.x1");
  CHECK(dropped(true, false, 12) == "A.x2");
  CHECK(dropped(false, false, 10) == "A.x1");
}

TEST_CASE("original errors: the same where TiDB tells only the last table") {
  World world;
  world.schema.set_shows_original_errors(true);
  JobSpec job = kRenames;
  job.tables.clear();
  world.apply(job);
  CHECK(names(world, 10, 12) == "A.t B.x2");
  CHECK(world.apply(drop(10)).name == TableName{"A", "t"});
}

TEST_CASE("original errors: a truncated table that came back has no rows") {
  World world;
  world.schema.set_shows_original_errors(true);
  truncate_and_flash_back(world);
  CHECK(names(world, 10, 20) == "gone A.t");
  world.schema.set_shows_original_errors(false);
  CHECK(names(world, 10, 20) == "A.back A.t");
  world.schema.set_shows_original_errors(true);

  // Whatever becomes of it.
  world.apply(add_column(10, "back"));
  CHECK(world.name(10) == "gone");
  world.apply({.type = DdlType::kRenameTable,
               .schema_id = 102,
               .table_id = 10,
               .query = "RENAME TABLE back TO B.moved",
               .table = {{.id = 10, .name = "moved"}}});
  CHECK(world.name(10) == "gone");
  world.apply(drop(10));
  world.apply({.type = DdlType::kRecoverTable,
               .schema_id = 102,
               .table_id = 10,
               .table = {{.id = 10, .name = "moved"}}});
  CHECK(world.name(10) == "gone");
  world.schema.set_shows_original_errors(false);
  CHECK(world.name(10) == "B.moved");

  // One that was dropped and came back has them.
  world.schema.set_shows_original_errors(true);
  world.apply(drop(11));
  world.apply({.type = DdlType::kRecoverTable,
               .schema_id = 101,
               .table_id = 11,
               .table = {{.id = 11, .name = "u"}}});
  CHECK(world.name(11) == "A.u");
}

TEST_CASE("original errors: they outlive a restart") {
  World world;
  truncate_and_flash_back(world);
  world.apply({.type = DdlType::kRenameTables,
               .schema_id = 101,
               .table_id = 12,
               .query = "RENAME TABLE u TO x1, `b`.v TO x2",
               .table = {{.id = 12, .name = "x2"}},
               .tables = {{.id = 11, .name = "x1"}, {.id = 12, .name = "x2"}}});
  Schema restored;
  restored.restore(world.schema.image(CommitTs(1)));
  restored.set_shows_original_errors(true);
  const auto name = [&](int64_t id) { return restored.find_table(TableId(id)).table->name; };
  CHECK(name(11) == TableName{"A", "u"});
  CHECK(name(12) == TableName{"B", "x2"});
  CHECK(restored.find_table(TableId(10)).state == TableLookup::State::kTruncated);
  restored.set_shows_original_errors(false);
  CHECK(name(11) == TableName{"A", "x1"});
  CHECK(name(12) == TableName{"A", "x2"});
  CHECK(name(10) == TableName{"A", "back"});
}
