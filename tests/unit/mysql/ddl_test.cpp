#include "syncer/mysql/ddl.h"

#include "syncer/mysql/ddl_facts.h"
#include "syncer/mysql/session/failure.h"
#include "tests/fakes/tcp_proxy.h"
#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using fakes::MariadbServer;
using fakes::TcpProxy;

constexpr const char* kProgress =
    "SELECT MAX(commit_ts), MAX(ddl_ts) FROM tidb_binlog.drainer_progress";
constexpr const char* kApplied = "SELECT MAX(commit_ts) FROM tidb_binlog.drainer_progress";

Inspector fresh() {
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  return db;
}

MysqlSinkOptions options() {
  return sink_options(MariadbServer::shared().port());
}

TEST_CASE("failure: each code has its class") {
  const auto of = [](int32_t code) {
    return classify_failure(Error(code >= 2000 && code < 3000 && code != 2026
                                      ? ErrorCode::kUnavailable
                                  : code == 2026 ? ErrorCode::kDenied
                                                 : ErrorCode::kInvalid,
                                  "x", code));
  };
  for (int32_t code : {1044, 1045, 1064, 1142, 1366, 1406, 1264, 1292, 3140, 2026, 0}) {
    CAPTURE(code);
    CHECK(of(code) == FailureClass::kFatal);
  }
  for (int32_t code : {1205, 1213, 1040, 1020, 1047, 1203, 1226, 3101, 1105, 8002, 8022, 8028, 9001,
                       9007, 9011, 8005, 8027, 3100}) {
    CAPTURE(code);
    CHECK(of(code) == FailureClass::kRetry);
  }
  for (int32_t code : {2002, 2006, 2013, 1053, 1927, 4031}) {
    CAPTURE(code);
    CHECK(of(code) == FailureClass::kLost);
  }
  for (int32_t code : {1047, 1290, 1836}) {
    CAPTURE(code);
    CHECK(of(code) == FailureClass::kRetry);
    CHECK(takes_no_writes(Error(ErrorCode::kInvalid, "x", code)));
  }
  CHECK_FALSE(takes_no_writes(Error(ErrorCode::kInvalid, "x", 1205)));
  CHECK(of(1054) == FailureClass::kRefresh);
  CHECK(of(1146) == FailureClass::kRefresh);
  CHECK(of(1062) == FailureClass::kSafeMode);
  CHECK(of(8004) == FailureClass::kTooLarge);
  CHECK(of(1690) == FailureClass::kGuard);
  CHECK(is_ignorable_ddl_error(Error(ErrorCode::kInvalid, "x", 1146)));
  CHECK(is_ignorable_ddl_error(Error(ErrorCode::kInvalid, "x", 1176)));
  CHECK_FALSE(is_ignorable_ddl_error(Error(ErrorCode::kInvalid, "x", 1032)));
  CHECK_FALSE(is_ignorable_ddl_error(Error(ErrorCode::kInvalid, "x")));
}

TEST_CASE("ddl: runs between the rows before and after it", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  RunningSink sink(options());
  const auto before = table("fresh", "t", {{"a", tidb::ColumnType::kLong}});
  const auto after =
      table("fresh", "t", {{"a", tidb::ColumnType::kLong}, {"b", tidb::ColumnType::kLong}});
  db.run("DROP DATABASE IF EXISTS fresh");
  sink.submit(TxnBuilder(10).ddl("fresh", "", "CREATE DATABASE `fresh`").build());
  sink.submit(TxnBuilder(11).ddl("fresh", "t", "CREATE TABLE `t` (`a` INT)").build());
  sink.submit(TxnBuilder(12).insert(before, {number(1)}).build());
  sink.submit(TxnBuilder(13).ddl("fresh", "t", "ALTER TABLE `t` ADD COLUMN `b` INT").build());
  sink.submit(TxnBuilder(14).insert(after, {number(2), number(3)}).build());
  sink.submit(TxnBuilder(15).update(after, {number(1), null()}, {number(1), number(9)}).build());
  sink.submit(TxnBuilder(16).ddl("fresh", "t", "ALTER TABLE `t` DROP COLUMN `b`").build());
  sink.submit(TxnBuilder(17).remove(before, {number(2)}).build());
  CHECK(sink.wait_applied(17));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT * FROM fresh.t") == "1");
  CHECK(db.rows(kProgress) == "17|0");
}

