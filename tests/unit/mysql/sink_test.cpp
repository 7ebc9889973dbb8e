#include "syncer/mysql/mysql_sink.h"

#include "drainer/base/drainer_metrics.h"
#include "syncer/mysql/mark_setup.h"
#include "syncer/mysql/progress_row.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/tcp_proxy.h"
#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using fakes::MariadbServer;
using fakes::TcpProxy;

constexpr const char* kCreateT =
    "CREATE TABLE t(id INT PRIMARY KEY, b VARCHAR(10), c TEXT, UNIQUE KEY uk_b(b))";
constexpr const char* kCreateN = "CREATE TABLE n(x INT, y DOUBLE)";
constexpr const char* kProgress =
    "SELECT MAX(commit_ts), MAX(applied), MAX(ddl_ts) FROM tidb_binlog.drainer_progress";

/// A fresh database `test` with t and n.
Inspector fresh(uint16_t port = MariadbServer::shared().port()) {
  Inspector db(port);
  db.reset("test");
  db.run(kCreateT);
  db.run(kCreateN);
  return db;
}

MysqlSinkOptions options(uint16_t port = MariadbServer::shared().port()) {
  return sink_options(port);
}

Txn insert_n(int64_t commit_ts, int64_t x) {
  return TxnBuilder(commit_ts).insert(table_n(), {number(x), real(0.5)}).build();
}

Values row_t(int64_t id, const std::string& b) {
  return {number(id), text(b), null()};
}

/// A run that writes a row of n, announces checkpoints and ends in order.
void run_before(const MysqlSinkOptions& settings, int64_t commit_ts,
                const std::vector<int64_t>& announced = {}) {
  RunningSink sink(settings);
  CHECK_FALSE(sink.sink().starts_in_safe_mode());
  sink.submit(insert_n(commit_ts, 1));
  CHECK(sink.wait_applied(commit_ts));
  for (const int64_t ts : announced) CHECK(sink.sink().announce(CommitTs(ts), StopToken()).ok());
  CHECK(sink.finish() == "");
}

TEST_CASE("sink: applies inserts, updates and deletes of whole transactions", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("INSERT INTO t VALUES(2,'b','x'),(3,'d','it''s')");
  db.run("INSERT INTO n VALUES(11,NULL),(11,NULL)");

  RunningSink sink(options());
  const auto t = table_t();
  const auto n = table_n();
  sink.submit(TxnBuilder(10)
                  .insert(t, {number(1), text("a"), null()})
                  .update(t, {number(2), text("b"), text("x")}, {number(2), text("c"), text("x")})
                  .remove(t, {number(3), text("d"), text("it's")})
                  .insert(n, {number(10), real(1.5)})
                  .remove(n, {number(11), null()})
                  .build());
  CHECK(sink.wait_applied(10));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT * FROM t ORDER BY id") == "1|a|NULL\n2|c|x");
  CHECK(db.rows("SELECT * FROM n ORDER BY x") == "10|1.5\n11|NULL");
  CHECK(db.rows(kProgress) == "10||0");
}

TEST_CASE("sink: many transactions in order, also empty ones, all reported", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  const bool dispatch = GENERATE(true, false);
  auto settings = options();
  settings.syncer.enable_dispatch = dispatch;
  RunningSink sink(settings);
  const auto t = table_t();
  for (int64_t i = 1; i <= 200; ++i) {
    const std::string b = "b" + std::to_string(i);
    sink.submit(TxnBuilder(10 * i).insert(t, row_t(i, b)).build());
    sink.submit(TxnBuilder(10 * i + 1).update(t, row_t(i, b), row_t(i, b + "x")).build());
    if (i % 2 == 0) sink.submit(TxnBuilder(10 * i + 2).remove(t, row_t(i, b + "x")).build());
    sink.submit(TxnBuilder(10 * i + 3).build());
  }
  sink.submit(insert_n(2004, 1));
  CHECK(sink.wait_applied(2004));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT COUNT(*), SUM(id), MIN(b), MAX(b) FROM t") == "100|10000|b101x|b9x");
  CHECK(RunningSink(settings).sink().resume_from(CommitTs(1)) == CommitTs(2004));
}

