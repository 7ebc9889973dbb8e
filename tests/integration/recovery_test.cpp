// Recovery out of the relay log, of drainers that were killed, and of logs that a test has written.

#include "drainer/relay_recovery.h"
#include "syncer/checkpoint/open_checkpoint.h"
#include "syncer/kafka/message.h"
#include "tests/fakes/tcp_proxy.h"
#include "tests/fakes/txns.h"
#include "tests/integration/keyless_capture.h"
#include "tests/integration/pipeline.h"
#include "tests/integration/record_content.h"
#include "tests/integration/replay_process.h"

#include <catch2/catch.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>

using namespace drainer;
using fakes::TxnBuilder;
using integration::Capture;
using integration::Pipeline;

namespace {

Options recovery_options(Pipeline& pipeline, const std::string& log) {
  Options options;
  options.data_dir = pipeline.directory() + "/data";
  options.syncer.relay.log_dir = log;
  options.syncer.worker_count = 4;
  options.syncer.to.host = "127.0.0.1";
  options.syncer.to.port = static_cast<uint16_t>(pipeline.server().port());
  options.syncer.to.user = "dr";
  options.syncer.to.password = "p";
  return options;
}

// The checkpoint stands at 100, of a run that crashed.
struct Crashed {
  Crashed() {
    std::filesystem::create_directories(log);
    save(100);
  }

  void save(int64_t ts, uint64_t cluster_id = 7) {
    auto checkpoint = open_checkpoint(options, cluster_id, clock);
    REQUIRE(checkpoint.ok());
    SavePoint point;
    point.commit_ts = CommitTs(ts);
    REQUIRE((*checkpoint)->save(point, StopToken()).ok());
  }

  void add_log(const std::vector<Txn>& txns) {
    const tidb::TimeZone zone;
    kafka::MessageWriter messages(zone);
    fakes::write_file(fmt::format("{}/binlog-{:016}-20261121000000", log, files++),
                      integration::record_content(messages, txns));
  }

  void add_chained(const std::vector<Txn>& txns, int64_t previous) {
    const tidb::TimeZone zone;
    kafka::MessageWriter messages(zone);
    fakes::write_file(fmt::format("{}/binlog-{:016}-20261121000000", log, files++),
                      integration::chained_content(messages, txns, CommitTs(previous)));
  }

  std::string recover() {
    const Result<void> recovered = recover_from_relay(options, clock, EndTokens());
    return recovered.ok() ? "" : recovered.error().to_string();
  }