TEST_CASE("ddl: rows that an added column finds get the time that they got upstream", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE t(a INT)");
  db.run("INSERT INTO t VALUES (1)");
  RunningSink sink(options());
  const auto add = [](int64_t ts, const std::string& column, DdlClock clock) {
    Txn txn = TxnBuilder(ts).ddl("test", "t", "ALTER TABLE `t` ADD COLUMN " + column).build();
    txn.ddl->clock = std::move(clock);
    return txn;
  };
  sink.submit(add(10, "`u` TIMESTAMP(2) NULL DEFAULT CURRENT_TIMESTAMP(2)",
                  {.time = "2026-11-21 19:02:00.25", .is_utc = true}));
  sink.submit(add(11, "`d` DATETIME DEFAULT CURRENT_TIMESTAMP",
                  {.time = "2026-11-22 04:02:01", .is_utc = false}));
  CHECK(sink.wait_applied(11));
  CHECK(sink.finish() == "");
  db.run("SET SESSION time_zone = '+00:00'");
  CHECK(db.rows("SELECT u, d FROM t") == "2026-11-21 19:02:00.25|2026-11-22 04:02:01");
}

TEST_CASE("ddl: what exists or is gone already counts as done, at once", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE t(a INT, KEY k(a))");
  RunningSink sink(options());
  int64_t ts = 10;
  for (const char* text : {"CREATE TABLE `t` (`a` INT)", "ALTER TABLE `t` ADD COLUMN `a` INT",
                           "ALTER TABLE `t` ADD INDEX `k`(`a`)", "ALTER TABLE `t` DROP COLUMN `z`",
                           "DROP TABLE `nothing`", "ALTER TABLE `nothing` ADD COLUMN `b` INT"}) {
    sink.submit(TxnBuilder(ts++).ddl("test", "t", text).build());
  }
  CHECK(sink.wait_applied(ts - 1));
  CHECK(sink.finish() == "");
  CHECK(db.rows(kProgress) == std::to_string(ts - 1) + "|0");
}

TEST_CASE("ddl: what exists or is gone ends it where a filter is among its renames", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE x1(a INT)");
  db.run("CREATE TABLE x2(a INT)");
  const auto text = GENERATE(as<std::string>(), "RENAME TABLE `x2` TO `x1`, `gone` TO `x2`",
                             "RENAME TABLE `gone` TO `x3`");
  RunningSink sink(options());
  Txn txn = TxnBuilder(10).ddl("test", "x2", text).build();
  txn.ddl->effect.must_fit = true;
  sink.submit(std::move(txn));
  const std::string error = sink.finish();
  CHECK_THAT(error, Catch::Contains("`" + text + "` failed") &&
                        Catch::Contains("leaves out some of the tables"));
  CHECK(db.rows("SHOW TABLES") == "x1\nx2");
}