TEST_CASE("sink: transactions without rows write nothing, the checkpoint tells of them",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  auto settings = options();
  {
    RunningSink sink(settings);
    sink.submit(insert_n(10, 1));
    REQUIRE(sink.wait_applied(10));
    const std::string before = db.rows(kProgress);
    for (int64_t ts = 11; ts <= 30; ++ts) sink.submit(TxnBuilder(ts).build());
    REQUIRE(sink.wait_applied(30));
    CHECK(db.rows(kProgress) == before);
    REQUIRE(sink.sink().announce(CommitTs(25), StopToken()).ok());
    CHECK(sink.finish() == "");
  }
  // As after a crash behind the checkpoint: our own, so that there is no overlap.
  settings.has_checkpoint = true;
  settings.checkpoint_ts = CommitTs(25);
  RunningSink sink(settings);
  CHECK(sink.sink().resume_from(CommitTs(25)) == CommitTs(25));
  CHECK_FALSE(sink.sink().starts_in_safe_mode());
  sink.submit(insert_n(31, 2));
  CHECK(sink.wait_applied(31));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT COUNT(*) FROM n") == "2");
}

TEST_CASE("sink: a foreign checkpoint below what a crashed run has applied means safe mode",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  run_before(options(), 10);
  // Applied ahead of what came before: (19, 30].
  db.run("UPDATE tidb_binlog.drainer_progress SET applied = '9+b' WHERE worker = 0");
  auto settings = options();
  settings.has_checkpoint = settings.is_consistent = true;
  settings.checkpoint_ts = CommitTs(20);  // a Go drainer was stopped here
  CHECK(RunningSink(settings).sink().starts_in_safe_mode());
}

TEST_CASE("sink: an update or delete that finds no row ends it and names the row", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("INSERT INTO t VALUES(1,'a',NULL),(2,'b',NULL)");
  RunningSink sink(options());
  const auto t = table_t();
  const bool is_update = GENERATE(true, false);
  TxnBuilder txn(20);
  txn.update(t, row_t(1, "a"), row_t(1, "z"));
  if (is_update) {
    txn.update(t, row_t(9, "q"), row_t(9, "r"));
  } else {
    txn.remove(t, row_t(2, "b")).remove(t, row_t(9, "q"));
  }
  sink.submit(txn.build());
  CHECK_FALSE(sink.wait_applied(20));
  const std::string error = sink.finish();
  CHECK(error.find("row not found downstream: commit ts 20, table `test`.`t`, 0 rows where `id` = "
                   "9: ") != std::string::npos);
  CHECK(db.rows("SELECT id, b FROM t ORDER BY id") == "1|a\n2|b");
  CHECK(db.rows(kProgress) == "1||0");
}

TEST_CASE("sink: told to warn, it goes on after a missing row", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  auto settings = options();
  settings.syncer.apply.on_row_mismatch = RowMismatchAction::kWarn;
  RunningSink sink(settings);
  sink.submit(
      TxnBuilder(20).remove(table_t(), row_t(9, "q")).insert(table_t(), row_t(1, "a")).build());
  CHECK(sink.wait_applied(20));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT id FROM t") == "1");
}

