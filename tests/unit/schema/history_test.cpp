#include "drainer/schema/history.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/schema/jobs.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::schema;
using drainer::testing::job_json;
using drainer::testing::JobSpec;
using drainer::testing::make_job;
using tidb::DdlType;
using State = TableLookup::State;

namespace {

constexpr int64_t kDayTs = (int64_t{24} * 3600 * 1000) << 18;

std::unique_ptr<Schema> load(const std::vector<JobSpec>& jobs, HistoryStart start) {
  HistoryLoader loader(start);
  for (const JobSpec& job : jobs) REQUIRE(loader.add(DdlJobId(job.id), job_json(job)).ok());
  CHECK(loader.job_count() == jobs.size());
  Result<std::unique_ptr<Schema>> schema = std::move(loader).finish();
  INFO((schema.ok() ? "" : schema.error().to_string()));
  REQUIRE(schema.ok());
  return std::move(schema).value();
}

std::string name(const Schema& schema, int64_t id) {
  const TableLookup found = schema.find_table(TableId(id));
  if (found.state == State::kTruncated) return "gone";
  if (found.state == State::kUnknown) return "unknown";
  return fmt::format("{}.{}/{}", found.table->name.schema, found.table->name.table,
                     found.table->info->columns.size());
}

JobSpec create_database(int64_t id, int64_t ts) {
  return {.id = id,
          .type = DdlType::kCreateSchema,
          .version = id,
          .schema_id = 100 + id,
          .finished_ts = ts,
          .database = "d" + std::to_string(100 + id)};
}

JobSpec table_job(DdlType type, int64_t id, int64_t ts, int64_t table, int columns = 1) {
  return {.id = id,
          .type = type,
          .version = id,
          .schema_id = 101,
          .table_id = table,
          .query = "x",
          .finished_ts = ts,
          .table = {{.id = table, .name = "t", .columns = columns}}};
}

}  // namespace

TEST_CASE("history: what was stored before the start is applied, later jobs wait") {
  const std::vector<JobSpec> jobs = {
      create_database(1, 100),
      table_job(DdlType::kCreateTable, 2, 200, 10),
      table_job(DdlType::kAddColumn, 3, 300, 10, 2),
      table_job(DdlType::kAddColumn, 4, 401, 10, 3),
  };
  const auto schema = load(jobs, {CommitTs(400), SchemaVersion(0)});
  CHECK(name(*schema, 10) == "d101.t/2");
  CHECK(schema->pending_count() == 1);
  CHECK(schema->version() == SchemaVersion(3));
  // A row with an older version than the waiting job, then one that needs it.
  REQUIRE(schema->advance_to(SchemaVersion(3)).ok());
  CHECK(name(*schema, 10) == "d101.t/2");
  REQUIRE(schema->advance_to(SchemaVersion(4)).ok());
  CHECK(name(*schema, 10) == "d101.t/3");
}

TEST_CASE("history: the checkpoint's version counts, too, and binlogs that come still execute") {
  const std::vector<JobSpec> jobs = {
      create_database(1, 100),
      table_job(DdlType::kCreateTable, 2, 200, 10),
      table_job(DdlType::kAddColumn, 3, 900, 10, 2),
      table_job(DdlType::kAddColumn, 4, 901, 10, 3),
  };
  const auto schema = load(jobs, {CommitTs(400), SchemaVersion(3)});
  CHECK(name(*schema, 10) == "d101.t/2");
  CHECK(schema->pending_count() == 1);
  Result<DdlEffect> effect = schema->apply_ddl(make_job(jobs[2]));
  REQUIRE(effect.ok());
  CHECK(effect->action == DdlEffect::Action::kExecute);
  CHECK(effect->name == TableName{"d101", "t"});
  CHECK(name(*schema, 10) == "d101.t/2");
  effect = schema->apply_ddl(make_job(jobs[3]));
  REQUIRE(effect.ok());
  CHECK(effect->action == DdlEffect::Action::kExecute);
  CHECK(name(*schema, 10) == "d101.t/3");
  CHECK(schema->pending_count() == 0);
}

