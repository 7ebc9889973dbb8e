#include "drainer/schema/schema.h"

#include <algorithm>
#include <string>
#include <vector>

#include "drainer/schema/job_treatment.h"
#include "tests/unit/schema/world.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::schema;
using drainer::testing::JobSpec;
using drainer::testing::kHourTs;
using drainer::testing::make_job;
using drainer::testing::World;
using tidb::DdlType;
using State = TableLookup::State;
using Action = DdlEffect::Action;

TEST_CASE("schema: the states of the original's tests") {
  Schema schema;
  const auto add = [&](JobSpec job) { schema.add_pending(make_job(job)); };
  add({.id = 1, .type = DdlType::kCreateSchema, .version = 1, .schema_id = 3, .database = "Test"});
  add({.id = 2,
       .type = DdlType::kAddColumn,
       .version = 2,
       .schema_id = 3,
       .table_id = 2,
       .state = 3});
  REQUIRE(schema.advance_to(SchemaVersion(2)).ok());
  CHECK(schema.database_count() == 2);
  add({.id = 3,
       .type = DdlType::kCreateTable,
       .version = 3,
       .schema_id = 3,
       .table_id = 2,
       .table = {{.id = 2, .name = "T"}}});
  add({.id = 4,
       .type = DdlType::kAddColumn,
       .version = 4,
       .schema_id = 3,
       .table_id = 2,
       .table = {{.id = 2, .name = "T", .columns = 2}}});
  add({.id = 5,
       .type = DdlType::kTruncateTable,
       .version = 5,
       .schema_id = 3,
       .table_id = 2,
       .table = {{.id = 9, .name = "T", .columns = 2}}});
  add({.id = 6,
       .type = DdlType::kDropTable,
       .version = 6,
       .schema_id = 3,
       .table_id = 9,
       .table = {{.id = 9, .name = "T", .columns = 2}}});
  add({.id = 7, .type = DdlType::kDropSchema, .version = 7, .schema_id = 3, .database = "Test"});
  CHECK(schema.find_table(TableId(2)).state == State::kUnknown);
  REQUIRE(schema.advance_to(SchemaVersion(4)).ok());
  const TableLookup found = schema.find_table(TableId(2));
  REQUIRE(found.state == State::kFound);
  CHECK(found.table->info->columns.size() == 2);
  CHECK(found.table->previous->info->columns.size() == 1);
  CHECK(found.table->name == TableName{"Test", "T"});
  REQUIRE(schema.advance_to(SchemaVersion(5)).ok());
  CHECK(schema.find_table(TableId(2)).state == State::kTruncated);
  CHECK(schema.find_table(TableId(9)).state == State::kFound);
  REQUIRE(schema.advance_to(SchemaVersion(6)).ok());
  CHECK(schema.find_table(TableId(9)).state == State::kTruncated);
  REQUIRE(schema.advance_to(SchemaVersion(7)).ok());
  CHECK(schema.database_count() == 1);
  CHECK(schema.version() == SchemaVersion(7));
}

TEST_CASE("schema: what contradicts the state is an error with job and names") {
  World world;
  const Error again = world.refuse({.id = 7,
                                    .type = DdlType::kCreateSchema,
                                    .version = 70,
                                    .schema_id = 101,
                                    .query = "create database A",
                                    .database = "A"});
  CHECK(again.to_string() ==
        "handle ddl job 7 of type 1, schema version 70, create database A: schema A(101) already "
        "exists");
  CHECK(again.code() == ErrorCode::kConflict);
  const Error missing = world.refuse({.type = DdlType::kDropSchema, .schema_id = 999});
  CHECK(missing.code() == ErrorCode::kNotFound);
  CHECK(missing.text() == "schema 999 not found");
  CHECK(world.refuse({.type = DdlType::kDropTable, .schema_id = 101, .table_id = 77}).text() ==
        "table 77 not found");
  CHECK(world.refuse({.type = DdlType::kAddColumn, .schema_id = 101, .table_id = 10}).text() ==
        "table 10 not found: the job has no table info");
  CHECK(world
            .refuse({.type = DdlType::kCreateTable,
                     .schema_id = 101,
                     .table_id = 10,
                     .table = {{.id = 10, .name = "t"}}})
            .text() == "table t(10) already exists");
  // mysql is there without a job, and may get one.
  CHECK(world.apply({.type = DdlType::kCreateSchema, .schema_id = 1, .database = "mysql"}).action ==
        Action::kExecute);
}