TEST_CASE("sink: resumes after what the downstream holds, whatever the checkpoint says",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  run_before(options(), 30, {20, 25, 27});
  auto settings = options();
  settings.has_checkpoint = true;
  SECTION("the checkpoint lags: nothing is applied twice, no safe mode") {
    // The last one that was announced, and the one before if it could not be saved any more.
    settings.checkpoint_ts = CommitTs(GENERATE(25, 27));
    RunningSink sink(settings);
    CHECK(sink.sink().resume_from(settings.checkpoint_ts) == CommitTs(30));
    CHECK_FALSE(sink.sink().starts_in_safe_mode());
    CHECK(sink.finish() == "");
  }
  SECTION("the checkpoint moves on until the drainer before is shut out: the last one counts") {
    settings.checkpoint_ts = CommitTs(20);
    const std::string owner = "SELECT DISTINCT owner FROM tidb_binlog.drainer_progress";
    settings.read_checkpoint = [&, before = db.rows(owner)](MysqlSinkOptions& read) {
      CHECK(db.rows(owner) != before);
      read.checkpoint_ts = CommitTs(27);
      return Result<void>();
    };
    RunningSink sink(settings);
    CHECK(sink.sink().resume_from(CommitTs(20)) == CommitTs(30));
    CHECK_FALSE(sink.sink().starts_in_safe_mode());
    CHECK(sink.finish() == "");
  }
  SECTION("a Go drainer crashed before it came where we had been: safe mode from its checkpoint") {
    settings.checkpoint_ts = CommitTs(GENERATE(20, 26, 28, 30));
    RunningSink sink(settings);
    CHECK(sink.sink().resume_from(settings.checkpoint_ts) == settings.checkpoint_ts);
    CHECK(sink.sink().starts_in_safe_mode());
    CHECK(sink.finish() == "");
  }
  SECTION("a Go drainer stopped before it came where we had been: safe mode from its checkpoint") {
    settings.checkpoint_ts = CommitTs(GENERATE(25, 26, 27));
    settings.is_consistent = true;
    RunningSink sink(settings);
    CHECK(sink.sink().resume_from(settings.checkpoint_ts) == settings.checkpoint_ts);
    CHECK(sink.sink().starts_in_safe_mode());
    CHECK(sink.finish() == "");
  }
  SECTION("a Go drainer went further and crashed: safe mode from its checkpoint") {
    settings.checkpoint_ts = CommitTs(40);
    RunningSink sink(settings);
    CHECK(sink.sink().resume_from(CommitTs(40)) == CommitTs(40));
    CHECK(sink.sink().starts_in_safe_mode());
    CHECK(sink.finish() == "");
  }
  SECTION("a Go drainer went further and stopped cleanly: no safe mode") {
    settings.checkpoint_ts = CommitTs(40);
    settings.is_consistent = true;
    RunningSink sink(settings);
    CHECK(sink.sink().resume_from(CommitTs(40)) == CommitTs(40));
    CHECK_FALSE(sink.sink().starts_in_safe_mode());
    CHECK(sink.finish() == "");
  }
  SECTION("the checkpoint was moved back by hand: it is obeyed, in safe mode") {
    settings.checkpoint_ts = CommitTs(0);
    RunningSink sink(settings);
    CHECK(sink.sink().resume_from(CommitTs(0)) == CommitTs(0));
    CHECK(sink.sink().starts_in_safe_mode());
    CHECK(sink.finish() == "");
  }
  CHECK(db.rows("SELECT * FROM n") == "1|0.5");
}

TEST_CASE("sink: without a checkpoint the downstream tells where, unless a start is given",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  run_before(options(), 30);
  auto settings = options();
  settings.is_start_given = GENERATE(false, true);
  settings.checkpoint_ts = CommitTs(GENERATE(20, 100));
  RunningSink sink(settings);
  const int64_t expected = settings.is_start_given ? settings.checkpoint_ts.value : 30;
  CHECK(sink.sink().resume_from(settings.checkpoint_ts) == CommitTs(expected));
  CHECK(sink.sink().starts_in_safe_mode() == (expected == 20));
  CHECK(sink.finish() == "");
}