TEST_CASE("history: of a multi-schema change its own binlog counts, not the version of rows") {
  const std::vector<JobSpec> jobs = {
      create_database(1, 100),
      table_job(DdlType::kCreateTable, 2, 200, 10),
      table_job(DdlType::kMultiSchemaChange, 3, 900, 10, 2),
  };
  const auto schema = load(jobs, {CommitTs(400), SchemaVersion(3)});
  CHECK(name(*schema, 10) == "d101.t/1");
  CHECK(schema->pending_count() == 1);
  CHECK(schema->early_changes(SchemaVersion(3), CommitTs(500)).value().size() == 1);
  const auto later = load(jobs, {CommitTs(900), SchemaVersion(3)});
  CHECK(name(*later, 10) == "d101.t/2");
  CHECK(later->pending_count() == 0);
}

TEST_CASE("history: ids that went lately are told from ids that nobody knows") {
  const std::vector<JobSpec> jobs = {
      create_database(1, kDayTs),
      table_job(DdlType::kCreateTable, 2, kDayTs, 10),
      table_job(DdlType::kDropTable, 3, 2 * kDayTs, 10),
      table_job(DdlType::kCreateTable, 4, 9 * kDayTs, 11),
      table_job(DdlType::kDropTable, 5, 10 * kDayTs, 11),
  };
  const auto schema = load(jobs, {CommitTs(10 * kDayTs + 1), SchemaVersion(0)});
  CHECK(name(*schema, 10) == "unknown");
  CHECK(name(*schema, 11) == "gone");
}

TEST_CASE("history: many changes, drops and exchanges leave the last description of each table") {
  std::vector<JobSpec> jobs = {create_database(1, 1)};
  int64_t id = 1;
  const auto add = [&](DdlType type, int64_t table, int columns = 1) {
    ++id;
    jobs.push_back(table_job(type, id, id, table, columns));
    return &jobs.back();
  };
  for (int64_t table = 10; table < 60; ++table) {
    add(DdlType::kCreateTable, table);
    for (int columns = 2; columns < 6; ++columns) {
      add(DdlType::kAddColumn, table, columns);
    }
    if (table % 2 == 0) add(DdlType::kDropTable, table);
  }
  // pt with partitions 71 and 72; table 11 becomes 71, then 13 takes the id 11 and is altered.
  const auto exchange = [&](int64_t table, std::vector<int64_t> partitions) {
    add(DdlType::kExchangeTablePartition, table)->table = {
        {.id = 70, .name = "pt", .columns = 5, .partitions = std::move(partitions)}};
  };
  add(DdlType::kCreateTable, 70)->table = {
      {.id = 70, .name = "pt", .columns = 5, .partitions = {71, 72}}};
  exchange(11, {11, 72});
  exchange(13, {13, 72});
  for (int columns = 6; columns < 9; ++columns) {
    add(DdlType::kAddColumn, 11, columns);
  }
  const auto schema = load(jobs, {CommitTs(id), SchemaVersion(0)});
  CHECK(name(*schema, 12) == "gone");
  CHECK(name(*schema, 15) == "d101.t/5");
  CHECK(name(*schema, 71) == "d101.t/5");
  CHECK(name(*schema, 11) == "d101.t/8");
  CHECK(name(*schema, 13) == "d101.t/8");
  CHECK(schema->find_table(TableId(11)).table->previous->info->columns.size() == 7);
  CHECK(schema->table_count() == 26);
  CHECK(schema->pending_count() == 0);
}

TEST_CASE("history: a database that came back has its tables, one dropped long ago has none") {
  std::vector<JobSpec> jobs = {create_database(1, kDayTs),
                               table_job(DdlType::kCreateTable, 2, kDayTs, 10, 3)};
  JobSpec drop{.id = 3,
               .type = DdlType::kDropSchema,
               .version = 3,
               .schema_id = 101,
               .finished_ts = 2 * kDayTs,
               .database = "d101"};
  JobSpec recover{.id = 5,
                  .type = DdlType::kRecoverSchema,
                  .version = 5,
                  .schema_id = 101,
                  .finished_ts = 3 * kDayTs,
                  .database = "back"};
  jobs.push_back(drop);
  jobs.push_back(create_database(4, 2 * kDayTs));
  jobs.push_back(recover);
  CHECK(name(*load(jobs, {CommitTs(4 * kDayTs), SchemaVersion(0)}), 10) == "back.t/3");
  // Recovered in the stream.
  const auto schema = load(jobs, {CommitTs(2 * kDayTs), SchemaVersion(0)});
  CHECK(name(*schema, 10) == "gone");
  REQUIRE(schema->apply_ddl(make_job(recover)).ok());
  CHECK(name(*schema, 10) == "back.t/3");
  // Not after weeks: the history's reader has let go of the tables.
  jobs.pop_back();
  jobs.push_back(create_database(6, 20 * kDayTs));
  CHECK(load(jobs, {CommitTs(21 * kDayTs), SchemaVersion(0)})->table_count() == 0);
}

