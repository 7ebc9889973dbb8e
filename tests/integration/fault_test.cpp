// The whole program under faults of its own process and of the downstream: what it leaves must be
// what an undisturbed run leaves. The short versions run with the other tests; the campaigns are
// hidden: integration_test '[campaign]'.

#include <algorithm>
#include <csignal>
#include <functional>
#include <random>

#include "tests/integration/keyless_capture.h"
#include "tests/integration/pipeline.h"
#include "tests/integration/table_dump.h"

#include <catch2/catch.hpp>

using namespace drainer;
using integration::Capture;
using integration::Pipeline;

namespace {

using Random = std::mt19937;

int pick(Random& random, int least, int most) {
  return std::uniform_int_distribution<int>(least, most)(random);
}

std::string end_of(const std::string& log) {
  return log.substr(log.size() > 3000 ? log.size() - 3000 : 0);
}

void check_end(Pipeline& pipeline) {
  pipeline.start_drainer_over_capture();
  const std::optional<int> code = pipeline.wait_for_drainer();
  INFO(end_of(pipeline.drainer_log()));
  REQUIRE(code == 0);
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
}

/// Kills the drainer at random moments, `times` times or until it has come to the end that often.
void kill_drainer(const Capture& capture, int times, const std::string& pace) {
  Random random(static_cast<Random::result_type>(times));
  Pipeline pipeline(capture);
  int killed = 0;
  while (killed < times) {
    pipeline.clear_downstream();
    pipeline.prepare_downstream();
    pipeline.start_upstream({"--pace", pace});
    pipeline.write_config();
    for (; killed < times; ++killed) {
      pipeline.start_drainer_over_capture();
      if (pipeline.drainer().wait_ms(pick(random, 50, 1500))) break;
      pipeline.drainer().send_signal(SIGKILL);
      REQUIRE(pipeline.wait_for_drainer() == 128 + SIGKILL);
    }
    check_end(pipeline);
  }
}

/// False when the drainer ended before it wrote a row.
bool wait_for_writes(Pipeline& pipeline) {
  const std::string sql = "SELECT 1 FROM tidb_binlog.drainer_progress WHERE commit_ts > " +
                          pipeline.capture().from_ts + " LIMIT 1";
  while (!pipeline.drainer().wait_ms(20)) {
    const auto rows = pipeline.downstream().query(sql);
    if (rows.ok() && !rows->empty()) return true;
  }
  return false;
}

/// Stops a drainer in its work, lets another one take over, lets the first one go on.
void fence_drainer(const Capture& capture, int times) {
  Random random(7);
  for (int i = 0; i < times; ++i) {
    Pipeline pipeline(capture);
    pipeline.start_upstream({"--pace", "500"});
    pipeline.write_config();
    pipeline.start_drainer_over_capture();
    REQUIRE(wait_for_writes(pipeline));
    if (pipeline.drainer().wait_ms(pick(random, 0, 700))) continue;
    pipeline.drainer().send_signal(SIGSTOP);
    auto stopped = pipeline.release_drainer();
    pipeline.change_drainer_port();
    pipeline.write_config();
    pipeline.start_drainer_over_capture({"-data-dir", pipeline.directory() + "/data-2"});
    (void)pipeline.drainer().wait_ms(pick(random, 200, 1500));
    stopped->send_signal(SIGCONT);
    const std::optional<int> code = pipeline.wait_for_drainer();
    INFO(end_of(pipeline.drainer_log()));
    REQUIRE(code == 0);
    REQUIRE(stopped->wait(std::chrono::seconds(300)).value_or(0) != 0);
    CHECK_THAT(pipeline.drainer_log(), Catch::Contains("has taken over cluster"));
    for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
  }
}

/// Ends the server as a power cut would while the drainer writes.
void kill_server(const Capture& capture, int times, const std::string& pace) {
  Random random(11);
  fakes::MariadbServer server({"--sql-mode=", "--character-set-server=utf8mb4",
                               "--collation-server=utf8mb4_bin", "--skip-log-bin",
                               "--innodb-flush-log-at-trx-commit=1"});
  int killed = 0;
  while (killed < times) {
    Pipeline pipeline(capture, server);
    pipeline.start_upstream({"--pace", pace});
    pipeline.write_config();
    pipeline.start_drainer_over_capture();
    // A drainer that cannot reach the server at its start ends; that is another matter.
    REQUIRE(wait_for_writes(pipeline));
    for (; killed < times; ++killed) {
      if (pipeline.drainer().wait_ms(pick(random, 100, 1500))) break;
      server.crash();
      server.restart();
    }
    const std::optional<int> code = pipeline.wait_for_drainer();
    INFO(end_of(pipeline.drainer_log()));
    REQUIRE(code == 0);
    pipeline.reconnect();
    for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
  }
}

void with_capture(const std::string& name, const std::function<void(const Capture&)>& run) {
  const std::optional<Capture> capture = Capture::shared(name);
  if (!capture) {
    WARN("capture " << name << " is not on this machine: skipped");
    return;
  }
  INFO("capture " << name);
  run(*capture);
}

}  // namespace