TEST_CASE("sink: safe mode goes on where a run in it has ended", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  auto settings = options();
  settings.checkpoint_ts = CommitTs(10);
  run_before(settings, 30);
  settings.has_checkpoint = true;
  settings.checkpoint_ts = CommitTs(5);  // moved back
  const bool has_pd = GENERATE(true, false);
  if (has_pd) settings.safe_until = CommitTs(40);
  {
    RunningSink sink(settings);
    CHECK(sink.sink().starts_in_safe_mode());
    CHECK(sink.sink().holds_up_to().value == (has_pd ? 40 : 5));
    CHECK(sink.sink().announce(CommitTs(5), StopToken()).ok());
    CHECK(sink.finish() == "");
  }
  settings.safe_until = CommitTs(90);
  {
    RunningSink sink(settings);
    CHECK(sink.sink().starts_in_safe_mode());
    CHECK(sink.sink().holds_up_to().value == (has_pd ? 40 : 90));
    sink.submit(TxnBuilder(35).remove(table_t(), row_t(9, "q")).build());
    sink.submit(insert_n(95, 2));
    CHECK(sink.wait_applied(95));
    CHECK(sink.sink().announce(CommitTs(5), StopToken()).ok());
    CHECK(sink.finish() == "");
  }
  RunningSink sink(settings);
  CHECK_FALSE(sink.sink().starts_in_safe_mode());
  CHECK(sink.finish() == "");
}

TEST_CASE("sink: a row that exists only until a transaction before is done is not replaced",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("ALTER TABLE t DROP KEY uk_b");
  db.run("INSERT INTO t VALUES(1,'a',NULL)");
  RunningSink sink(options());
  // So that t is known without the key that it gets now.
  sink.submit(TxnBuilder(9).insert(table_t(), row_t(5, "e")).build());
  REQUIRE(sink.wait_applied(9));
  db.run("ALTER TABLE t ADD UNIQUE KEY uk_b(b)");
  Inspector lock(MariadbServer::shared().port());
  lock.run("BEGIN");
  lock.rows("SELECT * FROM test.t WHERE id=1 FOR UPDATE");
  const Counter& retries = metric::mysql_retries_total();
  const double before = retries.value();
  sink.submit(TxnBuilder(10).update(table_t(), row_t(1, "a"), row_t(1, "z")).build());
  REQUIRE(comes_to(db,
                   "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE "
                   "'%`test`.`t`%' AND info NOT LIKE '%processlist%'",
                   "1"));
  sink.submit(TxnBuilder(11).insert(table_t(), row_t(2, "a")).build());
  CHECK(wait_until([&] { return retries.value() > before; }));
  lock.run("COMMIT");
  CHECK(sink.wait_applied(11));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT id, b FROM t ORDER BY id") == "1|z\n2|a\n5|e");
}

TEST_CASE("sink: the progress has transactions whatever the server's engine is", "[mariadb]") {
  REQUIRE_MARIADB();
  MariadbServer server({"--default-storage-engine=MyISAM"});
  Inspector db = fresh(server.port());
  CHECK(RunningSink(options(server.port())).finish() == "");
  db.run("ALTER TABLE tidb_binlog.drainer_progress ENGINE=MyISAM");
  SystemClock clock;
  const auto sink = MysqlSink::open(options(server.port()), clock, StopToken());
  REQUIRE_FALSE(sink.ok());
  CHECK(sink.error().to_string() ==
        "`tidb_binlog`.`drainer_progress` has the engine MyISAM, which has no transactions: "
        "ALTER TABLE `tidb_binlog`.`drainer_progress` ENGINE=InnoDB");
}

TEST_CASE("sink: a start that waits for a locked progress row can be stopped", "[mariadb]") {
  REQUIRE_MARIADB();
  MariadbServer server({"--innodb-lock-wait-timeout=1"});
  Inspector db = fresh(server.port());
  CHECK(RunningSink(options(server.port())).finish() == "");
  Inspector lock(server.port());
  lock.run("BEGIN");
  lock.rows("SELECT * FROM tidb_binlog.drainer_progress FOR UPDATE");
  SystemClock clock;
  StopSource stop;
  std::optional<Error> ended;
  ThreadGroup starting;
  starting.start("start", [&](const StopToken&) -> Result<void> {
    auto sink = MysqlSink::open(options(server.port()), clock, stop.get_token());
    if (!sink.ok()) ended = std::move(sink).error();
    return {};
  });
  CHECK(comes_to(db,
                 "SELECT COUNT(*) FROM information_schema.processlist "
                 "WHERE info LIKE 'UPDATE%drainer_progress%'",
                 "1"));
  stop.request_stop();
  CHECK(starting.wait().ok());
  REQUIRE(ended.has_value());
  CHECK(ended->code() == ErrorCode::kStopped);
}