TEST_CASE("history: a database that came back after weeks has its tables in a second reading") {
  std::vector<JobSpec> jobs = {create_database(1, kDayTs),
                               table_job(DdlType::kCreateTable, 2, kDayTs, 10, 3)};
  jobs.push_back({.id = 3,
                  .type = DdlType::kDropSchema,
                  .version = 3,
                  .schema_id = 101,
                  .finished_ts = 2 * kDayTs,
                  .database = "d101"});
  jobs.push_back(create_database(4, 20 * kDayTs));
  SECTION("and another was dropped since") {
    jobs.push_back({.id = 5,
                    .type = DdlType::kDropSchema,
                    .version = 5,
                    .schema_id = 104,
                    .finished_ts = 21 * kDayTs,
                    .database = "d104"});
  }
  jobs.push_back({.id = 6,
                  .type = DdlType::kRecoverSchema,
                  .version = 6,
                  .schema_id = 101,
                  .finished_ts = 22 * kDayTs,
                  .database = "back"});
  HistoryLoader first({CommitTs(30 * kDayTs), SchemaVersion(0)});
  for (const JobSpec& job : jobs) REQUIRE(first.add(DdlJobId(job.id), job_json(job)).ok());
  CHECK(first.needs_dropped());
  const auto schema = load(jobs, {CommitTs(30 * kDayTs), SchemaVersion(0), /*keeps_dropped=*/true});
  CHECK(name(*schema, 10) == "back.t/3");
}

TEST_CASE("history: a RENAME TABLE of several that tells only the last of them renames all") {
  const auto table = [](int64_t job, int64_t id, const std::string& name) {
    JobSpec out = table_job(DdlType::kCreateTable, job, job, id);
    out.table[0].name = name;
    return out;
  };
  const JobSpec renames{.id = 4,
                        .type = DdlType::kRenameTables,
                        .version = 4,
                        .schema_id = 101,
                        .table_id = 30,
                        .query = "rename table x to y, u to v",
                        .finished_ts = 4,
                        .table = {{.id = 30, .name = "v"}}};
  const auto schema = load({create_database(1, 1), table(2, 20, "x"), table(3, 30, "u"), renames},
                           {CommitTs(10), SchemaVersion(0)});
  CHECK(name(*schema, 20) == "d101.y/1");
  CHECK(name(*schema, 30) == "d101.v/1");
}

TEST_CASE("history: jobs of unknown types and odd ones stop nobody at the start") {
  std::vector<JobSpec> jobs = {
      create_database(1, 100), table_job(DdlType::kCreateTable, 2, 200, 10),
      table_job(static_cast<DdlType>(200), 3, 300, 10, 4),
      table_job(DdlType::kAddColumn, 4, 350, 99), table_job(DdlType::kLockTable, 5, 360, 10)};
  const auto schema = load(jobs, {CommitTs(400), SchemaVersion(0)});
  CHECK(name(*schema, 10) == "d101.t/4");
  CHECK(name(*schema, 99) == "unknown");
}

