// `drainer replay`, as an operator meets it: what the file output holds gives
// the tables that TiDB held.

#include "tests/fakes/tcp_proxy.h"
#include "tests/fakes/txns.h"
#include "tests/integration/replay_process.h"

#include <catch2/catch.hpp>

#include <csignal>
#include <filesystem>
#include <random>

using namespace drainer;
using namespace drainer::integration;

namespace {

std::string ids_of_t1(Pipeline& pipeline) {
  return pipeline.downstream()
      .query_value("select group_concat(id order by id) from test.t1")
      .value();
}

void check_tables(Pipeline& pipeline, const std::string& command) {
  INFO(fakes::read_file(pipeline.directory() + "/" + command + ".log").substr(0, 5000));
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
}

}  // namespace

TEST_CASE("replay: killed again and again, then to the end: the tables of the capture") {
  Pipeline pipeline(Capture::bundled());
  const std::string files = record_files(pipeline);
  const std::vector<std::string> arguments = {"-config", pipeline.directory() + "/drainer.toml",
                                              files};
  std::mt19937 random(20261121);
  std::uniform_int_distribution<int> pause_ms(20, 400);
  for (int i = 0; i < 5; ++i) {
    const auto replay = start(pipeline, "replay", arguments);
    if (replay->wait_ms(pause_ms(random))) break;
    replay->send_signal(SIGKILL);
    REQUIRE(replay->wait(kEndLimit) == 128 + SIGKILL);
  }
  const auto code = start(pipeline, "replay", arguments)->wait(kEndLimit);
  INFO(fakes::read_file(pipeline.directory() + "/replay.log"));
  REQUIRE(code.value_or(-1) == 0);
  check_tables(pipeline, "replay");
  // Once more: there is nothing left to do, tables without keys included.
  REQUIRE(start(pipeline, "replay", arguments)->wait(kEndLimit) == 0);
  check_tables(pipeline, "replay");
}

TEST_CASE("replay: up to a commit ts, then from there on under another name") {
  Pipeline pipeline(Capture::bundled());
  const std::string files = record_files(pipeline);
  const std::string config = pipeline.directory() + "/drainer.toml";
  // Half way between the capture's ends.
  const int64_t from = std::stoll(pipeline.capture().from_ts);
  const int64_t middle = from + (std::stoll(pipeline.capture().until_ts) - from) / 2;
  REQUIRE(start(pipeline, "replay",
                {"-config", config, "-stop-ts", std::to_string(middle), "-task", "one", files})
              ->wait(kEndLimit) == 0);
  CHECK_FALSE(pipeline.differences().empty());
  REQUIRE(start(pipeline, "replay",
                {"-config", config, "--start-ts=" + std::to_string(middle + 1), "-task=two", files})
              ->wait(kEndLimit) == 0);
  check_tables(pipeline, "replay");
}

TEST_CASE(
    "replay: the start only says where a task begins, a later one neither repeats nor skips") {
  Pipeline pipeline(Capture::bundled());
  pipeline.write_config({.pd_urls = "http://127.0.0.1:1"});
  REQUIRE(pipeline.downstream().execute("create database test").ok());
  REQUIRE(pipeline.downstream()
              .execute("create table test.t1 (id int primary key, name varchar(32))")
              .ok());
  std::vector<Txn> txns;
  txns.push_back(insert_at(100));
  txns.push_back(fakes::TxnBuilder(150).ddl("test", "t1", "truncate table t1").build());
  for (const int64_t ts : {160, 165, 170, 180}) txns.push_back(insert_at(ts));
  const std::string file = write_pb_file(pipeline, txns);
  const auto replay = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-config", pipeline.directory() + "/drainer.toml"});
    arguments.push_back(file);
    return start(pipeline, "replay", arguments)->wait(kEndLimit).value_or(-1);
  };
  const auto last_log = [&] { return fakes::read_file(pipeline.directory() + "/replay.log"); };

  // A dump of the time 155 has been restored.
  REQUIRE(pipeline.downstream().execute("insert into test.t1 values (1, 'dump')").ok());
  REQUIRE(replay({"-start-ts", "156", "-stop-ts", "165"}) == 0);
  CHECK(ids_of_t1(pipeline) == "1,160,165");
  // What is there now tells whether it comes again.
  REQUIRE(pipeline.downstream().execute("update test.t1 set name = 'seen'").ok());
  REQUIRE(replay({"-stop-ts", "170"}) == 0);
  CHECK(ids_of_t1(pipeline) == "1,160,165,170");

  CHECK(replay({"-start-ts", "120"}) == 1);
  CHECK_THAT(last_log(), Catch::Contains(file) && Catch::Contains("-start-ts 120") &&
                             Catch::Contains("began behind commit ts 155") &&
                             Catch::Contains("another -task"));
  // The commit ts 180 is not applied yet.
  CHECK(replay({"-start-ts", "181"}) == 1);
  CHECK_THAT(last_log(), Catch::Contains(file) && Catch::Contains("-start-ts 181") &&
                             Catch::Contains("up to commit ts 170") &&
                             Catch::Contains("commit ts 180") && Catch::Contains("another -task"));
  CHECK(ids_of_t1(pipeline) == "1,160,165,170");

  // Nothing lies between, and what is applied already may be asked for.
  CHECK(replay({"-start-ts", "156", "-stop-ts", "170"}) == 0);
  CHECK(replay({"-start-ts", "165", "-stop-ts", "170"}) == 0);
  CHECK(replay({"-start-ts", "175"}) == 0);
  CHECK(ids_of_t1(pipeline) == "1,160,165,170,180");
  CHECK(pipeline.downstream()
            .query_value("select group_concat(id order by id) from test.t1 where name = 'seen'")
            .value() == "1,160,165");
  // Still the task that began at 156.
  CHECK(replay({"-start-ts", "155"}) == 1);
  CHECK(replay({}) == 0);
  CHECK(ids_of_t1(pipeline) == "1,160,165,170,180");

  CHECK(replay({"-start-ts", "120", "-task", "another"}) == 0);
  CHECK(ids_of_t1(pipeline) == "160,165,170,180");
}

