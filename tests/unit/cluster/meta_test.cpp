#include "drainer/cluster/meta.h"

#include "drainer/cluster/key_codec.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/cluster/fake_etcd.h"
#include "tests/unit/cluster/fake_kv.h"
#include "tests/unit/cluster/fake_pd.h"

#include <catch2/catch.hpp>

namespace drainer::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kSafePointKey = "/tidb/store/gcworker/saved_safe_point";

Bytes job_key(int64_t id) {
  Bytes field;
  append_be64(field, static_cast<uint64_t>(id));
  return hash_field_key("DDLJobHistory", field);
}

Bytes job_json(int64_t id) {
  return fmt::format(
      R"({{"id":{},"type":1,"schema_id":2637,"table_id":0,"state":6,"err":null,"raw_args":null,)"
      R"("schema_state":5,"start_ts":405741719074373658,"query":"create database d",)"
      R"("binlog":{{"SchemaVersion":3195,"DBInfo":null,"TableInfo":null,"FinishedTS":1}}}})",
      id);
}

Bytes db_json(int64_t id, std::string_view name) {
  return fmt::format(R"({{"id":{0},"db_name":{{"O":"{1}","L":"{1}"}},"charset":"utf8mb4",)"
                     R"("collate":"utf8mb4_bin","state":5}})",
                     id, name);
}

Bytes table_json(int64_t id, std::string_view name) {
  return fmt::format(
      R"({{"id":{0},"name":{{"O":"{1}","L":"{1}"}},"charset":"utf8mb4","collate":"utf8mb4_bin",)"
      R"("cols":[{{"id":1,"name":{{"O":"a","L":"a"}},"offset":0,"state":5,)"
      R"("type":{{"Tp":3,"Flag":0,"Flen":11,"Decimal":0,"Charset":"binary","Collate":"binary"}}}}],)"
      R"("index_info":null,"state":5,"pk_is_handle":false}})",
      id, name);
}

struct MetaWorld {
  fakes::FakeClock clock;
  fakes::FakePd pd{clock};
  fakes::FakeKv kv;
  fakes::FakeEtcd etcd;
  Meta meta{pd, kv, clock, &etcd};

  void add_database(int64_t id, std::string_view name) {
    kv.pairs[hash_field_key("DBs", fmt::format("DB:{}", id))] = db_json(id, name);
  }
  void add_field(int64_t db, const std::string& field, Bytes value) {
    kv.pairs[hash_field_key(fmt::format("DB:{}", db), field)] = std::move(value);
  }
};

TEST_CASE("meta: a job that is there is returned without a pause") {
  MetaWorld world;
  world.kv.pairs[job_key(42)] = job_json(42);
  const auto job = world.meta.wait_for_job(DdlJobId(42), {}).value();
  CHECK(job->id == DdlJobId(42));
  CHECK(job->is_finished());
  CHECK(world.clock.slept().empty());
}