TEST_CASE("schema: every job type of the list has its treatment, others stop by default") {
  CHECK(job_treatments().size() == 70);
  for (int number = 0; number < 256; ++number) {
    const auto type = static_cast<DdlType>(number);
    const bool is_listed = std::ranges::any_of(
        job_treatments(), [&](const JobTreatment& treatment) { return treatment.type == type; });
    INFO(number);
    CHECK((find_treatment(type) != nullptr) == is_listed);
    CHECK(is_listed == (number >= 1 && number <= 72 && number != 46 && number != 66));
  }
  std::vector<int> unsupported;
  for (const JobTreatment& treatment : job_treatments()) {
    CHECK_FALSE(treatment.name.empty());
    if (treatment.text == TextTreatment::kUnsupported) {
      unsupported.push_back(static_cast<int>(treatment.type));
    }
  }
  CHECK(unsupported ==
        std::vector<int>{27, 28, 31, 49, 50, 51, 52, 53, 54, 55, 56, 57, 59, 68, 69, 70});
  World world;
  for (const int number : unsupported) {
    const DdlEffect effect = world.apply({.type = static_cast<DdlType>(number),
                                          .schema_id = 101,
                                          .table_id = 10,
                                          .table = {{.id = 10, .name = "x"}}});
    CHECK(effect.reason == "skip unsupported DDL job");
    CHECK(world.name(10) == "A.t");
  }
}

TEST_CASE("schema: a type from the future stops, passes or is left out, as configured") {
  const JobSpec future{.id = 7,
                       .type = static_cast<DdlType>(75),
                       .version = 70,
                       .schema_id = 101,
                       .table_id = 10,
                       .query = "alter table t be different",
                       .table = {{.id = 10, .name = "t", .columns = 3}}};
  World stopping;
  const Error error = stopping.refuse(future);
  CHECK(error.code() == ErrorCode::kUnsupported);
  CHECK(error.text().find("DDL job 7 has type 75, which this drainer does not know: alter table t "
                          "be different") == 0);
  World passing;
  passing.schema.set_unknown_ddl_action(UnknownDdlAction::kPass);
  CHECK(passing.apply(future).action == Action::kExecute);
  CHECK(passing.schema.find_table(TableId(10)).table->info->columns.size() == 3);
  World skipping;
  skipping.schema.set_unknown_ddl_action(UnknownDdlAction::kSkip);
  CHECK(skipping.apply(future).action == Action::kIgnore);
  CHECK(skipping.schema.find_table(TableId(10)).table->info->columns.size() == 3);
  // The operator's list of commit ts needs no policy, and the next one still stops.
  World listed;
  listed.schema.skip_ddl(make_job(future));
  CHECK(listed.schema.find_table(TableId(10)).table->info->columns.size() == 3);
  CHECK(
      listed.refuse({.type = static_cast<DdlType>(76), .schema_id = 101, .table_id = 10}).code() ==
      ErrorCode::kUnsupported);
  // A new table id and an id that nobody knows.
  JobSpec rekeyed = future;
  rekeyed.table = {{.id = 50, .name = "t"}};
  CHECK(passing
            .apply({.type = rekeyed.type, .schema_id = 101, .table_id = 10, .table = rekeyed.table})
            .action == Action::kExecute);
  CHECK(passing.name(10) == "A.t");
  CHECK(passing.name(50) == "A.t");
  passing.apply(
      {.type = rekeyed.type, .schema_id = 102, .table_id = 60, .table = {{.id = 60, .name = "n"}}});
  CHECK(passing.name(60) == "B.n");
}

