#include "drainer/schema_source.h"

#include <filesystem>
#include <map>
#include <random>

#include "drainer/schema/schema_store.h"
#include "drainer/schema_keeper.h"
#include "tests/fakes/process.h"
#include "tests/fakes/wait_until.h"
#include "tests/unit/app/job_world.h"

#include <catch2/catch.hpp>

using namespace drainer;
using drainer::testing::JobSpec;
using drainer::testing::JobWorld;
using tidb::DdlType;

namespace {

constexpr uint64_t kCluster = 7;

/// A random history in which jobs get their ids when they are queued and finish in another order,
/// as with the concurrent DDL of TiDB 6.2: one at a time per table, the slow ones after many
/// others.
class RandomHistory {
 public:
  explicit RandomHistory(uint32_t seed) : random_(seed) {
    finish({.id = ++last_id_, .type = DdlType::kCreateSchema, .schema_id = 1001, .database = "a"});
    finish({.id = ++last_id_, .type = DdlType::kCreateSchema, .schema_id = 1002, .database = "b"});
  }

  /// Queues or finishes one job.
  void step() {
    if (running_.size() < 6 && pick(2) == 0) return queue();
    if (running_.empty()) return;
    const size_t at = pick(running_.size());
    JobSpec job = running_[at];
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(at));
    complete(job);
  }
  const std::vector<JobSpec>& finished() const { return finished_; }

 private:
  struct Table {
    int64_t schema;
    std::string name;
    int columns;
    bool is_busy = false;
  };

  size_t pick(size_t count) { return random_() % count; }

  void queue() {
    JobSpec job{.id = ++last_id_};
    std::vector<int64_t> free;
    for (const auto& [id, table] : tables_) {
      if (!table.is_busy) free.push_back(id);
    }
    if (free.empty() || pick(3) == 0) {
      job.type = DdlType::kCreateTable;
      job.schema_id = 1001 + static_cast<int64_t>(pick(2));
      job.table_id = ++last_id_;
    } else {
      constexpr DdlType kTypes[] = {DdlType::kAddColumn,        DdlType::kAddColumn,
                                    DdlType::kAddIndex,         DdlType::kRenameTable,
                                    DdlType::kTruncateTable,    DdlType::kDropTable,
                                    DdlType::kMultiSchemaChange};
      job.type = kTypes[pick(std::size(kTypes))];
      job.table_id = free[pick(free.size())];
      job.schema_id = tables_[job.table_id].schema;
      tables_[job.table_id].is_busy = true;
    }
    running_.push_back(job);
  }

  void complete(JobSpec job) {
    job.state = pick(8) == 0 ? 3 : 6;
    Table& table = tables_[job.table_id];
    table.is_busy = false;
    const bool is_new = job.type == DdlType::kCreateTable;
    if (is_new) table = {job.schema_id, "t" + std::to_string(job.table_id), 1};
    int64_t id = job.table_id;
    if (job.state == 6) {
      if (job.type == DdlType::kAddColumn || job.type == DdlType::kMultiSchemaChange)
        ++table.columns;
      if (job.type == DdlType::kRenameTable) {
        table.schema = job.schema_id = 1001 + static_cast<int64_t>(pick(2));
        table.name += "r";
        job.query = "rename table a." + table.name + " to b.x";
      }
      if (job.type == DdlType::kTruncateTable) {
        id = ++last_id_;
        tables_[id] = table;
      }
    }
    const Table& now = tables_[id];
    job.table = {{.id = id, .name = now.name, .columns = now.columns}};
    const bool is_gone = job.state == 6 && (job.type == DdlType::kDropTable || id != job.table_id);
    if (is_gone || (is_new && job.state != 6)) tables_.erase(job.table_id);
    finish(job);
  }

  void finish(JobSpec job) {
    job.version = ++last_version_;
    // The first second of the cluster is long ago: nothing is forgotten for its age.
    job.finished_ts = (int64_t{1'000'000'000'000} + last_version_ * 1000) << 18;
    finished_.push_back(job);
  }

  std::mt19937 random_;
  int64_t last_id_ = 10;
  int64_t last_version_ = 20;
  std::map<int64_t, Table> tables_;
  std::vector<JobSpec> running_;
  std::vector<JobSpec> finished_;
};