  SavePoint saved(uint64_t cluster_id = 7) {
    auto checkpoint = open_checkpoint(options, cluster_id, clock);
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

  // Without a key, a row that comes twice is there twice.
  void create_t1() {
    REQUIRE(pipeline.downstream().execute("create database test").ok());
    REQUIRE(pipeline.downstream().execute("create table test.t1 (id int, name varchar(32))").ok());
  }
  std::string ids_of_t1() {
    return pipeline.downstream()
        .query_value("select group_concat(id order by id) from test.t1")
        .value();
  }

  SystemClock clock;
  Pipeline pipeline{Capture::bundled()};
  const std::string log = pipeline.directory() + "/relay";
  int files = 0;
  Options options = recovery_options(pipeline, log);
};

// A row of test.t1 each, with the commit ts as its id.
std::vector<Txn> inserts(const std::vector<int64_t>& all) {
  std::vector<Txn> txns;
  for (const int64_t ts : all) {
    txns.push_back(TxnBuilder(ts)
                       .on(fakes::example_table())
                       .insert({tidb::Value::of_int(ts), fakes::text("a")})
                       .build());
  }
  return txns;
}

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

TEST_CASE("recovery: what only an early file of the log holds is applied, once") {
  Crashed run;
  run.create_t1();
  run.add_log(inserts({90, 95, 100, 110, 120, 130}));
  // Another crash, before the second run had caught up with the first.
  run.add_log(inserts({95, 100, 110}));
  REQUIRE(run.recover() == "");
  CHECK(run.ids_of_t1() == "110,120,130");
  CHECK(run.saved().commit_ts == CommitTs(130));
}

TEST_CASE("recovery: where the drainer was made to start over, the log serves from there on") {
  struct Case {
    std::string name;
    std::vector<std::vector<int64_t>> files;
    std::string applied;
    int64_t saved;
  };
  const Case one = GENERATE(values<Case>({
      {"the log of before reaches further", {{200, 400}, {410, 50, 100, 110, 120}}, "110,120", 120},
      {"it was left behind", {{300, 310}, {100, 110, 120}}, "110,120", 120},
      {"the log of before is reached", {{105, 115, 125}, {50, 105, 115}}, "105,115,125", 125},
      {"the first run ended before it saved a checkpoint",
       {{110, 120, 130}, {110, 120}},
       "110,120,130",
       130},
  }));
  INFO(one.name);
  Crashed run;
  run.create_t1();
  for (const std::vector<int64_t>& file : one.files) run.add_log(inserts(file));
  REQUIRE(run.recover() == "");
  CHECK(run.ids_of_t1() == one.applied);
  CHECK(run.saved().commit_ts == CommitTs(one.saved));
  CHECK(run.saved().consistent);
}

TEST_CASE("recovery: a checkpoint that was moved back before the log is not taken for its begin") {
  Crashed run;
  run.create_t1();
  run.add_log(inserts({110, 120}));
  REQUIRE(run.recover() == "");
  run.save(50);
  CHECK_THAT(run.recover(), Catch::Contains("moved back") && Catch::Contains("begins at 110"));
  CHECK(run.saved().commit_ts == CommitTs(50));
  CHECK_FALSE(run.saved().consistent);
}

TEST_CASE("recovery: a log that lacks what a restored downstream lacks stops it") {
  Crashed run;
  run.create_t1();
  run.files = 3;
  run.add_chained(inserts({120, 130}), 110);
  CHECK_THAT(run.recover(), Catch::Contains("begins at 120, behind 110") &&
                                Catch::Contains("holds up to 100") && Catch::Contains("missing"));
  CHECK_FALSE(run.saved().consistent);
  CHECK(run.pipeline.downstream().query_value("select count(*) from test.t1").value() == "0");
  // What was there up to 110 is applied.
  run.save(110);
  REQUIRE(run.recover() == "");
  CHECK(run.ids_of_t1() == "120,130");
  CHECK(run.saved().consistent);
}

TEST_CASE("recovery: of several checkpoints the log tells which is its own") {
  Crashed run;
  run.create_t1();
  run.add_log(inserts({110, 120}));
  run.save(115, /*cluster_id=*/8);
  CHECK_THAT(run.recover(), Catch::Contains("of the clusters 7, 8"));
  fakes::write_file(run.log + "/cluster-id", "7\n");
  REQUIRE(run.recover() == "");
  CHECK(run.ids_of_t1() == "110,120");
  CHECK(run.saved().consistent);
  CHECK_FALSE(run.saved(/*cluster_id=*/8).consistent);
}

TEST_CASE("recovery: a relay log that its drainer has applied is not replayed beside it") {
  Crashed run;
  run.create_t1();
  run.add_log(inserts({110, 120}));
  REQUIRE(run.recover() == "");
  run.add_log(inserts({130}));
  run.pipeline.write_config({.pd_urls = "http://127.0.0.1:1"});
  const std::string config = run.pipeline.directory() + "/drainer.toml";
  const auto replay = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"-config", config};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back(run.log);
    return integration::start(run.pipeline, "replay", arguments)->wait(integration::kEndLimit);
  };
  CHECK(replay({}) == 1);
  CHECK(run.ids_of_t1() == "110,120");
  CHECK_THAT(fakes::read_file(run.pipeline.directory() + "/replay.log"),
             Catch::Contains("drainer of cluster 7") && Catch::Contains("up to commit ts 120") &&
                 Catch::Contains("-start-ts"));
  CHECK(replay({"-start-ts", "121"}) == 0);
  // The task is known now.
  CHECK(replay({}) == 0);
  CHECK(run.ids_of_t1() == "110,120,130");
}

TEST_CASE("recovery: how it ended is told on standard error, though the exit code is 1") {
  Crashed run;
  run.create_t1();
  run.add_log(inserts({110}));
  run.pipeline.write_config(
      {.more = "[syncer.relay]\nlog-dir = \"" + run.log + "\"\n", .pd_urls = "http://127.0.0.1:1"});
  run.pipeline.start_drainer({});
  CHECK(run.pipeline.wait_for_drainer(std::chrono::seconds(60)) == 1);
  CHECK_THAT(run.pipeline.drainer_log(),
             Catch::Contains("drainer: the relay log was applied up to 110, the downstream is "
                             "consistent"));
}

TEST_CASE("recovery: a second signal ends it at once while the downstream refuses connections") {
  Crashed run;
  mysql::Session& downstream = run.pipeline.downstream();
  run.create_t1();
  std::vector<Txn> txns;
  txns.push_back(TxnBuilder(110)
                     .on(fakes::example_table())
                     .insert({tidb::Value::of_int(1), fakes::text("a")})
                     .build());
  run.add_log(txns);
  run.pipeline.write_config(
      {.more = "[syncer.relay]\nlog-dir = \"" + run.log + "\"\n", .pd_urls = "http://127.0.0.1:1"});
  const std::string config = run.pipeline.directory() + "/drainer.toml";
  auto proxy = std::make_unique<fakes::TcpProxy>(run.options.syncer.to.port);
  std::string text = fakes::read_file(config);
  const std::string port = fmt::format("port = {}", run.options.syncer.to.port);
  REQUIRE(text.find(port) != std::string::npos);
  text.replace(text.find(port), port.size(), fmt::format("port = {}", proxy->port()));
  fakes::write_file(config, text);

  REQUIRE(downstream.execute("lock tables test.t1 write").ok());
  run.pipeline.start_drainer({});
  REQUIRE(run.pipeline.wait_until([&downstream] {
    return downstream
               .query_value(
                   "select count(*) from information_schema.processlist where state like "
                   "'Waiting for table%'")
               .value() != "0";
  }));
  proxy.reset();
  run.pipeline.drainer().send_signal(SIGTERM);
  CHECK_FALSE(run.pipeline.drainer().wait_ms(2000).has_value());
  run.pipeline.drainer().send_signal(SIGTERM);
  INFO(run.pipeline.drainer_log());
  CHECK(run.pipeline.wait_for_drainer(std::chrono::seconds(20)) == 0);
  CHECK_FALSE(run.saved().consistent);
  REQUIRE(downstream.execute("unlock tables").ok());
  REQUIRE(run.recover() == "");
  CHECK(downstream.query_value("select count(*) from test.t1").value() == "1");
}