TEST_CASE("schema: a cluster that went back in time stops the drainer") {
  World world;
  const JobSpec rewind{
      .id = 7, .type = DdlType::kFlashbackCluster, .query = "flashback cluster to …"};
  CHECK(world.refuse(rewind).code() == ErrorCode::kUnsupported);
  world.schema.skip_ddl(make_job(rewind));
}

TEST_CASE("schema: jobs that failed, changed nothing or belong to TiDB itself leave no trace") {
  World world;
  const auto before = world.schema.version();
  for (const int state : {0, 1, 2, 3, 5, 7, 8, 9, 10}) {
    CHECK(
        world.apply({.type = DdlType::kDropTable, .schema_id = 101, .table_id = 10, .state = state})
            .action == Action::kIgnore);
  }
  CHECK(world.apply({.type = DdlType::kDropTable, .schema_id = 1, .table_id = 281474976709656})
            .action == Action::kIgnore);
  Result<DdlEffect> no_version = world.schema.apply_ddl(
      make_job({.id = 5000, .type = DdlType::kDropTable, .schema_id = 101, .table_id = 10}));
  REQUIRE(no_version.ok());
  CHECK(no_version->reason == "skip ddl due to the failed ddl");
  CHECK(world.schema.version() == before);
  CHECK(world.name(10) == "A.t");
}

TEST_CASE("schema: a job is applied once, in whatever order versions and binlogs come") {
  World world;
  const auto altered = [](int64_t id, int64_t version, int64_t table, int columns) {
    return JobSpec{.id = id,
                   .type = DdlType::kMultiSchemaChange,
                   .version = version,
                   .schema_id = 101,
                   .table_id = table,
                   .table = {{.id = table, .name = table == 10 ? "t" : "u", .columns = columns}}};
  };
  // The multi-schema change with version 50 has its binlog after the job with version 51.
  CHECK(world.apply(altered(71, 51, 11, 4)).action == Action::kExecute);
  const DdlEffect late = world.apply(altered(70, 50, 10, 3));
  CHECK(late.action == Action::kExecute);
  CHECK(late.name == TableName{"A", "t"});
  CHECK(world.schema.find_table(TableId(10)).table->info->columns.size() == 3);
  CHECK(world.schema.version() == SchemaVersion(51));
  // The same job again, e.g. pulled forward by a row.
  CHECK(world.apply(altered(70, 50, 10, 3)).reason == "ddl job has been handled before");
  // An older structure never replaces a newer one.
  world.apply(altered(72, 40, 11, 1));
  CHECK(world.schema.find_table(TableId(11)).table->info->columns.size() == 4);
}

TEST_CASE("schema: rows tell which multi-schema changes have to come early") {
  World world;
  const JobSpec change{.id = 70,
                       .type = DdlType::kMultiSchemaChange,
                       .version = 50,
                       .schema_id = 101,
                       .table_id = 10,
                       .query = "alter table t add a int, add b int",
                       .finished_ts = 5000,
                       .table = {{.id = 10, .name = "t", .columns = 3}}};
  world.schema.add_pending_json(*make_job(change), testing::job_json(change));
  CHECK(world.schema.early_changes(SchemaVersion(49), CommitTs(4000))->empty());
  // Stored before the row was committed: its binlog lies behind us.
  CHECK(world.schema.early_changes(SchemaVersion(50), CommitTs(5000))->empty());
  const auto early = world.schema.early_changes(SchemaVersion(50), CommitTs(4000));
  REQUIRE(early->size() == 1);
  CHECK((*early)[0]->query == change.query);
  Result<DdlEffect> effect = world.schema.apply_ddl((*early)[0]);
  REQUIRE(effect.ok());
  CHECK(effect->action == Action::kExecute);
  CHECK(world.schema.pending_count() == 0);
  CHECK(world.apply(change).reason == "ddl job has been handled before");
}