TEST_CASE(
    "replay: of many DDL, begun behind a RENAME of several and cut within a DROP of several") {
  const std::optional<Capture> capture = Capture::shared("ddl");
  if (!capture) {
    WARN("skipped: no capture ddl");
    return;
  }
  Pipeline pipeline(*capture);
  const std::string files = record_files(pipeline);
  const std::string config = pipeline.directory() + "/drainer.toml";
  const auto replay = [&](const std::string& task, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-config", config, "-task", task});
    arguments.push_back(files);
    const auto code = start(pipeline, "replay", arguments)->wait(kEndLimit);
    INFO(fakes::read_file(pipeline.directory() + "/replay.log"));
    REQUIRE(code == 0);
  };
  replay("one", {"-stop-ts", "470610518906765317"});
  replay("two", {"-start-ts", "470610518906765318", "-stop-ts", "470610518959194115"});
  replay("two", {});
  check_tables(pipeline, "replay");
}

TEST_CASE("replay: interrupted between the jobs of a DROP of several, it drops the rest") {
  Pipeline pipeline(Capture::bundled());
  pipeline.write_config({.pd_urls = "http://127.0.0.1:1"});
  mysql::Session& downstream = pipeline.downstream();
  REQUIRE(downstream.execute("create database test").ok());
  for (const std::string name : {"a", "b", "c"}) {
    REQUIRE(downstream.execute("create table test." + name + " (id int primary key)").ok());
  }
  std::vector<Txn> txns;
  for (const int64_t ts : {100, 101}) {
    txns.push_back(
        fakes::TxnBuilder(ts).ddl("test", "a", "DROP TABLE `test`.`a`, `test`.`b`").build());
  }
  const std::string file = write_pb_file(pipeline, txns);
  const auto replay_to = [&](const std::string& stop_ts) {
    const auto code = start(pipeline, "replay",
                            {"-config", pipeline.directory() + "/drainer.toml", "-stop-ts", stop_ts,
                             "-task", "drop", file})
                          ->wait(kEndLimit);
    CHECK(code == 0);
    return downstream
        .query_value(
            "select group_concat(table_name order by table_name) from information_schema.tables "
            "where table_schema = 'test'")
        .value();
  };
  CHECK(replay_to("100") == "b,c");
  CHECK(replay_to("101") == "c");
}

TEST_CASE("replay: behind a dump, RENAMEs of before tell whose rows stand under old names") {
  Pipeline pipeline(Capture::bundled());
  pipeline.write_config({.pd_urls = "http://127.0.0.1:1"});
  mysql::Session& downstream = pipeline.downstream();
  REQUIRE(downstream.execute("create database test").ok());
  for (const std::string name : {"t2", "u2"}) {
    REQUIRE(
        downstream.execute("create table test." + name + " (id int primary key, name varchar(32))")
            .ok());
  }
  const auto replay = [&](bool has_rename) {
    std::vector<Txn> txns;
    if (has_rename) {
      txns.push_back(fakes::TxnBuilder(100)
                         .ddl("test", "t2",
                              "RENAME TABLE `test`.`t1` TO `test`.`t2`, `test`.`u1` TO `test`.`u2`")
                         .build());
    }
    txns.push_back(insert_at(110));
    return start(pipeline, "replay",
                 {"-config", pipeline.directory() + "/drainer.toml", "-start-ts", "105", "-task",
                  has_rename ? "with" : "without", write_pb_file(pipeline, txns)})
        ->wait(kEndLimit)
        .value_or(-1);
  };
  CHECK(replay(/*has_rename=*/true) == 0);
  CHECK(downstream.query_value("select id from test.t2").value() == "110");
  CHECK(replay(/*has_rename=*/false) == 2);
  CHECK_THAT(fakes::read_file(pipeline.directory() + "/replay.log"),
             Catch::Contains("RENAME TABLE of several before the start 105") &&
                 Catch::Contains("table not exist"));
}