TEST_CASE("ddl: MariaDB takes what TiDB prints, its own way", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  RunningSink sink(options());
  int64_t ts = 10;
  for (const char* text : {
           "CREATE GLOBAL TEMPORARY TABLE `g` (`a` INT) ON COMMIT DELETE ROWS;",
           "CREATE TABLE `t` (`a` INT CHECK(`a`>0) ENFORCED,`b` INT,`c` VARCHAR(9) COLLATE "
           "utf8mb4_0900_ai_ci COLUMN_FORMAT DYNAMIC,CONSTRAINT `n` CHECK(`b`>0) NOT "
           "ENFORCED,INDEX "
           "`i`(`a`) INVISIBLE) DEFAULT COLLATE = UTF8MB4_0900_BIN STATS_BUCKETS = 9 COMPRESSION = "
           "'zlib';",
           "ALTER TABLE `t` ADD CONSTRAINT `m` CHECK(`b`>0) ENFORCED;",
           "ALTER TABLE `t` ADD CHECK(`b`>0) NOT ENFORCED;",
           "ALTER TABLE `t` ALTER CHECK `n` ENFORCED;",
           "ALTER TABLE `t` ALTER INDEX `i` VISIBLE, ADD COLUMN `d` INT;",
           "ALTER TABLE `t` ALTER INDEX `i` INVISIBLE;",
           "ALTER TABLE `t` MODIFY COLUMN `d` BIGINT, ALGORITHM = INSTANT, LOCK = NONE;",
           "ALTER TABLE `t` ADD COLUMN IF NOT EXISTS `d` INT;",
           "CREATE INDEX `j` ON `t` (`d`) ALGORITHM = INSTANT LOCK = NONE;",
           "DROP INDEX `j` ON `t` ALGORITHM = INPLACE LOCK = NONE;",
           "CREATE TABLE `p` (`a` INT) ENGINE = MyISAM PARTITION BY HASH (`a`) PARTITIONS 1;",
           "CREATE TABLE `q` (`a` INT) ENGINE = 'MEMORY';",
           "ALTER TABLE `p` EXCHANGE PARTITION `p0` WITH TABLE `q` WITHOUT VALIDATION;",
       }) {
    sink.submit(TxnBuilder(ts++).ddl("test", "t", text).build());
  }
  // Upstream may ignore the constraint.
  const auto t = table("test", "t", {{"a", tidb::ColumnType::kLong}});
  sink.submit(TxnBuilder(ts++).insert(t, {number(-1)}).build());
  for (const char* text : {"ALTER TABLE `t` ALTER CHECK `m` NOT ENFORCED;",
                           "ALTER TABLE `t` DROP CHECK `n`, DROP COLUMN `b`;"}) {
    sink.submit(TxnBuilder(ts++).ddl("test", "t", text).build());
  }
  CHECK(sink.wait_applied(ts - 1));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SHOW CREATE TABLE t") ==
        "t|CREATE TABLE `t` (\n"
        "  `a` int(11) DEFAULT NULL CHECK (`a` > 0),\n"
        "  `c` varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_ai_ci DEFAULT NULL,\n"
        "  `d` bigint(20) DEFAULT NULL,\n"
        "  KEY `i` (`a`) IGNORED\n"
        ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin");
}

TEST_CASE("ddl: a fatal failure names statement, cause and remedy", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  RunningSink sink(options());
  sink.submit(TxnBuilder(42).ddl("test", "t", "CREATE TABLE `t` (`a` NOSUCHTYPE)").build());
  CHECK_FALSE(sink.wait_applied(42));
  const std::string error = sink.finish();
  CHECK(error.find("CREATE TABLE `t` (`a` NOSUCHTYPE)") != std::string::npos);
  CHECK(error.find("ignore-txn-commit-ts = [42]") != std::string::npos);
  CHECK(error.find("Error ") != std::string::npos);
  CHECK(db.rows(kProgress) == "1|42");
}

TEST_CASE("ddl: after a crash the downstream tells whether it has happened", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE t(a INT NOT NULL); INSERT INTO t VALUES (1),(1)");
  // One worker: with several, another one's row may still show the journal of what is done.
  MysqlSinkOptions one_worker = options();
  one_worker.syncer.worker_count = 1;
  const std::string text = "ALTER TABLE `t` ADD PRIMARY KEY(`a`)";
  {
    RunningSink sink(one_worker);
    sink.submit(TxnBuilder(42).ddl("test", "t", text).build());
    CHECK_FALSE(sink.wait_applied(42));
    CHECK(sink.finish().find("Error 1062") != std::string::npos);
  }
  // The journal now says that 42 has been begun, as after a crash in its middle.
  const bool has_happened = GENERATE(true, false);
  db.run("DELETE FROM t LIMIT 1");
  if (has_happened) db.run(text);
  RunningSink sink(one_worker);
  CHECK(sink.sink().resume_from(CommitTs(1)) == CommitTs(1));
  sink.submit(TxnBuilder(42).ddl("test", "t", text).build());
  CHECK(sink.wait_applied(42));
  CHECK(sink.finish() == "");
  CHECK(db.rows(kProgress) == "42|0");
  CHECK(db.rows("SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema='test'") ==
        "1");
}