TEST_CASE("sink: a checkpoint that a replaced drainer saves late moves nothing back", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  const auto run = [&](CommitTs checkpoint, int64_t commit_ts, int64_t announced) {
    auto settings = options();
    settings.has_checkpoint = commit_ts > 20;
    settings.checkpoint_ts = checkpoint;
    run_before(settings, commit_ts, {announced});
  };
  run(CommitTs(1), 20, 15);
  run(CommitTs(1), 40, 35);  // before the first could save its 15, which comes now
  run(CommitTs(15), 60, 55);
  CHECK(db.rows("SELECT COUNT(*) FROM n") == "3");
}

TEST_CASE("sink: safe mode takes repeated and missing rows, and ends where the overlap ends",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  auto settings = options();
  settings.has_checkpoint = true;
  settings.safe_until = CommitTs(11);
  const auto t = table_t();
  const auto replay = [&](int64_t ts) {
    return TxnBuilder(ts)
        .insert(t, row_t(1, "a"))
        .update(t, row_t(2, "b"), row_t(3, "b"))
        .remove(t, row_t(4, "d"))
        .build();
  };
  RunningSink sink(settings);
  sink.submit(replay(10));
  sink.submit(replay(11));
  REQUIRE(sink.wait_applied(11));
  CHECK(db.rows("SELECT id, b FROM t ORDER BY id") == "1|a\n3|b");
  sink.submit(TxnBuilder(12).remove(t, row_t(4, "d")).build());
  CHECK_FALSE(sink.wait_applied(12));
  CHECK(sink.finish().find("row not found downstream") != std::string::npos);
}

TEST_CASE("sink: a row that exists already is replaced, once, in safe mode", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("INSERT INTO t VALUES(1,'old',NULL)");
  RunningSink sink(options());
  sink.submit(TxnBuilder(10).insert(table_t(), row_t(1, "new")).build());
  CHECK(sink.wait_applied(10));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT id, b FROM t") == "1|new");
}

TEST_CASE("sink: what only the downstream has stays, also where it was added meanwhile",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  const bool has_second_key = GENERATE(false, true);
  if (!has_second_key) db.run("ALTER TABLE t DROP KEY uk_b");
  RunningSink sink(options());
  const auto t = table_t();
  sink.submit(TxnBuilder(10).insert(t, row_t(1, "a")).insert(t, row_t(2, "b")).build());
  REQUIRE(sink.wait_applied(10));
  db.run("ALTER TABLE t ADD COLUMN note VARCHAR(10) DEFAULT 'new'");
  db.run("UPDATE t SET note = 'kept'");
  const Values changed = {number(1), text("a"), text("changed")};
  sink.submit(TxnBuilder(11)
                  .update(t, row_t(1, "a"), changed)
                  .update(t, row_t(2, "b"), row_t(20, "bb"))
                  .build());
  REQUIRE(sink.wait_applied(11));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT id, b, c, note FROM t ORDER BY id") == "1|a|changed|kept\n20|bb|NULL|kept");
}

TEST_CASE("sink: a second drainer of the same cluster shuts out the first", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  RunningSink first(options());
  first.submit(insert_n(10, 1));
  REQUIRE(first.wait_applied(10));
  RunningSink second(options());
  CHECK(second.sink().resume_from(CommitTs(1)) == CommitTs(10));
  first.submit(insert_n(20, 2));
  CHECK_FALSE(first.wait_applied(20));
  CHECK(first.finish().find("has taken over cluster 7 on this downstream") != std::string::npos);
  second.submit(insert_n(20, 2));
  CHECK(second.wait_applied(20));
  CHECK(second.finish() == "");
  CHECK(db.rows("SELECT x FROM n ORDER BY x") == "1\n2");
}