std::string text_of(const schema::Schema& schema) {
  std::map<int64_t, std::string> lines;
  for (const auto& [id, table] : schema.tables()) {
    std::string columns;
    for (const tidb::ColumnInfo& column : table->info->columns) columns += column.name.str() + ",";
    lines[id.value] = fmt::format("{} {}.{} since {} previous {}: {}\n", id, table->name.schema,
                                  table->name.table, table->since,
                                  table->previous ? table->previous->since.value : 0, columns);
  }
  std::string out = fmt::format("{} databases\n", schema.database_count());
  for (const auto& [id, line] : lines) out += line;
  return out;
}

struct Start {
  fakes::TempDir directory{"schema-source"};
  Options options;
  JobWorld world;

  Start() { options.data_dir = directory.path(); }
  std::string path() const { return schema::schema_store_path(options.data_dir); }

  LoadedSchema load(int64_t commit_ts, int64_t version = 0) {
    const SavePoint start{
        .commit_ts = CommitTs(commit_ts), .schema_version = SchemaVersion(version), .ts_map = {}};
    Result<LoadedSchema> loaded = load_schema(options, kCluster, start, world.meta, {});
    INFO((loaded.ok() ? "" : loaded.error().to_string()));
    REQUIRE(loaded.ok());
    return *std::move(loaded);
  }
  void store(const schema::Schema& schema, int64_t commit_ts) {
    REQUIRE(schema::write_schema_store(path(), kCluster, schema.image(CommitTs(commit_ts))).ok());
  }
};

}  // namespace

TEST_CASE("schema source: with a store, at whatever points, the schema is that of the history") {
  size_t late = 0;
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    RandomHistory history(seed);
    for (int i = 0; i < 120; ++i) history.step();
    const std::vector<JobSpec>& jobs = history.finished();
    std::mt19937 random(seed);
    const size_t stored = 2 + random() % (jobs.size() - 2);
    const size_t start = stored + random() % (jobs.size() - stored);
    const int64_t stored_ts = jobs[stored - 1].finished_ts;
    const int64_t start_ts = jobs[start].finished_ts;

    Start run;
    for (size_t i = 0; i < stored; ++i) run.world.add(jobs[i]);
    run.store(*run.load(stored_ts).schema, stored_ts);
    for (size_t i = stored; i < jobs.size(); ++i) {
      run.world.add(jobs[i]);
      for (size_t k = 0; k < stored; ++k) late += jobs[i].id < jobs[k].id ? 1 : 0;
    }
    const LoadedSchema from_store = run.load(start_ts);
    std::filesystem::remove(run.path());
    const LoadedSchema from_history = run.load(start_ts);
    CHECK(text_of(*from_store.schema) == text_of(*from_history.schema));
    CHECK(from_store.schema->pending_count() == from_history.schema->pending_count());
    CHECK(from_store.schema->version() == from_history.schema->version());
    CHECK(from_store.schema->known_jobs() == from_history.schema->known_jobs());
    REQUIRE(from_store.schema->advance_to(SchemaVersion(1 << 20)).ok());
    REQUIRE(from_history.schema->advance_to(SchemaVersion(1 << 20)).ok());
    CHECK(text_of(*from_store.schema) == text_of(*from_history.schema));
  }
  CHECK(late > 1000);  // the order of ids and ends did differ
}

TEST_CASE("schema source: jobs that the store knows are not read again, a late small id is") {
  Start run;
  const auto create = [](int64_t id, int64_t version, int64_t table) {
    return JobSpec{.id = id,
                   .type = DdlType::kCreateTable,
                   .version = version,
                   .schema_id = 101,
                   .table_id = table,
                   .finished_ts = version,
                   .table = {{.id = table, .name = "t" + std::to_string(table)}}};
  };
  run.world.add({.id = 1,
                 .type = DdlType::kCreateSchema,
                 .version = 1,
                 .schema_id = 101,
                 .finished_ts = 1,
                 .database = "a"});
  run.world.add(create(50, 2, 500));
  run.store(*run.load(10).schema, 10);
  for (auto& [key, json] : run.world.kv.pairs) json = "garbage that nobody must read";
  CHECK(run.load(10).is_stored);

  run.world.add(create(7, 20, 70));
  run.world.add(create(60, 21, 600));
  const LoadedSchema loaded = run.load(25);
  CHECK_FALSE(loaded.is_stored);
  CHECK(loaded.schema->table_count() == 3);
  CHECK(loaded.schema->find_table(TableId(70)).state == schema::TableLookup::State::kFound);
}

