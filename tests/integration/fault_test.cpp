// The whole program under faults of its own process and of the downstream: what it leaves must be
// what an undisturbed run leaves. The short versions run with the other tests; the campaigns are
// hidden: integration_test '[campaign]'.

#include <algorithm>
#include <csignal>
#include <functional>
#include <random>

#include "syncer/mysql/applied_state.h"
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

/// What a reader sees at one moment.
struct Snapshot {
  mysql::AppliedState state;
  std::string total;
};

/// Nothing while the accounts are not all there.
std::optional<Snapshot> take_snapshot(mysql::Session& session) {
  constexpr const char* kTotal =
      "SELECT (SELECT COUNT(*) FROM bank_a.accounts) + (SELECT COUNT(*) FROM bank_b.accounts), "
      "(SELECT SUM(balance) FROM bank_a.accounts) + (SELECT SUM(balance) FROM bank_b.accounts)";
  REQUIRE(session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT").ok());
  const auto total = session.query(kTotal);
  const auto rows =
      session.query("SELECT commit_ts, applied FROM tidb_binlog.drainer_progress ORDER BY worker");
  REQUIRE(session.rollback().ok());
  if (!total.ok() || !rows.ok() || !(*total)[0][1]) return std::nullopt;
  Snapshot snapshot{.state = {}, .total = *(*total)[0][1]};
  for (const mysql::ResultRow& row : *rows) {
    mysql::AppliedState state;
    state.commit_ts = CommitTs(std::stoll(row[0].value_or("0")));
    REQUIRE(mysql::decode_spans(row[1].value_or(""), state).ok());
    snapshot.state.merge(state);
  }
  return snapshot;
}

/// Reads while the drainer writes. Returns how many snapshots held the invariant.
int watch_bank(const Capture& capture, bool is_commit_ordered) {
  Pipeline pipeline(capture);
  pipeline.start_upstream({"--pace", "1500"});
  pipeline.write_config(
      {.more = fmt::format("[syncer.apply]\ncommit-order = {}", is_commit_ordered)});
  pipeline.start_drainer_over_capture();
  bool has_begun = false;
  int count = 0;
  while (!pipeline.drainer().wait_ms(1)) {
    const auto snapshot = take_snapshot(pipeline.downstream());
    if (!snapshot) continue;
    // The accounts are opened by several transactions.
    has_begun |= snapshot->total == "80000.00";
    if (!has_begun) continue;
    ++count;
    REQUIRE(snapshot->total == "80000.00");
    // Nothing above the mark: all up to one commit ts is there, and nothing else.
    if (is_commit_ordered) REQUIRE(snapshot->state.spans.empty());
  }
  INFO(end_of(pipeline.drainer_log()));
  REQUIRE(pipeline.wait_for_drainer() == 0);
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
  return count;
}

}  // namespace

TEST_CASE("faults: readers see only whole transactions, in order where that is asked for") {
  const bool is_commit_ordered = GENERATE(false, true);
  with_capture("bank",
               [&](const Capture& capture) { CHECK(watch_bank(capture, is_commit_ordered) > 10); });
}

TEST_CASE("faults: a drainer that another one has replaced can write no more") {
  fence_drainer(Capture::bundled(), 1);
}

TEST_CASE("faults: the server dies under load") {
  kill_server(Capture::bundled(), 2, "300");
}

TEST_CASE("fault campaign: 200 times kill -9 under load", "[.][campaign]") {
  const std::string name = GENERATE(as<std::string>{}, "bank", "types", "mix-b", "sysbench");
  with_capture(name, [](const Capture& capture) { kill_drainer(capture, 50, "1000"); });
}

TEST_CASE("fault campaign: fenced 20 times", "[.][campaign]") {
  with_capture("bank", [](const Capture& capture) { fence_drainer(capture, 20); });
}

TEST_CASE("fault campaign: the server dies 20 times", "[.][campaign]") {
  const std::string name = GENERATE(as<std::string>{}, "bank", "sysbench");
  with_capture(name, [](const Capture& capture) { kill_server(capture, 10, "1000"); });
}

TEST_CASE("fault campaign: readers, ten runs of each kind", "[.][campaign]") {
  const bool is_commit_ordered = GENERATE(false, true);
  with_capture("bank", [&](const Capture& capture) {
    int count = 0;
    for (int i = 0; i < 10; ++i) count += watch_bank(capture, is_commit_ordered);
    WARN(count << " snapshots, commit-order = " << is_commit_ordered);
  });
}