TEST_CASE("replay: the SQL of a dry run gives the tables too, without what is filtered") {
  Pipeline pipeline(Capture::bundled());
  const std::string files = record_files(pipeline);
  const auto print_sql = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {kDrainer, "replay", "-dry-run"});
    arguments.push_back(files);
    const std::string path = pipeline.directory() + "/dry.sql";
    std::filesystem::remove(path);
    auto dry = fakes::Process::start(arguments, path);
    REQUIRE(dry->wait(kEndLimit) == 0);
    return fakes::read_file(path);
  };
  const std::string all = print_sql({});
  CHECK(all.starts_with("SET NAMES utf8mb4;\nSET time_zone='+00:00'"));
  CHECK(all.find("`mixb_B`") != std::string::npos);
  const auto applied = pipeline.downstream().execute(all);
  INFO((applied.ok() ? "" : applied.error().to_string()));
  REQUIRE(applied.ok());
  check_tables(pipeline, "replay");

  pipeline.write_config({.syncer = "ignore-schemas = \"mixb_B\"\n"});
  const std::string some = print_sql({"-config", pipeline.directory() + "/drainer.toml"});
  INFO(some.substr(0, 500));
  CHECK(some.starts_with("SET NAMES utf8mb4;\nSET time_zone='+00:00'"));
  CHECK(some.find("`mixb_a`") != std::string::npos);
  CHECK(some.find("INTO `mixb_B`") == std::string::npos);
  CHECK(some.find("USE `mixb_B`") == std::string::npos);
  CHECK(some.find("use `mixb_B`") == std::string::npos);
}

TEST_CASE("replay: columns that the downstream lacks are left out, with one warning per table") {
  Pipeline pipeline(Capture::bundled());
  pipeline.write_config({.pd_urls = "http://127.0.0.1:1"});
  REQUIRE(pipeline.downstream().execute("create database test").ok());
  REQUIRE(pipeline.downstream().execute("create table test.t1 (id int primary key)").ok());
  std::vector<Txn> txns;
  for (int64_t ts = 1; ts <= 3; ++ts) txns.push_back(insert_at(ts));
  const std::string file = write_pb_file(pipeline, txns);
  const auto code =
      start(pipeline, "replay", {"-config", pipeline.directory() + "/drainer.toml", file})
          ->wait(kEndLimit);
  const std::string log = fakes::read_file(pipeline.directory() + "/replay.log");
  INFO(log);
  REQUIRE(code == 0);
  CHECK(ids_of_t1(pipeline) == "1,2,3");
  const std::string warning = "the downstream table lacks columns, their values are left out";
  const size_t at = log.find(warning);
  REQUIRE(at != std::string::npos);
  CHECK(log.find(warning, at + 1) == std::string::npos);
  CHECK_THAT(log.substr(at), Catch::Contains("[table=`test`.`t1`] [columns=`name`]"));
}

