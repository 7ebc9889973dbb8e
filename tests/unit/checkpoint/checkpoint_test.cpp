#include "syncer/checkpoint/checkpoint.h"

#include <sys/stat.h>

#include "syncer/checkpoint/file_checkpoint.h"
#include "syncer/checkpoint/open_checkpoint.h"
#include "syncer/checkpoint/table_checkpoint.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer {
namespace {

using fakes::MariadbServer;
using mysql::sample::Inspector;

const SavePoint kPoint{.commit_ts = CommitTs(414529105591271429),
                       .schema_version = SchemaVersion(58),
                       .consistent = false,
                       .ts_map = {}};

TEST_CASE("save point: JSON is Go's to the byte") {
  CHECK(to_json(kPoint) ==
        R"({"consistent":false,"commitTS":414529105591271429,"ts-map":{},"schema-version":58})");
  SavePoint with_map = kPoint;
  with_map.ts_map = {{"secondary-ts", 414529110048931842}, {"primary-ts", 414529105591271429}};
  CHECK(
      to_json(with_map) ==
      R"({"consistent":false,"commitTS":414529105591271429,"ts-map":{"primary-ts":414529105591271429,"secondary-ts":414529110048931842},"schema-version":58})");
}

TEST_CASE("save point: reads what any drainer has written") {
  auto point = parse_save_point(
      R"( {"COMMITts": 1024, "consistent": true, "extra": [1], "ts-map": {"master-ts": 2000, "slave-ts": 1999}} )");
  REQUIRE(point.ok());
  CHECK(point->commit_ts.value == 1024);
  CHECK(point->consistent);
  CHECK(point->schema_version.value == 0);
  CHECK(point->ts_map.at("slave-ts") == 1999);
  CHECK(parse_save_point(R"({"commitTS":1,"ts-map":null})")->ts_map.empty());
  for (const char* broken : {"", "{", "[]", R"({"commitTS":"1"})", R"({"ts-map":[]})",
                             R"({"commitTS":99999999999999999999})"}) {
    CAPTURE(broken);
    CHECK_FALSE(parse_save_point(broken).ok());
  }
}

TEST_CASE("file checkpoint: writes Go's bytes and reads them back") {
  const fakes::TempDir directory("savepoint");
  FileCheckpoint checkpoint(directory.path() + "/savepoint");
  auto none = checkpoint.load();
  REQUIRE(none.ok());
  CHECK_FALSE(none->has_value());

  REQUIRE(checkpoint.save(kPoint, StopToken()).ok());
  CHECK(to_hex(fakes::read_file(directory.path() + "/savepoint")) ==
        "636f6e73697374656e74203d2066616c73650a636f6d6d69745453203d20343134353239313035353931323731"
        "3432390a736368656d612d76657273696f6e203d2035380a");
  struct stat status {};
  REQUIRE(stat((directory.path() + "/savepoint").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0644);
  auto loaded = checkpoint.load();
  REQUIRE(loaded.ok());
  CHECK((*loaded)->commit_ts == kPoint.commit_ts);
  CHECK((*loaded)->schema_version == kPoint.schema_version);
}

TEST_CASE("file checkpoint: takes files of binlogctl, refuses what is no TOML") {
  const fakes::TempDir directory("savepoint");
  const std::string path = directory.path() + "/savepoint";
  fakes::write_file(path, "commitTS = 5\nunknown = 1\n");
  FileCheckpoint checkpoint(path);
  CHECK((*checkpoint.load())->commit_ts.value == 5);
  fakes::write_file(path, "commitTS = 5\n2018-01-01 00:00:00 +0800 CST\n");
  auto broken = checkpoint.load();
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error().code() == ErrorCode::kCorrupt);
  // Not as if there were none: the start would be now.
  for (const char* line : {"commitTS = '5'", "COMMITTS = 5.0", "commitTS = -5", "consistent = 1",
                           "schema-version = 'x'"}) {
    CAPTURE(line);
    fakes::write_file(path, line);
    auto refused = checkpoint.load();
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().to_string().find(path + ": ") != std::string::npos);
  }
}