TEST_CASE("sink: drainers of one cluster with checkpoints of their own write beside each other",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  auto settings = options();
  settings.progress_table.table += "_a";
  RunningSink first(settings);
  settings.progress_table.table.back() = 'b';
  RunningSink second(settings);
  first.submit(insert_n(10, 1));
  second.submit(insert_n(20, 2));
  CHECK(second.wait_applied(20));
  first.submit(insert_n(30, 3));
  CHECK(first.wait_applied(30));
  first.submit(TxnBuilder(31).ddl("test", "n", "ALTER TABLE `test`.`n` ADD COLUMN d INT").build());
  CHECK(first.finish() == "");
  CHECK(second.finish() == "");
  CHECK(db.rows("SELECT COUNT(*) FROM n") == "3");
  CHECK(RunningSink(settings).sink().resume_from(CommitTs(1)) == CommitTs(20));
}

TEST_CASE("sink: a drainer stopped in the middle of a transaction does not keep out the next",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  {
    RunningSink first(options());
    CHECK(first.finish() == "");
  }
  const std::string owner = db.rows("SELECT MAX(owner) FROM tidb_binlog.drainer_progress");
  Inspector stopped(MariadbServer::shared().port());
  ProgressRow row({.cluster_id = 7, .owner = owner}, 0);
  REQUIRE(row.renew(stopped.session()).ok());
  // Its marks are rows that the next one makes anew.
  auto settings = options();
  settings.syncer.loopback_control = GENERATE(false, true);
  settings.syncer.channel_id = 7;
  if (settings.syncer.loopback_control) REQUIRE(set_up_marks(settings.syncer, db.session()).ok());
  stopped.run("START TRANSACTION");
  if (settings.syncer.loopback_control) {
    stopped.run("UPDATE retl._drainer_repl_mark SET val = val + 1");
  }
  stopped.run(row.update_text({.commit_ts = CommitTs(5)}));

  // It does not wait for the transaction, which nobody ends.
  RunningSink second(settings);
  CHECK_FALSE(stopped.session().execute("COMMIT").ok());
  CHECK(second.sink().resume_from(CommitTs(1)) == CommitTs(1));
  CHECK(second.finish() == "");
}

TEST_CASE("progress: a packet of a replaced connection cannot commit any more", "[mariadb]") {
  REQUIRE_MARIADB();
  const uint16_t port = MariadbServer::shared().port();
  Inspector db = fresh();
  const ProgressTable::Id id{.cluster_id = 7, .owner = make_owner_name()};
  ProgressTable progress(id);
  REQUIRE(progress.create(db.session()).ok());
  REQUIRE(progress.take_over(db.session(), 1).ok());
  ProgressRow row(id, 0);
  REQUIRE(row.renew(db.session()).ok());
  std::string late = "START TRANSACTION;" + row.update_text({.commit_ts = CommitTs(5)}) + ";";
  append_guard(late, 1);
  late += ";INSERT INTO test.n VALUES(1,1);COMMIT";

  Inspector replacement(port);
  auto renewed = row.renew(replacement.session());
  REQUIRE(renewed.ok());
  CHECK(*renewed == AppliedState{});
  auto sent = db.session().execute(late);
  REQUIRE_FALSE(sent.ok());
  CHECK(sent.error().detail() == kGuardError);
  REQUIRE(db.session().rollback().ok());
  CHECK(db.rows("SELECT COUNT(*) FROM n") == "0");
}

TEST_CASE("progress: a user who may not create the table is told what to grant", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE OR REPLACE USER poor@'%' IDENTIFIED BY 'pw'");
  db.run("GRANT ALL ON test.* TO poor@'%'");
  auto settings = options();
  settings.syncer.to.user = "poor";
  settings.syncer.to.password = "pw";
  SystemClock clock;
  auto refused = MysqlSink::open(settings, clock, StopToken());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().to_string().find(
            "GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON `tidb_binlog`.*") !=
        std::string::npos);
  {
    RunningSink sink(options());
    CHECK(sink.finish() == "");
  }
  db.run("GRANT SELECT, INSERT, UPDATE, DELETE ON tidb_binlog.* TO poor@'%'");
  CHECK(MysqlSink::open(settings, clock, StopToken()).ok());
}