TEST_CASE("recovery: a log without records, of a run that logged nothing, is the end") {
  Crashed run;
  run.add_log({});
  REQUIRE(run.recover() == "");
  CHECK(run.saved().consistent);
  CHECK(run.saved().commit_ts == CommitTs(100));

  Crashed without_files;
  CHECK_THAT(without_files.recover(), Catch::Contains("is its disk mounted?"));
  CHECK_FALSE(without_files.saved().consistent);

  Crashed without_log;
  std::filesystem::remove_all(without_log.log);
  CHECK_THAT(without_log.recover(), Catch::Contains("is its disk mounted?"));
  CHECK_FALSE(without_log.saved().consistent);
}

namespace {

// What is killed half way over the capture is completed out of the relay log.
struct RelayRun {
  RelayRun(Capture capture, std::string more_config)
      : pipeline(std::move(capture)), more(std::move(more_config)) {
    more += "[syncer.relay]\nlog-dir = \"" + log + "\"\nmax-file-size = 65536\n";
  }

  void start_and_kill() {
    ::setenv("TZ", "UTC", 1);
    pipeline.start_upstream({"--pace", "100"});
    pipeline.write_config({.more = more});
    pipeline.start_drainer_over_capture();
    // However far it has come by then.
    REQUIRE_FALSE(pipeline.drainer().wait_ms(2500).has_value());
    pipeline.drainer().send_signal(SIGKILL);
    REQUIRE(pipeline.wait_for_drainer() == 128 + SIGKILL);
  }

  std::string recover() {
    SystemClock clock;
    const Result<void> recovered = recover_from_relay(options, clock, EndTokens());
    return recovered.ok() ? "" : recovered.error().to_string();
  }

  // The upstream is back: it goes on from there.
  void complete() {
    pipeline.stop_upstream();
    pipeline.start_upstream();
    pipeline.write_config({.more = more});
    pipeline.start_drainer_over_capture();
    REQUIRE(pipeline.wait_for_drainer() == 0);
    INFO(pipeline.drainer_log().substr(0, 5000));
    for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
  }

  Pipeline pipeline;
  const std::string log = pipeline.directory() + "/relay";
  std::string more;
  Options options = recovery_options(pipeline, log);
};

}  // namespace

TEST_CASE("relay: with the upstream gone the log completes what was begun, once") {
  RelayRun run(Capture::bundled(), "");
  run.start_and_kill();
  REQUIRE(run.recover() == "");
  const auto saved =
      run.pipeline.downstream().query("select checkPoint from tidb_binlog.checkpoint");
  REQUIRE(saved.ok());
  CHECK_THAT(saved->at(0)[0].value_or(""), Catch::StartsWith("{\"consistent\":true,"));
  // A second time there is nothing to do.
  REQUIRE(run.recover() == "");
  run.complete();
}

TEST_CASE("relay: once also with the checkpoint in a file, which does not tell the cluster") {
  const integration::KeylessCapture keyless(20261121, 600);
  RelayRun run(keyless.capture(), "[syncer.to.checkpoint]\ntype = \"file\"\n");
  run.options.syncer.to.checkpoint.type = "file";
  run.start_and_kill();
  mysql::Session& downstream = run.pipeline.downstream();
  const auto copy_progress = [&](const std::string& cluster, const std::string& checkpoints) {
    const auto copied =
        downstream.execute("insert into tidb_binlog.drainer_progress select " + cluster +
                           ", worker, owner, epoch, commit_ts, applied, ddl_ts, " + checkpoints +
                           " from tidb_binlog.drainer_progress where cluster_id > 10");
    INFO((copied.ok() ? "" : copied.error().to_string()));
    REQUIRE(copied.ok());
  };
  std::filesystem::remove(run.log + "/cluster-id");  // As logs of old.
  // Of another task, and of a cluster whose checkpoint is the same.
  copy_progress("1", "5, 5");
  copy_progress("2", "checkpoint_ts, saved_ts");
  CHECK_THAT(run.recover(), Catch::Contains("clusters") && Catch::Contains(" 2") &&
                                Catch::Contains("drainer_progress"));
  REQUIRE(downstream.execute("delete from tidb_binlog.drainer_progress where cluster_id=2").ok());
  REQUIRE(run.recover() == "");
  CHECK(
      downstream.query_value("select count(distinct cluster_id) from tidb_binlog.drainer_progress")
          .value() == "2");
  CHECK_THAT(fakes::read_file(run.options.data_dir + "/savepoint"),
             Catch::StartsWith("consistent = true\n"));
  REQUIRE(run.recover() == "");
  run.complete();
}