TEST_CASE("schema source: a store in doubt is left for the history") {
  Start run;
  run.world.add({.id = 1,
                 .type = DdlType::kCreateSchema,
                 .version = 1,
                 .schema_id = 101,
                 .finished_ts = 1,
                 .database = "a"});
  const schema::Schema schema;  // with it the database would be missing
  SECTION("ahead of the start") {
    run.store(schema, 1000);
  }
  SECTION("of another cluster") {
    REQUIRE(schema::write_schema_store(run.path(), kCluster + 1, schema.image(CommitTs(5))).ok());
  }
  SECTION("damaged") {
    run.store(schema, 5);
    std::string bytes = fakes::read_file(run.path());
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    fakes::write_file(run.path(), bytes);
  }
  SECTION("cut off") {
    run.store(schema, 5);
    std::filesystem::resize_file(run.path(), std::filesystem::file_size(run.path()) - 1);
  }
  SECTION("knows jobs that are not in the history") {
    schema::Schema other;
    other.note_known(DdlJobId(1));
    other.note_known(DdlJobId(99));
    run.store(other, 5);
  }
  SECTION("contradicts the history") {
    schema::SchemaImage image = schema.image(CommitTs(5));
    image.databases.push_back({SchemaId(101), "other"});
    REQUIRE(schema::write_schema_store(run.path(), kCluster, image).ok());
  }
  CHECK(run.load(10).schema->database_count() == 2);
}

TEST_CASE("schema source: a database that came back after weeks has its tables") {
  constexpr int64_t kDayTs = (int64_t{24} * 3600 * 1000) << 18;
  Start run;
  const auto add_database_job = [&](int64_t id, DdlType type, int64_t schema, int64_t day) {
    run.world.add({.id = id,
                   .type = type,
                   .version = id,
                   .schema_id = schema,
                   .finished_ts = day * kDayTs,
                   .database = "d" + std::to_string(schema)});
  };
  add_database_job(1, DdlType::kCreateSchema, 101, 1);
  run.world.add({.id = 2,
                 .type = DdlType::kCreateTable,
                 .version = 2,
                 .schema_id = 101,
                 .table_id = 50,
                 .finished_ts = kDayTs,
                 .table = {{.id = 50, .name = "t", .columns = 3}}});
  add_database_job(3, DdlType::kDropSchema, 101, 5);
  add_database_job(4, DdlType::kCreateSchema, 102, 14);
  add_database_job(5, DdlType::kRecoverSchema, 101, 15);
  const LoadedSchema loaded = run.load(20 * kDayTs);
  const schema::TableLookup found = loaded.schema->find_table(TableId(50));
  REQUIRE(found.state == schema::TableLookup::State::kFound);
  CHECK(found.table->info->columns.size() == 3);
}

TEST_CASE("schema source: a snapshot knows the jobs that lie before it, and the changes since") {
  Start run;
  run.options.syncer.load_schema_snapshot = true;
  run.world.set_database(101, "a");
  run.world.set_table(101, 50, drainer::testing::table_json({.id = 50, .name = "t", .columns = 8}));
  const auto change = [](int64_t id, int64_t ts, int columns) {
    return JobSpec{.id = id,
                   .type = DdlType::kMultiSchemaChange,
                   .version = id,
                   .schema_id = 101,
                   .table_id = 50,
                   .finished_ts = ts,
                   .table = {{.id = 50, .name = "t", .columns = columns}}};
  };
  run.world.add(change(20, 500, 5));
  run.world.add(change(30, 900, 8));
  run.world.add(change(25, 2000, 9));
  const LoadedSchema loaded = run.load(1000, 40);
  CHECK(loaded.schema->find_table(TableId(50)).table->info->columns.size() == 8);
  CHECK(loaded.schema->known_jobs() ==
        std::vector<DdlJobId>{DdlJobId(20), DdlJobId(25), DdlJobId(30)});
  // The checkpoint has its version, its binlog comes before ts 2000: it has to go first.
  CHECK(loaded.schema->pending_count() == 1);
  const auto early = loaded.schema->early_changes(loaded.schema->version(), CommitTs(1500));
  REQUIRE(early.value().size() == 1);
  CHECK(early.value()[0]->id == DdlJobId(25));
}