TEST_CASE("sink: after a lost connection each transaction is there exactly once", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  TcpProxy proxy(MariadbServer::shared().port());
  auto settings = sink_options(proxy.port());
  RunningSink sink(settings);
  sink.submit(insert_n(10, 1));
  REQUIRE(sink.wait_applied(10));
  const auto cut = GENERATE(TcpProxy::Cut::kAnswer, TcpProxy::Cut::kRequest);
  proxy.arm(cut, "COMMIT;");
  sink.submit(insert_n(20, 2));
  CHECK(sink.wait_applied(20));
  CHECK(proxy.cuts() == 1);
  sink.submit(insert_n(30, 3));
  CHECK(sink.wait_applied(30));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT x FROM n ORDER BY x") == "1\n2\n3");
}

TEST_CASE("sink: a killed connection is replaced", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  RunningSink sink(options());
  sink.submit(insert_n(10, 1));
  REQUIRE(sink.wait_applied(10));
  const auto ids = db.session().query(
      "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = "
      "'root'");
  REQUIRE(ids.ok());
  for (const auto& row : *ids) (void)db.session().execute("KILL " + *row[0]);
  sink.submit(insert_n(20, 2));
  CHECK(sink.wait_applied(20));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT x FROM n ORDER BY x") == "1\n2");
}

TEST_CASE("sink: goes on when the server comes back after a crash", "[mariadb]") {
  REQUIRE_MARIADB();
  MariadbServer server({"--innodb-flush-log-at-trx-commit=1"});
  {
    Inspector db(server.port());
    db.reset("test");
    db.run(kCreateN);
  }
  auto settings = sink_options(server.port());
  settings.attempts_max = 100;
  RunningSink sink(settings);
  sink.submit(insert_n(1000, 0));
  REQUIRE(sink.wait_applied(1000));
  for (int64_t i = 1; i <= 300; ++i) sink.submit(insert_n(1000 + i, i));
  server.restart();
  CHECK(sink.wait_applied(1300));
  CHECK(sink.finish() == "");
  Inspector db(server.port());
  CHECK(db.rows("SELECT COUNT(*), COUNT(DISTINCT x), MAX(x) FROM test.n") == "301|301|300");
}

TEST_CASE("sink: a transaction above the limit is cut, and taken up again in the middle",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  const auto make = [] {
    TxnBuilder txn(50);
    for (int64_t i = 0; i < 100; ++i) txn.insert(table_n(), {number(i), real(0.5)});
    return txn.build();
  };
  auto settings = options();
  settings.syncer.worker_count = 1;  // else the part may stay in the row of another worker
  settings.txn_bytes_max = make().size_bytes() / 4;
  settings.attempts_max = 1;
  db.run(
      "CREATE TRIGGER stop_at_60 BEFORE INSERT ON n FOR EACH ROW IF NEW.x = 60 THEN SIGNAL "
      "SQLSTATE '45000'; END IF");
  {
    RunningSink sink(settings);
    sink.submit(make());
    CHECK_FALSE(sink.wait_applied(50));
    CHECK(sink.finish().find("commit ts 50") != std::string::npos);
  }
  const std::string applied = db.rows("SELECT COUNT(*) FROM n");
  CHECK(db.rows(kProgress) == "1|31:" + applied + "|0");
  CHECK(std::stoi(applied) > 0);
  CHECK(std::stoi(applied) <= 60);
  db.run("DROP TRIGGER stop_at_60");
  RunningSink sink(settings);
  CHECK(sink.sink().resume_from(CommitTs(1)) == CommitTs(1));
  sink.submit(make());
  CHECK(sink.wait_applied(50));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT COUNT(*), COUNT(DISTINCT x) FROM n") == "100|100");
  CHECK(db.rows(kProgress) == "50||0");
}