TEST_CASE("replay: a second signal ends it at once while the downstream refuses connections") {
  Pipeline pipeline(Capture::bundled());
  pipeline.write_config({.pd_urls = "http://127.0.0.1:1"});
  const std::string config = pipeline.directory() + "/drainer.toml";
  const std::string config_text = fakes::read_file(config);
  auto proxy = std::make_unique<fakes::TcpProxy>(static_cast<uint16_t>(pipeline.server().port()));
  const std::string port = "port = " + std::to_string(pipeline.server().port());
  std::string proxied = config_text;
  REQUIRE(proxied.find(port) != std::string::npos);
  proxied.replace(proxied.find(port), port.size(), "port = " + std::to_string(proxy->port()));
  fakes::write_file(config, proxied);
  mysql::Session& downstream = pipeline.downstream();
  REQUIRE(downstream.execute("create database test").ok());
  REQUIRE(downstream.execute("create table test.t1 (id int primary key, name varchar(32))").ok());
  const std::string file = write_pb_file(pipeline, [] {
    std::vector<Txn> txns;
    for (int64_t ts = 1; ts <= 100; ++ts) txns.push_back(insert_at(ts));
    return txns;
  }());

  REQUIRE(downstream.execute("lock tables test.t1 write").ok());
  const auto replay = start(pipeline, "replay", {"-config", config, file});
  const auto waits = [&downstream] {
    return downstream
               .query_value(
                   "select count(*) from information_schema.processlist where state like "
                   "'Waiting for table%'")
               .value() != "0";
  };
  for (int i = 0; i < 600 && !waits(); ++i) REQUIRE_FALSE(replay->wait_ms(50).has_value());
  REQUIRE(waits());
  proxy.reset();
  replay->send_signal(SIGTERM);
  // What was submitted may still be applied.
  CHECK_FALSE(replay->wait_ms(2000).has_value());
  replay->send_signal(SIGTERM);
  const auto code = replay->wait(std::chrono::seconds(20));
  INFO(fakes::read_file(pipeline.directory() + "/replay.log"));
  REQUIRE(code.value_or(-1) == 3);

  REQUIRE(downstream.execute("unlock tables").ok());
  fakes::write_file(config, config_text);
  REQUIRE(start(pipeline, "replay", {"-config", config, file})->wait(kEndLimit) == 0);
  CHECK(downstream.query_value("select count(*) from test.t1").value() == "100");
}

TEST_CASE("replay: a signal ends it while it waits for its progress rows") {
  Pipeline pipeline(Capture::bundled());
  pipeline.write_config({.pd_urls = "http://127.0.0.1:1"});
  const std::string config = pipeline.directory() + "/drainer.toml";
  mysql::Session& downstream = pipeline.downstream();
  REQUIRE(downstream.execute("create database test").ok());
  REQUIRE(downstream.execute("create table test.t1 (id int primary key, name varchar(32))").ok());
  REQUIRE(downstream.execute("set global innodb_lock_wait_timeout = 1").ok());
  std::vector<Txn> txns;
  txns.push_back(insert_at(1));
  const std::string file = write_pb_file(pipeline, txns);
  REQUIRE(start(pipeline, "replay", {"-config", config, file})->wait(kEndLimit) == 0);

  REQUIRE(downstream.execute("begin").ok());
  REQUIRE(downstream.query("select * from tidb_binlog.drainer_progress for update").ok());
  const auto replay = start(pipeline, "replay", {"-config", config, file});
  const auto waits = [&downstream] {
    return downstream
               .query_value(
                   "select count(*) from information_schema.processlist where info like "
                   "'UPDATE%drainer_progress%'")
               .value() != "0";
  };
  for (int i = 0; i < 6000 && !waits(); ++i) REQUIRE_FALSE(replay->wait_ms(5).has_value());
  REQUIRE(waits());
  replay->send_signal(SIGTERM);
  CHECK(replay->wait(std::chrono::seconds(20)).value_or(-1) == 3);
  REQUIRE(downstream.execute("rollback").ok());
}

TEST_CASE("replay: mistakes are named, with exit code 1") {
  Pipeline pipeline(Capture::bundled());
  pipeline.write_config({.pd_urls = "http://127.0.0.1:1"});
  const std::string config = pipeline.directory() + "/drainer.toml";
  CHECK(start(pipeline, "replay", {"-config", config})->wait(kEndLimit) == 1);
  CHECK(start(pipeline, "replay", {"-start-ts", "x", "d"})->wait(kEndLimit) == 1);
  CHECK(start(pipeline, "replay", {"-no-such-flag", "d"})->wait(kEndLimit) == 1);
  CHECK(start(pipeline, "replay", {"-config", config, "/nowhere"})->wait(kEndLimit) == 1);
  CHECK(start(pipeline, "replay", {"-dry-run", "/nowhere"})->wait(kEndLimit) == 1);
  CHECK(start(pipeline, "replay", {"-dest-db-type", "kafka", "/"})->wait(kEndLimit) == 1);
  CHECK(start(pipeline, "replay", {"-skip-damage=no", "d"})->wait(kEndLimit) == 1);
  CHECK(start(pipeline, "replay", {"-help"})->wait(kEndLimit) == 0);
  CHECK_THAT(fakes::read_file(pipeline.directory() + "/replay.log"),
             Catch::Contains("give one directory or file to replay") &&
                 Catch::Contains("flag -start-ts: \"x\" is no commit ts") &&
                 Catch::Contains("flag provided but not defined: -no-such-flag") &&
                 Catch::Contains("/nowhere: No such file or directory") &&
                 Catch::Contains("syncer.db-type kafka: replay writes to mysql or tidb") &&
                 Catch::Contains("invalid boolean value \"no\" for -skip-damage: must be true") &&
                 Catch::Contains("-stop-time 'YYYY-MM-DD hh:mm:ss'"));
}