TEST_CASE("history: failed jobs and TiDB's own tables are left out, broken documents are not") {
  JobSpec failed = table_job(DdlType::kCreateTable, 2, 200, 10);
  failed.state = 3;
  JobSpec system = table_job(DdlType::kCreateTable, 3, 200, 281474976710654);
  const auto schema =
      load({create_database(1, 100), failed, system}, {CommitTs(400), SchemaVersion(0)});
  CHECK(schema->table_count() == 0);
  HistoryLoader loader({CommitTs(400), SchemaVersion(0)});
  const Result<void> broken = loader.add(DdlJobId(9), R"({"id":9,"type":"x"})");
  REQUIRE_FALSE(broken.ok());
  CHECK(
      broken.error().to_string() ==
      "entry 9 of the ddl job history: ddl job 9: ddl job: a positive integer is expected at byte "
      "15");
  // Where only the table's description is broken: which table, and since when.
  const Result<void> table = loader.add(
      DdlJobId(10),
      R"({"id":10,"type":3,"state":6,"schema_id":1,"table_id":7,"schema_name":"shop",)"
      R"("table_name":"t","binlog":{"SchemaVersion":5,"FinishedTS":300,"TableInfo":{"id":"x"}}})");
  REQUIRE_FALSE(table.ok());
  CHECK_THAT(table.error().to_string(),
             Catch::StartsWith("ddl job 10 of `shop`.`t`, finished at ts 300: table info: "));
}

TEST_CASE("history: the start may be a snapshot") {
  tidb::SchemaSnapshot snapshot;
  snapshot.databases.push_back({{.id = SchemaId(101), .name = "A"}, {}});
  Result<std::unique_ptr<Schema>> schema = load_snapshot(snapshot, SchemaVersion(7));
  REQUIRE(schema.ok());
  CHECK((*schema)->database_count() == 2);
}

TEST_CASE("history: tables outlive a dropped database that their last job names") {
  const auto table = [](int64_t job, int64_t id, int64_t schema, const std::string& name) {
    JobSpec out = table_job(DdlType::kCreateTable, job, job, id);
    out.schema_id = schema;
    out.table[0].name = name;
    return out;
  };
  const JobSpec drop{.id = 11,
                     .type = DdlType::kDropSchema,
                     .version = 11,
                     .schema_id = 102,
                     .finished_ts = kDayTs};
  // More than a week later nothing of it is kept.
  const JobSpec late = table(12, 99, 101, "late");
  const auto names = [&](std::vector<JobSpec> jobs, JobSpec last, std::vector<int64_t> ids) {
    jobs.insert(jobs.begin(), {create_database(1, 1), create_database(2, 2)});
    last.finished_ts = 9 * kDayTs;
    jobs.push_back(std::move(last));
    const auto schema = load(jobs, {CommitTs(10 * kDayTs), SchemaVersion(0)});
    std::vector<std::string> out;
    for (const int64_t id : ids) out.push_back(name(*schema, id));
    return out;
  };

  JobSpec partitioned = table(3, 20, 101, "pt");
  partitioned.table[0].partitions = {21, 22};
  JobSpec exchange = table(5, 20, 101, "pt");
  exchange.type = DdlType::kExchangeTablePartition;
  exchange.schema_id = 102;
  exchange.table_id = 30;
  exchange.query = "alter table d101.pt exchange partition p0 with table d102.nt";
  exchange.table[0].partitions = {30, 22};
  CHECK(names({partitioned, table(4, 30, 102, "nt"), exchange, drop}, late, {20, 21}) ==
        std::vector<std::string>{"d101.pt/1", "unknown"});

  const JobSpec renames{.id = 5,
                        .type = DdlType::kRenameTables,
                        .version = 5,
                        .schema_id = 102,
                        .table_id = 30,
                        .query = "rename table d101.x to d101.y, d102.u to d102.v",
                        .finished_ts = 5,
                        .table = {{.id = 30, .name = "v"}},
                        .tables = {{.id = 20, .name = "y"}, {.id = 30, .name = "v"}}};
  CHECK(names({table(3, 20, 101, "x"), table(4, 30, 102, "u"), renames, drop}, late, {20, 30}) ==
        std::vector<std::string>{"d101.y/1", "unknown"});

  const JobSpec recover{.id = 12,
                        .type = DdlType::kRecoverSchema,
                        .version = 12,
                        .schema_id = 102,
                        .finished_ts = 2 * kDayTs,
                        .database = "d102"};
  CHECK(names({table(4, 30, 102, "u"), drop, recover}, table(13, 99, 101, "late"), {30}) ==
        std::vector<std::string>{"d102.u/1"});
}
