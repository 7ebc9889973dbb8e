// Recovery out of relay logs that a test has written, into the tests' MariaDB.

#include "drainer/relay_recovery.h"
#include "syncer/checkpoint/open_checkpoint.h"
#include "syncer/file/record.h"
#include "syncer/kafka/message.h"
#include "tests/fakes/txns.h"
#include "tests/integration/pipeline.h"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace drainer;
using fakes::TxnBuilder;
using integration::Capture;
using integration::Pipeline;

namespace {

// The checkpoint stands at 100, of a run that crashed.
struct Crashed {
  Crashed() {
    options.data_dir = pipeline.directory() + "/data";
    options.syncer.relay.log_dir = log;
    options.syncer.worker_count = 2;
    options.syncer.to.host = "127.0.0.1";
    options.syncer.to.port = static_cast<uint16_t>(pipeline.server().port());
    options.syncer.to.user = "dr";
    options.syncer.to.password = "p";
    std::filesystem::create_directories(log);
    auto checkpoint = open_checkpoint(options, /*cluster_id=*/7, clock);
    REQUIRE(checkpoint.ok());
    SavePoint point;
    point.commit_ts = CommitTs(100);
    REQUIRE((*checkpoint)->save(point).ok());
  }

  void add_log(const std::vector<Txn>& txns) {
    const tidb::TimeZone zone;
    kafka::MessageWriter messages(zone);
    Bytes content;
    for (const Txn& txn : txns) {
      ReverseWriter out;
      REQUIRE(messages.put(out, txn).ok());
      file::append_record(content, out.view());
    }
    fakes::write_file(fmt::format("{}/binlog-{:016}-20261121000000", log, files++), content);
  }

  std::string recover() {
    const Result<void> recovered = recover_from_relay(options, clock, EndTokens());
    return recovered.ok() ? "" : recovered.error().to_string();
  }

  SavePoint saved() {
    auto checkpoint = open_checkpoint(options, /*cluster_id=*/7, clock);
    REQUIRE(checkpoint.ok());
    return (*checkpoint)->load().value().value();
  }

  std::string tables_of(const std::string& schema) {
    return pipeline.downstream()
        .query_value(
            "select group_concat(table_name order by table_name) from "
            "information_schema.tables where table_schema='" +
            schema + "'")
        .value();
  }

  SystemClock clock;
  Pipeline pipeline{Capture::bundled()};
  const std::string log = pipeline.directory() + "/relay";
  int files = 0;
  Options options;
};

}  // namespace

TEST_CASE("recovery: what the filter has left of DDL about several tables is applied") {
  Crashed run;
  run.options.syncer.ignore_schemas = {"hidden"};
  mysql::Session& downstream = run.pipeline.downstream();
  REQUIRE(downstream.execute("create database shown").ok());
  REQUIRE(downstream.execute("create table shown.a (id int primary key)").ok());
  std::vector<Txn> txns;
  // Of each the syncer has taken something out; the name is that of what it took.
  txns.push_back(
      TxnBuilder(110).ddl("hidden", "y", "RENAME TABLE `shown`.`a` TO `shown`.`b`").build());
  txns.push_back(
      TxnBuilder(120).ddl("hidden", "z", "create table `shown`.`c` (id int primary key);").build());
  txns.push_back(TxnBuilder(130).ddl("shown", "b", "alter table b add c int").build());
  run.add_log(txns);
  REQUIRE(run.recover() == "");
  CHECK(run.tables_of("shown") == "b,c");
  CHECK(downstream.query("select c from shown.b").ok());
  CHECK(run.saved().consistent);
  CHECK(run.saved().commit_ts == CommitTs(130));
}

TEST_CASE("recovery: a log without records, of a run that logged nothing, is the end") {
  Crashed run;
  run.add_log({});
  REQUIRE(run.recover() == "");
  CHECK(run.saved().consistent);
  CHECK(run.saved().commit_ts == CommitTs(100));

  Crashed without_files;
  REQUIRE(without_files.recover() == "");
  CHECK(without_files.saved().consistent);

  Crashed without_log;
  std::filesystem::remove_all(without_log.log);
  CHECK_THAT(without_log.recover(), Catch::Contains("holds no binlog files"));
  CHECK_FALSE(without_log.saved().consistent);
}