TEST_CASE("schema: a multi-schema change comes early once what it adds is public") {
  struct Case {
    const char* sub_jobs;
    int64_t since;
  };
  const JobSpec other{.id = 69,
                      .type = DdlType::kAddColumn,
                      .version = 48,
                      .schema_id = 101,
                      .table_id = 11,
                      .finished_ts = 5000,
                      .table = {{.id = 11, .name = "u", .columns = 2}}};
  for (const Case& c : {
           // As TiDB tells them: the later sub-jobs share the version of the first.
           Case{R"([{"type":5,"schema_version":47},{"type":5,"schema_version":0},)"
                R"({"type":6,"schema_version":50}])",
                47},
           Case{R"([{"type":12,"schema_version":47},{"type":6,"schema_version":50}])", 47},
           // The first one has gone on to drop its column: three steps.
           Case{R"([{"type":6,"schema_version":50},{"type":5,"schema_version":0}])", 47},
           Case{R"([{"type":6,"schema_version":47},{"type":8,"schema_version":50},)"
                R"({"type":5,"schema_version":0}])",
                44},
           // Rows need nothing of these before they are done.
           Case{R"([{"type":6,"schema_version":47},{"type":6,"schema_version":50}])", 50},
           Case{R"([{"type":7,"schema_version":47},{"type":6,"schema_version":50}])", 50},
           Case{R"([{"type":5},{"type":7}])", 50},
           Case{"[]", 50},
       }) {
    INFO(c.sub_jobs);
    World world;
    const JobSpec change{.id = 70,
                         .type = DdlType::kMultiSchemaChange,
                         .version = 50,
                         .schema_id = 101,
                         .table_id = 10,
                         .query = "alter table t add a int, drop b",
                         .finished_ts = 5000,
                         .table = {{.id = 10, .name = "t", .columns = 3}},
                         .sub_jobs = c.sub_jobs};
    world.schema.add_pending_json(*make_job(change), testing::job_json(change));
    world.schema.add_pending(make_job(other));
    CHECK(world.schema.early_changes(SchemaVersion(c.since - 1), CommitTs(4000))->empty());
    const auto early = world.schema.early_changes(SchemaVersion(c.since), CommitTs(4000));
    REQUIRE(early->size() == 1);
    REQUIRE(world.schema.apply_early((*early)[0]).ok());
    // The other table's job lies below the change's version, but its binlog has not come yet.
    CHECK(world.schema.version() == SchemaVersion(c.since));
    CHECK(world.schema.find_table(TableId(11)).table->info->columns.size() ==
          (c.since > 48 ? 2 : 1));
    CHECK(world.apply(other).action == Action::kExecute);
    CHECK(world.apply(change).reason == "ddl job has been handled before");
    CHECK(world.schema.early_changes(SchemaVersion(100), CommitTs(4000))->empty());
  }
}

TEST_CASE("schema: a pending job tells what the table will be") {
  World world;
  const JobSpec job{.id = 70,
                    .type = DdlType::kAddColumn,
                    .version = 50,
                    .table_id = 10,
                    .finished_ts = 5000,
                    .table = {{.id = 10, .name = "t", .columns = 3}}};
  const auto has_column = [](int64_t id) {
    return [id](const tidb::TableInfo& table) { return table.find_column(ColumnId(id)) >= 0; };
  };
  world.schema.add_pending_json(*make_job(job), testing::job_json(job));
  CHECK(world.schema.any_pending(TableId(10), has_column(3)).value());
  CHECK_FALSE(world.schema.any_pending(TableId(10), has_column(4)).value());
  CHECK_FALSE(world.schema.any_pending(TableId(11), has_column(3)).value());
}

TEST_CASE("schema: what does not fit stops it, unless the operator does not want it") {
  const JobSpec pending{.id = 70,
                        .type = DdlType::kAddColumn,
                        .version = 50,
                        .table_id = 98,
                        .finished_ts = 5000,
                        .table = {{.id = 98, .name = "y", .columns = 3}}};
  const JobSpec drop{
      .id = 71, .type = DdlType::kDropTable, .version = 51, .table_id = 99, .finished_ts = 5001};
  World world;
  world.schema.add_pending(make_job(pending));
  world.schema.add_pending(make_job(drop));
  SECTION("rows") {
    CHECK(world.schema.advance_to(SchemaVersion(51)).error().code() == ErrorCode::kNotFound);
    world.schema.add_pending(make_job(pending));
    world.schema.advance_past_misfits(SchemaVersion(51));
  }
  SECTION("a DDL, also one whose pending job fails first") {
    CHECK(world.refuse(drop).code() == ErrorCode::kNotFound);
  }
  SECTION("a DDL that is left out with what lies below it") {
    world.schema.skip_ddl(make_job(drop));
  }
  world.schema.skip_ddl(make_job(drop));
  CHECK(world.schema.pending_count() == 0);
  CHECK(world.schema.advance_to(SchemaVersion(60)).ok());
  CHECK(world.apply({.type = DdlType::kDropTable, .version = 61, .table_id = 10}).action ==
        Action::kExecute);
}