TEST_CASE("faults: a drainer that another one has replaced can write no more") {
  fence_drainer(Capture::bundled(), 1);
}

TEST_CASE("faults: nothing is written downstream before the first save") {
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream();
  pipeline.write_config();
  const auto execute = [&](const std::string& sql) {
    REQUIRE(pipeline.downstream().execute(sql).ok());
  };
  execute("CREATE DATABASE tidb_binlog");
  execute(
      "CREATE TABLE tidb_binlog.checkpoint (clusterID BIGINT UNSIGNED PRIMARY KEY, "
      "checkPoint MEDIUMTEXT)");
  execute(
      "CREATE TRIGGER tidb_binlog.refuse BEFORE INSERT ON tidb_binlog.checkpoint FOR EACH ROW "
      "SIGNAL SQLSTATE '45000'");
  pipeline.start_drainer_over_capture();
  CHECK(pipeline.wait_for_drainer() == 2);
  CHECK_THAT(pipeline.drainer_log(), Catch::Contains("save checkpoint failed"));
  const auto applied =
      pipeline.downstream().query_value("SELECT MAX(commit_ts) FROM tidb_binlog.drainer_progress");
  REQUIRE(applied.ok());
  CHECK(*applied == pipeline.capture().from_ts);

  execute("DROP TRIGGER tidb_binlog.refuse");
  check_end(pipeline);
}

TEST_CASE("faults: the server dies under load") {
  kill_server(Capture::bundled(), 2, "300");
}

TEST_CASE("faults: kill -9 doubles no row of tables without keys") {
  const integration::KeylessCapture keyless(1, 600);
  kill_drainer(keyless.capture(), 3, "400");
}

TEST_CASE("fault campaign: 200 times kill -9 under load", "[.][campaign]") {
  const std::string name = GENERATE(as<std::string>{}, "bank", "types", "mix-b", "sysbench");
  with_capture(name, [](const Capture& capture) { kill_drainer(capture, 50, "1000"); });
}

TEST_CASE("fault campaign: 100 times kill -9, tables without keys", "[.][campaign]") {
  const uint64_t seed = GENERATE(2, 3);
  const integration::KeylessCapture keyless(seed, 20'000);
  kill_drainer(keyless.capture(), 50, "1000");
}

TEST_CASE("fault campaign: fenced 20 times", "[.][campaign]") {
  with_capture("bank", [](const Capture& capture) { fence_drainer(capture, 20); });
}

TEST_CASE("fault campaign: the server dies 20 times", "[.][campaign]") {
  const std::string name = GENERATE(as<std::string>{}, "bank", "sysbench");
  with_capture(name, [](const Capture& capture) { kill_server(capture, 10, "1000"); });
}