TEST_CASE("file checkpoint: only one has it at a time") {
  const fakes::TempDir directory("savepoint");
  const std::string path = directory.path() + "/savepoint";
  {
    FileCheckpoint first(path);
    SavePoint point;
    point.commit_ts = CommitTs(5);
    REQUIRE(first.save(point, StopToken()).ok());
    FileCheckpoint second(path);
    auto refused = second.load();
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code() == ErrorCode::kConflict);
    CHECK(refused.error().to_string().find(path) != std::string::npos);
    CHECK_FALSE(second.save(point, StopToken()).ok());
  }
  CHECK((*FileCheckpoint(path).load())->commit_ts == CommitTs(5));
}

TEST_CASE("open checkpoint: the type decides") {
  const fakes::TempDir directory("savepoint");
  fakes::FakeClock clock;
  Options options;
  options.data_dir = directory.path();
  options.syncer.db_type = "kafka";
  CHECK(open_checkpoint(options, 1, clock).ok());
  options.syncer.to.checkpoint.type = "file";
  CHECK(open_checkpoint(options, 1, clock).ok());
  options.syncer.to.checkpoint.type = "pebble";
  auto unknown = open_checkpoint(options, 1, clock);
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().to_string() == "unknown checkpoint type: pebble: one of mysql, tidb, file");
}

TEST_CASE("table checkpoint: keeps one row per cluster", "[mariadb]") {
  REQUIRE_MARIADB();
  const uint16_t port = MariadbServer::shared().port();
  Inspector db(port);
  db.reset("test");
  fakes::FakeClock clock;
  Options options;
  options.syncer.to = mysql::sample::sink_options(port).syncer.to;
  const uint64_t cluster_id = 16791641053252586769ULL;
  auto checkpoint = open_checkpoint(options, cluster_id, clock);
  REQUIRE(checkpoint.ok());
  CHECK_FALSE((*checkpoint)->load()->has_value());
  REQUIRE((*checkpoint)->save(kPoint, StopToken()).ok());
  CHECK((*(*checkpoint)->load())->commit_ts == kPoint.commit_ts);
  CHECK(db.rows("SELECT * FROM tidb_binlog.checkpoint") ==
        "16791641053252586769|" + to_json(kPoint));

  auto only = open_checkpoint(options, 0, clock);
  REQUIRE(only.ok());
  CHECK((*(*only)->load())->commit_ts == kPoint.commit_ts);
  db.run("INSERT INTO tidb_binlog.checkpoint VALUES(1,'{}')");
  auto several = open_checkpoint(options, 0, clock);
  REQUIRE_FALSE(several.ok());
  CHECK_THAT(several.error().text(),
             Catch::StartsWith("there are multi row in checkpoint table tidb_binlog.checkpoint, of "
                               "the clusters 1, "));
}

TEST_CASE("table checkpoint: saves over a new connection when the old one is gone", "[mariadb]") {
  REQUIRE_MARIADB();
  const uint16_t port = MariadbServer::shared().port();
  Inspector db(port);
  db.reset("test");
  fakes::FakeClock clock;
  auto checkpoint = TableCheckpoint::open({.session = mysql::sample::root_session(port),
                                           .schema = "tidb_binlog",
                                           .table = "checkpoint",
                                           .cluster_id = 3},
                                          clock);
  REQUIRE(checkpoint.ok());
  auto ids = db.session().query(
      "SELECT id FROM information_schema.processlist WHERE id <> "
      "CONNECTION_ID() AND user = 'root'");
  REQUIRE(ids.ok());
  for (const auto& row : *ids) (void)db.session().execute("KILL " + *row[0]);
  CHECK((*checkpoint)->save(kPoint, StopToken()).ok());
  StopSource time_is_up;
  time_is_up.request_stop();
  CHECK((*checkpoint)->save(kPoint, time_is_up.get_token()).ok());
  CHECK(clock.slept().size() == 1);
  db.run("DROP TABLE tidb_binlog.checkpoint");
  auto given_up = (*checkpoint)->save(kPoint, time_is_up.get_token());
  REQUIRE_FALSE(given_up.ok());
  CHECK(given_up.error().code() == ErrorCode::kStopped);
  CHECK(clock.slept().size() == 1);
  auto failed = (*checkpoint)->save(kPoint, StopToken());
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().to_string().starts_with(
      "query sql failed: replace into tidb_binlog.checkpoint values(3, '"));
}

}  // namespace
}  // namespace drainer