TEST_CASE("schema: a rename uses the database where the old name is looked up") {
  struct Case {
    std::string query;
    std::string use;
  };
  for (const Case& c :
       {Case{"rename table t to B.w", "A"}, Case{"alter table t rename to `B`.w", "A"},
        Case{"rename table A.t to w", "B"}, Case{"rename table A.t to B.w", "B"},
        Case{"no text that we know", "B"}}) {
    World world;
    INFO(c.query);
    const DdlEffect effect = world.apply({.type = DdlType::kRenameTable,
                                          .schema_id = 102,
                                          .table_id = 10,
                                          .query = c.query,
                                          .table = {{.id = 10, .name = "w"}}});
    CHECK(effect.use_schema == c.use);
    CHECK(effect.name == TableName{"B", "w"});
    CHECK(effect.touched == std::vector<TableName>{{"B", "w"}, {"A", "t"}});
    CHECK(world.name(10) == "B.w");
    world.apply({.type = DdlType::kDropSchema, .schema_id = 101, .database = "A"});
    CHECK(world.name(10) == "B.w");
    CHECK(world.name(11) == "gone");
  }
}

TEST_CASE("schema: several renames go where the text sends them, as TiDB stores them") {
  const auto rename = [](const std::string& query, int64_t schema_id,
                         std::vector<testing::TableSpec> tables) {
    return JobSpec{.type = DdlType::kRenameTables,
                   .schema_id = schema_id,
                   .table_id = tables.back().id,
                   .query = query,
                   .table = {tables.back()},
                   .tables = tables};
  };
  World swap;
  DdlEffect effect = swap.apply(
      rename("RENAME TABLE t TO tmp, u TO t, tmp TO u", 101,
             {{.id = 10, .name = "u"}, {.id = 11, .name = "t"}, {.id = 10, .name = "u"}}));
  CHECK(swap.name(10) == "A.u");
  CHECK(swap.name(11) == "A.t");
  CHECK(effect.use_schema == "A");
  CHECK(swap.schema.find_table(TableId(10)).table->previous->name.table == "t");

  World across;
  effect = across.apply(rename("RENAME TABLE t TO x1, `b`.v TO x2", 101,
                               {{.id = 10, .name = "x1"}, {.id = 12, .name = "x2"}}));
  CHECK(across.name(10) == "A.x1");
  CHECK(across.name(12) == "A.x2");
  CHECK(effect.use_schema == "A");
  CHECK(effect.name == TableName{"A", "x2"});
  CHECK(effect.touched == std::vector<TableName>{{"A", "t"}, {"B", "v"}, {"A", "x1"}, {"A", "x2"}});

  // All old names qualified: the session's database is that of the last unqualified new one.
  World session;
  effect = session.apply(rename("RENAME TABLE A.t TO x1, A.u TO x2", 102,
                                {{.id = 10, .name = "x1"}, {.id = 11, .name = "x2"}}));
  CHECK(session.name(10) == "B.x1");
  CHECK(session.name(11) == "B.x2");
  CHECK(effect.use_schema == "B");

  World apart;
  apart.apply(rename("RENAME TABLE t TO B.t, B.v TO v", 101,
                     {{.id = 10, .name = "t"}, {.id = 12, .name = "v"}}));
  CHECK(apart.name(10) == "B.t");
  CHECK(apart.name(12) == "A.v");
}