TEST_CASE("ddl: a swap of tables is done once, whenever the drainer dies", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE p(a INT) PARTITION BY RANGE(a) (PARTITION p1 VALUES LESS THAN (10))");
  db.run("CREATE TABLE t(a INT); INSERT INTO t VALUES (1); INSERT INTO p VALUES (2)");
  db.run("CREATE TABLE u(a INT); INSERT INTO u VALUES (3)");
  const std::string text =
      GENERATE(as<std::string>{}, "ALTER TABLE `p` EXCHANGE PARTITION `p1` WITH TABLE `t`",
               "RENAME TABLE `t` TO `x`, `u` TO `t`, `x` TO `u`");
  const bool has_happened = GENERATE(true, false);
  CAPTURE(text, has_happened);
  Txn txn = TxnBuilder(42).ddl("test", "t", text).build();
  txn.ddl->effect.touched = {{"test", "p"}, {"test", "t"}, {"test", "u"}};
  MysqlSinkOptions one_worker = options();
  one_worker.syncer.worker_count = 1;
  {
    RunningSink sink(one_worker);
    CHECK(sink.finish() == "");
  }
  const auto facts = read_ddl_facts(db.session(), *txn.ddl);
  REQUIRE(facts.ok());
  CHECK(facts->starts_with("i"));
  db.run("UPDATE tidb_binlog.drainer_progress SET ddl_ts=42, applied='!" + *facts + "'");
  if (has_happened) db.run("USE test; " + text);
  RunningSink sink(one_worker);
  sink.submit(std::move(txn));
  CHECK(sink.wait_applied(42));
  CHECK(sink.finish() == "");
  const bool is_exchange = text.find("EXCHANGE") != std::string::npos;
  CHECK(db.rows("SELECT a FROM test.t") == (is_exchange ? "2" : "3"));
  CHECK(db.rows(kProgress) == "42|0");
}

TEST_CASE("ddl: one that goes before its rows is no progress, and is not run twice", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE t(a INT PRIMARY KEY)");
  const auto change = [] {
    Txn txn = TxnBuilder(42)
                  .ddl("test", "t", "ALTER TABLE `t` ADD COLUMN `b` INT, ADD INDEX (`b`)")
                  .build();
    txn.ddl->is_early = true;
    return txn;
  };
  {
    RunningSink sink(options());
    // Another transaction has the same commit ts.
    sink.submit(TxnBuilder(42).build());
    CHECK(sink.wait_applied(42));
    sink.submit(change());
    CHECK(sink.finish() == "");
    CHECK(db.rows(kApplied) == "42");
  }
  {
    RunningSink sink(options());
    sink.submit(change());
    const auto t = table("test", "t", {{"a", tidb::ColumnType::kLong}});
    sink.submit(TxnBuilder(43).insert(t, {number(1)}).build());
    CHECK(sink.wait_applied(43));
    CHECK(sink.finish() == "");
  }
  CHECK(db.rows("SELECT COUNT(*) FROM information_schema.statistics WHERE table_name='t'") == "2");
  CHECK(db.rows(kApplied) == "43");
}

TEST_CASE("ddl: the journal of one that goes before its rows is not taken for another's",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE t(a INT)");
  db.run("CREATE TABLE u(a INT)");
  const auto change = [](const std::string& table, int64_t job) {
    Txn txn =
        TxnBuilder(42).ddl("test", table, "ALTER TABLE `" + table + "` ADD COLUMN `b` INT").build();
    txn.ddl->is_early = true;
    txn.ddl->job_id = DdlJobId(job);
    return txn;
  };
  {
    RunningSink sink(options());
    sink.submit(change("t", 1));
    CHECK(sink.finish() == "");
  }
  // The next run sees a second job before the rows, and gives it this commit ts.
  {
    RunningSink sink(options());
    sink.submit(change("u", 12));
    sink.submit(TxnBuilder(43).build());
    CHECK(sink.wait_applied(43));
    CHECK(sink.finish() == "");
  }
  CHECK(db.rows("SELECT COUNT(*) FROM information_schema.columns WHERE table_name='u'") == "2");
}

TEST_CASE("ddl: counters that rows move are no facts", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  const Txn txn = TxnBuilder(42).ddl("test", "t", "DROP TABLE `t`").build();
  const auto facts = [&] { return read_ddl_facts(db.session(), *txn.ddl).value(); };
  db.run("CREATE TABLE t(a INT PRIMARY KEY AUTO_INCREMENT)");
  const std::string before = facts();
  db.run("INSERT INTO t VALUES (7)");
  CHECK(facts() == before);
  // As TiDB shows its second counter.
  db.run("ALTER TABLE t COMMENT ' /*T![auto_rand_base] AUTO_RANDOM_BASE=30001 */'");
  const std::string with_base = facts();
  db.run("ALTER TABLE t COMMENT ''");
  db.run("ALTER TABLE t COMMENT ' /*T![auto_rand_base] AUTO_RANDOM_BASE=60001 */'");
  CHECK(facts() == with_base);
  db.run("ALTER TABLE t ADD COLUMN b INT");
  CHECK(facts() != with_base);
}

