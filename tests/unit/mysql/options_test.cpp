// What the keys about the speed of the MySQL output do, and what tells that it is slow.

#include "drainer/base/drainer_metrics.h"
#include "syncer/mysql/mysql_sink.h"
#include "syncer/mysql/slow_log.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using namespace std::chrono_literals;
using fakes::MariadbServer;

Inspector fresh() {
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  db.run("CREATE TABLE t(id INT PRIMARY KEY, b VARCHAR(10), c TEXT, UNIQUE KEY uk_b(b))");
  return db;
}

Txn insert_t(int64_t commit_ts, int64_t id) {
  return TxnBuilder(commit_ts).insert(table_t(), {number(id), null(), null()}).build();
}

/// Of the server, so far.
int64_t commits(Inspector& db) {
  const std::string row = db.rows("SHOW GLOBAL STATUS LIKE 'Com_commit'");
  return std::stoll(row.substr(row.find('|') + 1));
}

struct Outcome {
  std::string writers;
  int64_t commits;
};

/// Writes `count` transactions of a row each.
Outcome write(Inspector& db, const MysqlSinkOptions& settings, int64_t count) {
  const int64_t before = commits(db);
  RunningSink sink(settings);
  for (int64_t i = 1; i <= count; ++i) sink.submit(insert_t(i + 1, i));
  REQUIRE(sink.wait_applied(count + 1));
  std::string writers =
      db.rows("SELECT COUNT(*) FROM tidb_binlog.drainer_progress WHERE worker < 1000");
  CHECK(sink.finish() == "");
  return {.writers = std::move(writers), .commits = commits(db) - before};
}

TEST_CASE(
    "options: txn-batch bounds the rows of a downstream transaction, worker-count the writers",
    "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  auto settings = sink_options(MariadbServer::shared().port());
  settings.syncer.worker_count = 3;
  settings.syncer.txn_batch = 1;  // fifty rows each
  const Outcome outcome = write(db, settings, 1000);
  CHECK(outcome.writers == "3");
  CHECK(db.rows("SELECT COUNT(*) FROM t") == "1000");
  CHECK(outcome.commits >= 1000 / 50);
}

TEST_CASE("options: without dispatch each transaction goes alone, through one writer",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  auto settings = sink_options(MariadbServer::shared().port());
  settings.syncer.enable_dispatch = false;
  const Outcome outcome = write(db, settings, 100);
  CHECK(outcome.writers == "1");
  CHECK(outcome.commits >= 100);
}

TEST_CASE("slow log: the first is told, then one a minute, however many there are") {
  fakes::FakeClock clock;
  SlowLog slow(clock);
  const auto takes = [&](Duration duration) {
    const TimePoint begin = clock.now();
    clock.advance(duration);
    return slow.note("transaction", begin, CommitTs(10));
  };
  CHECK_FALSE(takes(4900ms));
  CHECK(takes(5s));
  for (int i = 0; i < 7; ++i) CHECK_FALSE(takes(8s));
  CHECK(takes(8s));
  CHECK_FALSE(takes(8s));
}

TEST_CASE("slow log: a transaction that waits for a lock downstream is counted", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  fakes::FakeClock clock;
  const Counter& slow = metric::mysql_slow_total();
  const double before = slow.value();
  RunningSink sink(sink_options(MariadbServer::shared().port()), clock);
  db.run("START TRANSACTION");
  db.run("INSERT INTO t VALUES(1, NULL, NULL)");
  sink.submit(insert_t(10, 1));
  Inspector other(MariadbServer::shared().port());
  // Not innodb_trx: who reads that more often than every 0.1 s gets the same answer for ever.
  while (other.rows("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'").ends_with("|0")) {
    SystemClock().sleep_for(10ms, StopToken());
  }
  clock.advance(6s);
  db.run("ROLLBACK");
  REQUIRE(sink.wait_applied(10));
  CHECK(sink.finish() == "");
  CHECK(slow.value() == before + 1);
}

}  // namespace
}  // namespace drainer::mysql