TEST_CASE("schema: several renames of a TiDB that tells only the last table follow the text") {
  const auto rename = [](const std::string& query, int64_t schema_id, testing::TableSpec last) {
    return JobSpec{.type = DdlType::kRenameTables,
                   .schema_id = schema_id,
                   .table_id = last.id,
                   .query = query,
                   .table = {std::move(last)}};
  };
  World swap;
  DdlEffect effect =
      swap.apply(rename("RENAME TABLE t TO tmp, U TO t, tmp TO u", 101, {.id = 10, .name = "u"}));
  CHECK(swap.name(10) == "A.u");
  CHECK(swap.name(11) == "A.t");
  CHECK(effect.use_schema == "A");
  CHECK(effect.name == TableName{"A", "u"});
  CHECK(swap.schema.find_table(TableId(10)).table->previous->name.table == "t");

  // The session's database is where the last table was.
  World across;
  effect = across.apply(rename("RENAME TABLE B.v TO v, t TO B.t", 102, {.id = 10, .name = "t"}));
  CHECK(across.name(12) == "A.v");
  CHECK(across.name(10) == "B.t");
  CHECK(effect.use_schema == "A");

  World unknown;
  const Error error =
      unknown.refuse(rename("RENAME TABLE x TO y, t TO z", 101, {.id = 10, .name = "z"}));
  CHECK(error.to_string().find("RENAME TABLE x TO y") != std::string::npos);
}

TEST_CASE("schema: an exchanged table goes on under the partition's id, there and back") {
  World world;
  const auto exchange = [](int64_t table_id, std::vector<int64_t> partitions, std::string query) {
    return JobSpec{.type = DdlType::kExchangeTablePartition,
                   .schema_id = 101,
                   .table_id = table_id,
                   .query = std::move(query),
                   .table = {{.id = 20, .name = "pt", .partitions = std::move(partitions)}}};
  };
  world.apply({.type = DdlType::kCreateTable,
               .schema_id = 102,
               .table_id = 20,
               .table = {{.id = 20, .name = "pt", .partitions = {21, 22}}}});
  DdlEffect effect =
      world.apply(exchange(10, {10, 22}, "alter table B.pt exchange partition p0 with table t"));
  CHECK(effect.name == TableName{"B", "pt"});
  CHECK(effect.use_schema == "A");
  CHECK(effect.touched == std::vector<TableName>{{"B", "pt"}, {"A", "t"}});
  CHECK(world.name(21) == "A.t");
  CHECK(world.name(10) == "A.t");  // late rows
  world.apply({.type = DdlType::kAddColumn,
               .schema_id = 101,
               .table_id = 21,
               .table = {{.id = 21, .name = "t", .columns = 2}}});
  effect =
      world.apply(exchange(11, {11, 22}, "alter table pt exchange partition p0 with table A.u"));
  CHECK(effect.use_schema == "B");
  CHECK(world.name(10) == "A.u");
  CHECK(world.name(11) == "A.u");
  CHECK(world.name(21) == "A.t");
  CHECK(world.schema.find_table(TableId(21)).table->info->columns.size() == 2);
  effect =
      world.apply(exchange(21, {21, 22}, "alter table B.pt exchange partition p0 with table A.t"));
  CHECK(world.name(11) == "A.t");
  CHECK(world.name(21) == "A.t");
  CHECK(world.schema.table_count() == 4);
  CHECK(world.refuse(exchange(11, {21, 22}, "")).text() ==
        "0 partitions of table 20 left it in an exchange");
}

TEST_CASE("schema: new partitioning gives a new id, and rows under the old one stay good") {
  World world;
  for (const DdlType type : {DdlType::kAlterTablePartitioning, DdlType::kRemovePartitioning}) {
    const int64_t id = 30 + static_cast<int64_t>(type);
    const int64_t old_id = type == DdlType::kAlterTablePartitioning ? 10 : 101;
    world.apply({.type = type,
                 .schema_id = 101,
                 .table_id = old_id,
                 .table = {{.id = id, .name = "t", .columns = 2}}});
    CHECK(world.name(id) == "A.t");
  }
  CHECK(world.name(10) == "A.t");
  CHECK(world.schema.find_table(TableId(10)).table->info->columns.size() == 2);
  world.apply({.type = DdlType::kDropTable, .schema_id = 101, .table_id = 102});
  CHECK(world.name(10) == "gone");
}