TEST_CASE("ddl: what must not be repeated is not, when nothing tells whether it has happened") {
  const std::string exchange = "alter table p exchange  partition p1 with table t";
  CHECK(is_unrepeatable_ddl(exchange));
  CHECK(is_unrepeatable_ddl("RENAME TABLE a TO b, c TO d"));
  CHECK(is_unrepeatable_ddl("ALTER TABLE t ADD INDEX (a)"));
  CHECK_FALSE(is_unrepeatable_ddl("RENAME TABLE a TO b"));
  CHECK_FALSE(is_unrepeatable_ddl("ALTER TABLE t ADD INDEX k(a)"));
  CHECK(judge_ddl(exchange, "i1", "i2") == DdlVerdict::kDone);
  CHECK(judge_ddl(exchange, "i1", "i1") == DdlVerdict::kNotDone);
  CHECK(judge_ddl(exchange, "d1", "d1") == DdlVerdict::kUnknown);
  CHECK(judge_ddl("ALTER TABLE t ADD INDEX (a)", "d1", "d1") == DdlVerdict::kNotDone);
  CHECK(judge_ddl("ALTER TABLE t ADD INDEX (a)", "", "d1") == DdlVerdict::kUnknown);
  CHECK(judge_ddl("ALTER TABLE t ADD INDEX (a)", "i1", "d2") == DdlVerdict::kUnknown);
}

TEST_CASE("ddl: survives a connection that is lost in the middle", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE t(a INT NOT NULL)");
  TcpProxy proxy(MariadbServer::shared().port());
  RunningSink sink(sink_options(proxy.port()));
  const auto cut = GENERATE(TcpProxy::Cut::kAnswer, TcpProxy::Cut::kRequest);
  proxy.arm(cut, "ADD PRIMARY KEY");
  sink.submit(TxnBuilder(10).ddl("test", "t", "ALTER TABLE `t` ADD PRIMARY KEY(`a`)").build());
  CHECK(sink.wait_applied(10));
  CHECK(proxy.cuts() == 1);
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema='test' AND "
                "index_name='PRIMARY'") == "1");
}

TEST_CASE("ddl: one that is to be skipped only makes the sink look at the table again",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE t(a INT)");
  auto settings = options();
  settings.syncer.to.sync_mode = 2;
  RunningSink sink(settings);
  const auto wide =
      table("test", "t", {{"a", tidb::ColumnType::kLong}, {"b", tidb::ColumnType::kLong}});
  sink.submit(TxnBuilder(10).insert(wide, {number(1), number(1)}).build());
  REQUIRE(sink.wait_applied(10));
  db.run("ALTER TABLE t ADD COLUMN b INT");
  Txn skipped = TxnBuilder(11).ddl("test", "t", "ALTER TABLE `t` ADD COLUMN `b` INT").build();
  skipped.ddl->should_skip = true;
  sink.submit(std::move(skipped));
  sink.submit(TxnBuilder(12).insert(wide, {number(2), number(2)}).build());
  CHECK(sink.wait_applied(12));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT * FROM t ORDER BY a") == "1|NULL\n2|2");
}

TEST_CASE("ddl: the facts of a table are its own, not those of one with a similar name",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  for (const std::string name : {"a_b", "axb"}) {
    db.run("CREATE TABLE " + name + "(a INT) PARTITION BY HASH(a) PARTITIONS 2");
  }
  const Txn txn = TxnBuilder(10).ddl("test", "a_b", "TRUNCATE TABLE `a_b`").build();
  const auto facts = [&] {
    auto read = read_ddl_facts(db.session(), *txn.ddl);
    REQUIRE(read.ok());
    return *read;
  };
  const std::string before = facts();
  db.run("TRUNCATE TABLE axb");
  CHECK(facts() == before);
  db.run("TRUNCATE TABLE a_b");
  CHECK(facts() != before);
}

TEST_CASE("ddl: a TiFlash replica that cannot be had is ignored", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE t(a INT)");
  RunningSink sink(options());
  sink.submit(TxnBuilder(10).ddl("test", "t", "ALTER TABLE `t` SET TIFLASH REPLICA 1").build());
  CHECK(sink.wait_applied(10));
  CHECK(sink.finish() == "");
}

}  // namespace
}  // namespace drainer::mysql