TEST_CASE("meta: a job is waited for without limit, every 100 ms, each time at a fresh timestamp") {
  MetaWorld world;
  world.clock.on_sleep([&] {
    if (world.clock.slept().size() == 10'000) world.kv.pairs[job_key(42)] = job_json(42);
  });
  CHECK(world.meta.wait_for_job(DdlJobId(42), {}).ok());
  CHECK(world.clock.slept() == std::vector<Duration>(10'000, milliseconds(100)));
  REQUIRE(world.kv.versions.size() == 10'001);
  CHECK(std::is_sorted(world.kv.versions.begin(), world.kv.versions.end()));
  CHECK(world.kv.versions.front() < world.kv.versions.back());
}

TEST_CASE("meta: a stop ends the wait for a job") {
  MetaWorld world;
  StopSource stop;
  world.clock.on_sleep([&] { stop.request_stop(); });
  CHECK(world.meta.wait_for_job(DdlJobId(42), stop.get_token()).error().code() ==
        ErrorCode::kStopped);
  CHECK(world.clock.slept().size() == 1);
}

TEST_CASE("meta: ten failures in a row, a second apart, end the wait for a job") {
  for (const bool is_pd : {true, false}) {
    MetaWorld world;
    (is_pd ? world.pd.failure : world.kv.failure) =
        Error(ErrorCode::kUnavailable, "connection refused");
    CHECK(world.meta.wait_for_job(DdlJobId(42), {}).error().to_string() ==
          "get DDL job 42 failed 10 times: connection refused");
    CHECK(world.clock.slept() == std::vector<Duration>(9, seconds(1)));
  }
}

TEST_CASE("meta: nine failures are forgiven, again and again") {
  MetaWorld world;
  const Error down(ErrorCode::kUnavailable, "connection refused");
  world.kv.failure = down;
  int failures_left = 9;
  int rounds = 0;
  world.clock.on_sleep([&] {
    if (world.clock.slept().back() == seconds(1)) {
      if (--failures_left == 0) world.kv.failure.reset();
      return;
    }
    failures_left = 9;
    world.kv.failure = down;
    if (++rounds == 3) {
      world.kv.failure.reset();
      world.kv.pairs[job_key(42)] = job_json(42);
    }
  });
  CHECK(world.meta.wait_for_job(DdlJobId(42), {}).ok());
  CHECK(rounds == 3);
}

TEST_CASE("meta: a job that cannot be parsed is an error at once") {
  MetaWorld world;
  world.kv.pairs[job_key(42)] = "{broken";
  const Error error = world.meta.wait_for_job(DdlJobId(42), {}).error();
  CHECK(error.to_string().starts_with("parse DDL job 42: "));
  CHECK(world.clock.slept().empty());
}

TEST_CASE("meta: the history comes by rising job id, at one timestamp, and nothing else with it") {
  MetaWorld world;
  for (const int64_t id : {300, 2, 70'000, 255, 256}) world.kv.pairs[job_key(id)] = job_json(id);
  world.kv.pairs[meta_key("DDLJobHistory", MetaFlag::kHashMeta)] = "count";
  world.kv.pairs[meta_key("DDLJobList", MetaFlag::kListMeta)] = "list";
  std::vector<int64_t> ids;
  REQUIRE(world.meta
              .scan_history(
                  [&](DdlJobId id, ByteView json) -> Result<void> {
                    ids.push_back(id.value);
                    CHECK(json == job_json(id.value));
                    return {};
                  },
                  {})
              .ok());
  CHECK(ids == std::vector<int64_t>{2, 255, 256, 300, 70'000});
  CHECK(world.kv.versions.size() == 1);
}

TEST_CASE("meta: ids of the history come without its jobs, ranges without their neighbours") {
  MetaWorld world;
  for (const int64_t id : {2, 255, 256, 300, 70'000}) world.kv.pairs[job_key(id)] = "no job";
  CHECK(world.meta.history_ids({}).value() == std::vector<DdlJobId>{DdlJobId(2), DdlJobId(255),
                                                                    DdlJobId(256), DdlJobId(300),
                                                                    DdlJobId(70'000)});
  std::vector<int64_t> ids;
  CHECK(world.meta
            .scan_history(DdlJobId(255), DdlJobId(300),
                          [&](DdlJobId id, ByteView) -> Result<void> {
                            ids.push_back(id.value);
                            return {};
                          },
                          {})
            .ok());
  CHECK(ids == std::vector<int64_t>{255, 256, 300});
}

TEST_CASE("meta: a table as it is now shows what is not public, a gone one nothing") {
  MetaWorld world;
  world.add_field(1, "Table:9", table_json(9, "nine"));
  const auto table = world.meta.current_table(SchemaId(1), TableId(9), {}).value();
  REQUIRE(table);
  CHECK(table->name == "nine");
  CHECK_FALSE(world.meta.current_table(SchemaId(1), TableId(8), {}).value());
  world.add_field(1, "Table:9", "{");
  CHECK(world.meta.current_table(SchemaId(1), TableId(9), {}).error().code() ==
        ErrorCode::kCorrupt);
}

TEST_CASE("meta: the history ends at the first error, of the caller or of a key") {
  MetaWorld world;
  world.kv.pairs[job_key(1)] = job_json(1);
  const Result<void> refused = world.meta.scan_history(
      [](DdlJobId, ByteView) -> Result<void> { return Error(ErrorCode::kCorrupt, "bad job"); }, {});
  CHECK(refused.error().text() == "bad job");
  world.kv.pairs = {{hash_field_key("DDLJobHistory", "short"), "x"}};
  const Result<void> odd =
      world.meta.scan_history([](DdlJobId, ByteView) -> Result<void> { return {}; }, {});
  CHECK(odd.error().code() == ErrorCode::kCorrupt);
}

TEST_CASE("meta: a snapshot has databases and tables in text order, and only tables") {
  MetaWorld world;
  world.add_database(2, "two");
  world.add_database(10, "ten");
  world.add_database(1, "one");
  world.add_field(1, "Table:9", table_json(9, "nine"));
  world.add_field(1, "Table:45", table_json(45, "forty_five"));
  world.add_field(1, "Table:100", table_json(100, "hundred"));
  for (const char* other : {"TID:45", "IID:45", "TARID:45", "SID:45", "SequenceCycle:45"}) {
    world.add_field(1, other, "5000");
  }
  world.add_field(3, "Table:7", table_json(7, "of a database that is gone"));

  const SchemaSnapshot snapshot = world.meta.snapshot(CommitTs(77), {}).value();
  std::vector<std::string> names;
  for (const auto& database : snapshot.databases) {
    names.push_back(database.info.name);
    for (const auto& table : database.tables)
      names.push_back(database.info.name + "." + table->name);
  }
  CHECK(names ==
        std::vector<std::string>{"one", "one.hundred", "one.forty_five", "one.nine", "ten", "two"});
  CHECK(world.kv.versions == std::vector<CommitTs>(4, CommitTs(77)));
}

TEST_CASE("meta: the snapshot at 0 is empty, without any read") {
  MetaWorld world;
  world.add_database(1, "one");
  CHECK(world.meta.snapshot(CommitTs(0), {}).value().databases.empty());
  CHECK(world.kv.versions.empty());
}

TEST_CASE("meta: a snapshot below the GC safe point is refused, at it it is read") {
  MetaWorld world;
  world.etcd.values[std::string(kSafePointKey)] = "78";
  const Error error = world.meta.snapshot(CommitTs(77), {}).error();
  CHECK(error.code() == ErrorCode::kInvalid);
  CHECK(error.text().starts_with("GC life time is shorter than transaction duration"));
  CHECK(world.kv.versions.empty());
  CHECK(world.meta.snapshot(CommitTs(78), {}).ok());
}

TEST_CASE("meta: a snapshot that GC overtakes while it is read is refused") {
  MetaWorld world;
  world.etcd.values[std::string(kSafePointKey)] = "70";
  world.kv.before_scan = [&] { world.etcd.values[std::string(kSafePointKey)] = "80"; };
  CHECK(world.meta.snapshot(CommitTs(77), {}).error().code() == ErrorCode::kInvalid);
}

TEST_CASE("meta: without knowledge of the safe point there is no snapshot") {
  MetaWorld world;
  for (const std::string value : {"", "x", "77x", "99999999999999999999"}) {
    world.etcd.values[std::string(kSafePointKey)] = value;
    CHECK(world.meta.snapshot(CommitTs(77), {}).error().code() == ErrorCode::kCorrupt);
  }
  world.etcd.failure = Error(ErrorCode::kUnavailable, "connection refused");
  CHECK(world.meta.snapshot(CommitTs(77), {}).error().to_string() ==
        "read the GC safe point: connection refused");
}

TEST_CASE("meta: a table that cannot be parsed is named with its database") {
  MetaWorld world;
  world.add_database(1, "one");
  world.add_field(1, "Table:45", "{broken");
  CHECK(world.meta.snapshot(CommitTs(77), {})
            .error()
            .to_string()
            .starts_with("read the schema at 77: parse Table:45 of DB:1: "));
}

}  // namespace
}  // namespace drainer::cluster