TEST_CASE("schema: what comes back by FLASHBACK is there again") {
  World world;
  world.apply({.type = DdlType::kTruncateTable,
               .schema_id = 101,
               .table_id = 10,
               .table = {{.id = 40, .name = "t"}}});
  CHECK(world.name(10) == "gone");
  world.apply({.type = DdlType::kRecoverTable,
               .schema_id = 101,
               .table_id = 10,
               .table = {{.id = 10, .name = "t_old"}}});
  CHECK(world.name(10) == "A.t_old");
  CHECK(world.name(40) == "A.t");

  world.apply({.type = DdlType::kDropSchema, .schema_id = 101, .database = "A"});
  CHECK(world.name(11) == "gone");
  const DdlEffect effect =
      world.apply({.type = DdlType::kRecoverSchema, .schema_id = 101, .database = "A2"});
  CHECK(effect.name == TableName{"A2", ""});
  CHECK(effect.touched.size() == 4);
  CHECK(world.name(11) == "A2.u");
  CHECK(world.name(40) == "A2.t");
}

TEST_CASE("schema: tables of a database dropped before our time are asked for") {
  World world;
  const JobSpec recover{.type = DdlType::kRecoverSchema, .schema_id = 103, .database = "C"};
  CHECK(world.refuse(recover).text() == "the tables of schema C(103) are not known");
  World other;
  SchemaId asked;
  other.schema.set_find_recovered_tables([&](const tidb::DdlJob& job) {
    asked = job.schema_id;
    std::vector<std::shared_ptr<const tidb::TableInfo>> out;
    auto info = std::make_shared<tidb::TableInfo>();
    info->id = TableId(50);
    info->name = "w";
    out.push_back(info);
    return Result<std::vector<std::shared_ptr<const tidb::TableInfo>>>(std::move(out));
  });
  other.apply(recover);
  CHECK(asked == SchemaId(103));
  CHECK(other.name(50) == "C.w");
}

TEST_CASE("schema: a replaced view goes") {
  World world;
  const auto view = [](int64_t id, const std::string& query) {
    return JobSpec{.type = DdlType::kCreateView,
                   .schema_id = 101,
                   .table_id = id,
                   .query = query,
                   .table = {{.id = id, .name = "View1", .is_view = true}}};
  };
  world.apply(view(60, "create view View1 as select 1"));
  world.apply(view(61, "CREATE OR REPLACE VIEW View1 AS SELECT 2"));
  CHECK(world.schema.table_count() == 4);
  CHECK(world.name(61) == "A.View1");
}

TEST_CASE("schema: batches of CREATE TABLE are known, and sent") {
  const JobSpec batch{.type = DdlType::kCreateTables,
                      .schema_id = 101,
                      .tables = {{.id = 60, .name = "x"},
                                 {.id = 281474976709656, .name = "sys"},
                                 {.id = 61, .name = "y"}}};
  World world;
  const DdlEffect effect = world.apply(batch);
  CHECK(world.name(60) == "A.x");
  CHECK(world.name(61) == "A.y");
  CHECK(effect.action == Action::kExecute);
  CHECK(effect.touched == std::vector<TableName>{{"A", "x"}, {"A", "y"}});
}

TEST_CASE("schema: the source of CREATE TABLE LIKE tells the session's database") {
  const auto use_of = [](const std::string& query, int64_t schema_id) {
    World world;
    return world
        .apply({.type = DdlType::kCreateTable,
                .schema_id = schema_id,
                .table_id = 60,
                .query = query,
                .table = {{.id = 60, .name = "w"}}})
        .use_schema;
  };
  CHECK(use_of("create table B.w like T", 102) == "A");
  CHECK(use_of("create table B.w like v", 102) == "B");
  CHECK(use_of("create table w like A.t", 102) == "B");
  CHECK(use_of("create table B.w like nowhere", 102) == "B");
}