TEST_CASE("schema source: late rows of tables that a snapshot no longer shows are told") {
  using State = schema::TableLookup::State;
  constexpr int64_t kDayTs = (int64_t{24} * 3600 * 1000) << 18;
  Start run;
  run.options.syncer.load_schema_snapshot = true;
  run.world.set_database(101, "a");
  run.world.set_table(101, 60, drainer::testing::table_json({.id = 60, .name = "t"}));
  run.world.set_table(101, 61, drainer::testing::table_json({.id = 61, .name = "back"}));
  const auto add = [&](int64_t id, DdlType type, int64_t table, int64_t new_table = 0) {
    JobSpec job{.id = id,
                .type = type,
                .version = id,
                .schema_id = 101,
                .table_id = table,
                .finished_ts = 10 * kDayTs + id};
    if (new_table != 0) job.table = {{.id = new_table, .name = "t"}};
    run.world.add(job);
  };
  run.world.add({.id = 1, .type = DdlType::kDropTable, .table_id = 49, .finished_ts = kDayTs});
  add(2, DdlType::kTruncateTable, 50, 51);
  add(3, DdlType::kAlterTablePartitioning, 51, 60);
  add(4, DdlType::kDropTable, 61);
  add(5, DdlType::kDropSchema, 0);
  Bytes& dropped = run.world.kv.pairs[JobWorld::job_key(5)];
  const std::string none = "\"raw_args\":null";
  dropped.replace(dropped.find(none), none.size(), "\"raw_args\":[true,[70,71]]");
  // More than is read at once.
  for (int64_t id = 6; id < 300; ++id) add(id, DdlType::kAddIndex, 60, 60);
  const LoadedSchema loaded = run.load(11 * kDayTs);
  const auto state = [&](int64_t id) { return loaded.schema->find_table(TableId(id)).state; };
  CHECK(state(49) == State::kUnknown);
  CHECK(state(50) == State::kTruncated);
  CHECK(loaded.schema->find_table(TableId(51)).id == TableId(60));
  CHECK(state(61) == State::kFound);
  CHECK(state(70) == State::kTruncated);
  CHECK(state(71) == State::kTruncated);
}

TEST_CASE("schema keeper: writes once the checkpoint has passed, and never ahead of it") {
  Start run;
  run.world.add({.id = 1,
                 .type = DdlType::kCreateSchema,
                 .version = 1,
                 .schema_id = 101,
                 .finished_ts = 1,
                 .database = "a"});
  const LoadedSchema loaded = run.load(10);
  SchemaKeeper keeper(run.path(), kCluster, run.world.clock);
  ThreadGroup threads;
  threads.start("keeper", [&](const StopToken& stop) { return keeper.run(stop); });
  keeper.offer(*loaded.schema, CommitTs(20));
  keeper.note_saved(CommitTs(19));
  CHECK_FALSE(std::filesystem::exists(run.path()));
  keeper.note_saved(CommitTs(20));
  // A second image has no room until the first is taken, and then not before its time.
  REQUIRE(fakes::wait_until([&] { return std::filesystem::exists(run.path()); }));
  threads.request_stop();
  REQUIRE(threads.wait().ok());
  const auto stored = schema::read_schema_store(run.path(), kCluster);
  REQUIRE((stored.ok() && *stored));
  CHECK((*stored)->commit_ts == CommitTs(20));
  CHECK((*stored)->databases.size() == 2);
  CHECK((*stored)->known_jobs == std::vector<DdlJobId>{DdlJobId(1)});
  std::filesystem::remove(run.path());
  keeper.write_last(*loaded.schema, CommitTs(30));  // unchanged since
  CHECK_FALSE(std::filesystem::exists(run.path()));
}