TEST_CASE("sink: large transactions go in several packets, a row too large is named", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE big(x INT PRIMARY KEY, v LONGTEXT)");
  const auto big =
      table("test", "big", {{"x", tidb::ColumnType::kLong}, {"v", tidb::ColumnType::kLongBlob}});
  RunningSink sink(options());
  TxnBuilder txn(10);
  for (int64_t i = 0; i < 24; ++i) txn.insert(big, {number(i), text(std::string(1 << 20, 'x'))});
  txn.insert(big, {number(100), text(std::string(10 << 20, 'y'))});
  sink.submit(txn.build());
  CHECK(sink.wait_applied(10));
  CHECK(db.rows("SELECT COUNT(*), SUM(LENGTH(v)) FROM big") == "25|35651584");
  sink.submit(TxnBuilder(20).insert(big, {number(101), text(std::string(17 << 20, 'z'))}).build());
  CHECK_FALSE(sink.wait_applied(20));
  const std::string error = sink.finish();
  CHECK(error.find("commit ts 20: row 0 of `test`.`big`") != std::string::npos);
  CHECK(error.find("max_allowed_packet") != std::string::npos);
}

TEST_CASE("sink: a missing table or column is named", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  fakes::FakeClock clock;
  {
    RunningSink sink(options(), clock);
    const auto gone = table("test", "gone", {{"a", tidb::ColumnType::kLong}});
    sink.submit(TxnBuilder(10).insert(gone, {number(1)}).build());
    CHECK_FALSE(sink.wait_applied(10));
    CHECK(sink.finish() == "commit ts 10: `test`.`gone`: table not exist");
  }
  db.run("ALTER TABLE t DROP COLUMN c");
  {
    RunningSink sink(options(), clock);
    sink.submit(TxnBuilder(10).insert(table_t(), row_t(1, "a")).build());
    CHECK_FALSE(sink.wait_applied(10));
    CHECK(sink.finish() == "commit ts 10: column `c` of `test`.`t` does not exist downstream");
  }
  auto partial = options();
  partial.syncer.to.sync_mode = 2;
  RunningSink sink(partial, clock);
  sink.submit(TxnBuilder(10).insert(table_t(), row_t(1, "a")).build());
  CHECK(sink.wait_applied(10));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT * FROM t") == "1|a");
}

TEST_CASE("sink: TIMESTAMPs hold NULL as upstream, whatever the server makes of their columns",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("SET GLOBAL explicit_defaults_for_timestamp = OFF");
  std::string error;
  {
    RunningSink sink(options());
    sink.submit(
        TxnBuilder(10).ddl("test", "s", "CREATE TABLE `s` (`a` INT, `t` TIMESTAMP)").build());
    sink.submit(
        TxnBuilder(11).ddl("test", "s", "ALTER TABLE `s` ADD COLUMN `u` TIMESTAMP").build());
    const auto s = table("test", "s",
                         {{"a", tidb::ColumnType::kLong, "binary"},
                          {"t", tidb::ColumnType::kTimestamp, "binary"},
                          {"u", tidb::ColumnType::kTimestamp, "binary"}});
    sink.submit(TxnBuilder(12).insert(s, {number(1), null(), null()}).build());
    error = sink.finish();
  }
  db.run("SET GLOBAL explicit_defaults_for_timestamp = ON");
  CHECK(error == "");
  CHECK(db.rows("SELECT * FROM s") == "1|NULL|NULL");
}

TEST_CASE("sink: a statement that cannot succeed is named with its transaction", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  RunningSink sink(options());
  sink.submit(insert_n(10, 1));
  sink.submit(TxnBuilder(20).insert(table_t(), row_t(5, "longer than ten")).build());
  CHECK_FALSE(sink.wait_applied(20));
  const std::string error = sink.finish();
  CHECK(error.starts_with("commit ts 20: `test`.`t` where `id` = 5: INSERT INTO `test`.`t`"));
  CHECK(error.find("Error 1406") != std::string::npos);
}

}  // namespace
}  // namespace drainer::mysql