TEST_CASE("schema: databases follow their jobs") {
  World world;
  CHECK(
      world
          .apply(
              {.type = DdlType::kModifySchemaCharsetAndCollate, .schema_id = 101, .database = "A"})
          .name == TableName{"A", ""});
  CHECK(world.apply({.type = DdlType::kDropSchema, .schema_id = 101, .database = "A"}).use_schema ==
        "A");
  CHECK(world.schema.table_count() == 1);
}

TEST_CASE("schema: starts from a snapshot and goes on with what the stream brings") {
  tidb::SchemaSnapshot snapshot;
  auto info = std::make_shared<tidb::TableInfo>();
  info->id = TableId(10);
  info->name = "t";
  snapshot.databases.push_back({{.id = SchemaId(101), .name = "A"}, {info}});
  Schema schema;
  REQUIRE(schema.load(snapshot, SchemaVersion(40)).ok());
  CHECK(schema.version() == SchemaVersion(40));
  REQUIRE(schema.find_table(TableId(10)).state == State::kFound);
  const auto job = make_job({.id = 7,
                             .type = DdlType::kAddColumn,
                             .version = 3,
                             .schema_id = 101,
                             .table_id = 10,
                             .table = {{.id = 10, .name = "t", .columns = 2}}});
  REQUIRE(schema.apply_ddl(job).ok());
  CHECK(schema.find_table(TableId(10)).table->info->columns.size() == 2);
}

TEST_CASE("schema: of a snapshot only public columns are seen, those of a running job are newer") {
  auto info = std::make_shared<tidb::TableInfo>(
      tidb::parse_table_info(testing::table_json({.id = 10, .name = "t", .columns = 4})).value());
  info->columns[1].state = tidb::SchemaState::kWriteOnly;
  info->columns[3].state = tidb::SchemaState::kWriteReorganization;
  info->max_column_id = 4;
  const auto index = [](const std::string& name, std::vector<uint32_t> offsets) {
    tidb::IndexInfo out;
    out.name = name;
    for (const uint32_t offset : offsets) {
      out.columns.emplace_back();
      out.columns.back().offset = offset;
    }
    return out;
  };
  info->indices = {index("kept", {2, 0}), index("running", {0, 3})};
  tidb::SchemaSnapshot snapshot;
  snapshot.databases.push_back({{.id = SchemaId(101), .name = "A"}, {info}});
  Schema schema;
  REQUIRE(schema.load(snapshot, SchemaVersion(40)).ok());
  const tidb::TableInfo& shown = *schema.find_table(TableId(10)).table->info;
  REQUIRE(shown.columns.size() == 2);
  CHECK(shown.columns[1].id == ColumnId(3));
  CHECK(shown.find_column(ColumnId(3)) == 1);
  CHECK(shown.find_column(ColumnId(4)) == -1);
  CHECK(shown.max_column_id == 3);
  REQUIRE(shown.indices.size() == 1);
  CHECK(shown.indices[0].columns[0].offset == 1);
  CHECK(shown.indices[0].columns[1].offset == 0);
}

TEST_CASE("schema: an effect tells whether TiDB has taken the CHECKs of the text") {
  World world;
  const auto create = [](int64_t id) {
    return JobSpec{.type = DdlType::kCreateTable,
                   .schema_id = 101,
                   .table_id = id,
                   .table = {{.id = id, .name = "c" + std::to_string(id)}}};
  };
  CHECK(world.apply(create(50)).ignores_checks);
  JobSpec checked = create(51);
  checked.table[0].has_checks = true;
  CHECK_FALSE(world.apply(checked).ignores_checks);
  checked.type = DdlType::kAddColumn;
  CHECK_FALSE(world.apply(checked).ignores_checks);
  JobSpec many = create(52);
  many.type = DdlType::kCreateTables;
  many.tables = {{.id = 53, .name = "c53"}, {.id = 54, .name = "c54", .has_checks = true}};
  CHECK_FALSE(world.apply(many).ignores_checks);
}
