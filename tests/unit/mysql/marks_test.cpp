// The marks as the other side's drainer meets them: in the binlog of the downstream, which MariaDB
// keeps in TiDB's place.

#include "drainer/base/drainer_metrics.h"
#include "tests/fakes/tcp_proxy.h"
#include "tests/unit/mysql/sample.h"

#include <algorithm>

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using fakes::MariadbServer;
using fakes::TcpProxy;

constexpr int64_t kChannel = 7;
const std::string kMarks = "retl._drainer_repl_mark";

/// A server that keeps a binlog of rows.
MariadbServer& recording_server() {
  static MariadbServer server({"--log-bin=binlog", "--binlog-format=ROW", "--server-id=1"});
  return server;
}

MysqlSinkOptions options(uint16_t port) {
  MysqlSinkOptions settings = sink_options(port);
  settings.syncer.loopback_control = true;
  settings.syncer.channel_id = kChannel;
  settings.syncer.worker_count = 4;
  settings.syncer.to.sync_mode = 2;
  settings.syncer.apply.on_row_mismatch = RowMismatchAction::kWarn;
  return settings;
}

/// The tables that a committed transaction names, in the order of its statements.
using TxnTables = std::vector<std::string>;

/// Reads what the server has committed since it was made.
class Recording {
 public:
  explicit Recording(Inspector& db) : db_(db) {
    db_.run("FLUSH BINARY LOGS");
    file_ = db_.session().query_value("SHOW MASTER STATUS").value();
  }

  /// Transactions of rows; DDL is left out.
  std::vector<TxnTables> txns() {
    std::vector<TxnTables> out;
    const auto events = db_.session().query("SHOW BINLOG EVENTS IN '" + file_ + "'");
    CHECK(events.ok());
    bool is_open = false;
    for (const ResultRow& event : *events) {
      const std::string type = event[2].value_or("");
      const std::string info = event[5].value_or("");
      if (type == "Gtid") {
        is_open = info.starts_with("BEGIN");
        if (is_open) out.emplace_back();
      } else if (type == "Table_map" && is_open) {
        const size_t begin = info.find('(') + 1;
        out.back().push_back(info.substr(begin, info.find(')') - begin));
      }
    }
    return out;
  }

 private:
  Inspector& db_;
  std::string file_;
};

bool is_own_table(const std::string& name) {
  return name.starts_with("tidb_binlog.");
}

/// Checks each transaction that touches a table of users: the mark is its first statement and the
/// only mark. How many there were.
size_t check_marks(const std::vector<TxnTables>& txns) {
  size_t marked = 0;
  for (const TxnTables& tables : txns) {
    const bool is_internal = std::ranges::all_of(
        tables, [](const std::string& name) { return is_own_table(name) || name == kMarks; });
    if (is_internal) continue;
    ++marked;
    INFO(tables.front() << " first of " << tables.size());
    CHECK(tables.front() == kMarks);
    CHECK(std::ranges::count(tables, kMarks) == 1);
  }
  return marked;
}

Inspector fresh(uint16_t port) {
  Inspector db(port);
  db.reset("test");
  db.run("DROP DATABASE IF EXISTS retl");
  db.run("CREATE TABLE t(id INT PRIMARY KEY, b VARCHAR(10), c TEXT, UNIQUE KEY uk_b(b))");
  return db;
}

Txn insert_t(int64_t commit_ts, int64_t id) {
  return TxnBuilder(commit_ts)
      .insert(table_t(), {number(id), text("b" + std::to_string(id)), null()})
      .build();
}

}  // namespace

TEST_CASE("marks: a replay tells the opposite direction's drainer nothing", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh(recording_server().port());
  auto settings = options(recording_server().port());
  settings.is_replay = true;
  RunningSink sink(settings);
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT id FROM " + kMarks + " ORDER BY id") == "0\n1\n2\n3");
}

TEST_CASE("marks: each transaction begins with one, whichever way it is written", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh(recording_server().port());
  Recording recording(db);
  auto settings = options(recording_server().port());
  settings.txn_bytes_max = 4000;
  RunningSink sink(settings);
  const auto t = table_t();
  const auto apply = [&](Txn txn) {
    const int64_t commit_ts = txn.commit_ts.value;
    sink.submit(std::move(txn));
    REQUIRE(sink.wait_applied(commit_ts));
  };
  for (int64_t i = 1; i <= 50; ++i) apply(insert_t(i + 1, i));
  // Statement by statement, since a row is missing; in safe mode, since one exists; cut in pieces.
  apply(TxnBuilder(60)
            .remove(t, {number(99), text("q"), null()})
            .insert(t, {number(60), text("60"), null()})
            .build());
  apply(insert_t(61, 7));
  TxnBuilder large(62);
  for (int64_t i = 100; i < 300; ++i) large.insert(t, {number(i), text(std::to_string(i)), null()});
  apply(large.build());
  sink.submit(TxnBuilder(63).ddl("test", "t", "ALTER TABLE `test`.`t` ADD COLUMN d INT").build());
  apply(insert_t(64, 400));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT COUNT(*) FROM t") == "252");
  CHECK(check_marks(recording.txns()) > 53 + 1);
  CHECK(db.rows("SELECT id, channel_id, channel_info FROM " + kMarks + " ORDER BY id") ==
        "-1|7|sync-ddl=true\n0|7|\n1|7|\n2|7|\n3|7|");
}

TEST_CASE("marks: a transaction has changes of one origin, under that origin's marks",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh(recording_server().port());
  auto settings = options(recording_server().port());
  settings.syncer.worker_count = 1;
  RunningSink sink(settings);
  const std::vector<std::vector<int64_t>> origins = {{}, {5}, {5, 6}, {9}};
  for (int64_t i = 1; i <= 200; ++i) {
    Txn txn = insert_t(i + 1, i);
    txn.marks = origins[static_cast<size_t>(i / 3) % origins.size()];
    sink.submit(std::move(txn));
  }
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT COUNT(*) FROM t") == "200");
  // At least one downstream transaction for each stretch; the marks of the others are raised in it.
  const auto raised = [&](int64_t channel) {
    return std::stoi(db.rows(
        fmt::format("SELECT val FROM {} WHERE id = 0 AND channel_id = {}", kMarks, channel)));
  };
  CHECK(raised(5) >= 32);
  CHECK(raised(6) >= 16);
  CHECK(raised(5) - raised(6) >= 16);
  CHECK(raised(9) >= 16);
  CHECK(raised(7) >= 17);
}

TEST_CASE("marks: a mark whose row is gone is inserted before the transaction commits",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh(recording_server().port());
  Recording recording(db);
  RunningSink sink(options(recording_server().port()));
  sink.submit(insert_t(10, 1));
  REQUIRE(sink.wait_applied(10));
  const bool is_truncated = GENERATE(false, true);
  db.run(is_truncated ? "TRUNCATE TABLE " + kMarks : "DELETE FROM " + kMarks);
  sink.submit(insert_t(11, 2));
  REQUIRE(sink.wait_applied(11));
  db.run("DELETE FROM " + kMarks);
  // Of the transactions around a DDL it is the first that finds the mark gone.
  sink.submit(TxnBuilder(12).ddl("test", "t", "ALTER TABLE `test`.`t` ADD COLUMN d INT").build());
  sink.submit(insert_t(13, 3));
  REQUIRE(sink.wait_applied(13));
  CHECK(sink.finish() == "");
  CHECK(check_marks(recording.txns()) == 3);
  CHECK(db.rows("SELECT id FROM t ORDER BY id") == "1\n2\n3");
}

TEST_CASE("marks: for a mark whose row is gone no table is written row by row", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh(recording_server().port());
  db.run("INSERT INTO t VALUES(1,'a',NULL)");
  auto settings = options(recording_server().port());
  settings.syncer.worker_count = 1;
  RunningSink sink(settings);
  const TablePtr t = table_t();
  const auto update = [&](int64_t ts, const char* before, const char* after) {
    sink.submit(
        TxnBuilder(ts)
            .update(t, {number(1), text("a"), text(before)}, {number(1), text("a"), text(after)})
            .build());
    REQUIRE(sink.wait_applied(ts));
  };
  update(10, "", "b");
  db.run("DELETE FROM " + kMarks);
  update(11, "b", "c");
  const auto inserts = [&] {
    return std::stoi(
        db.rows("SELECT variable_value FROM information_schema.global_status WHERE "
                "variable_name = 'Com_insert'"));
  };
  const int before = inserts();
  // As a change of many rows: an INSERT that updates.
  update(12, "c", "d");
  CHECK(inserts() == before + 1);
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT id, b, c FROM t") == "1|a|d");
}

TEST_CASE("marks: a mark table that is dropped meanwhile ends the run with the remedy",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh(recording_server().port());
  RunningSink sink(options(recording_server().port()));
  sink.submit(insert_t(10, 1));
  REQUIRE(sink.wait_applied(10));
  db.run("DROP TABLE " + kMarks);
  sink.submit(insert_t(11, 2));
  CHECK_THAT(sink.finish(),
             Catch::Contains("the loopback mark table is gone, start the drainer again"));
  CHECK(db.rows("SELECT id FROM t") == "1");
}

TEST_CASE("marks: they are there whatever happens to connections", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh(recording_server().port());
  Recording recording(db);
  TcpProxy proxy(recording_server().port());
  RunningSink sink(options(proxy.port()));
  for (int64_t i = 1; i <= 100; ++i) {
    if (i % 20 == 0) {
      // The COMMIT of the next transaction is lost, or its answer.
      proxy.arm(i % 40 == 0 ? TcpProxy::Cut::kRequest : TcpProxy::Cut::kAnswer, "COMMIT;");
    }
    sink.submit(insert_t(i + 1, i));
    REQUIRE(sink.wait_applied(i + 1));
  }
  CHECK(sink.finish() == "");
  CHECK(proxy.cuts() == 5);
  CHECK(db.rows("SELECT COUNT(*), SUM(id) FROM t") == "100|5050");
  CHECK(check_marks(recording.txns()) == 100);
}

TEST_CASE("marks: without loopback control there are none", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh(recording_server().port());
  RunningSink sink(sink_options(recording_server().port()));
  sink.submit(insert_t(10, 1));
  REQUIRE(sink.wait_applied(10));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SHOW DATABASES LIKE 'retl'") == "");
}

TEST_CASE("marks: a mark table that cannot do its work ends the start", "[mariadb]") {
  REQUIRE_MARIADB();
  const std::string table = "CREATE TABLE retl._drainer_repl_mark ";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"CREATE VIEW retl._drainer_repl_mark AS SELECT 1 AS id", "has id int(1) instead of bigint"},
      {table + "(id bigint, val bigint, PRIMARY KEY (id))", "has no column channel_id"},
      {table + "(id bigint, channel_id bigint unsigned, val bigint, PRIMARY KEY (id, channel_id))",
       "has channel_id bigint(20) unsigned instead of bigint"},
      {table + "(id bigint, channel_id bigint, val bigint, channel_info varchar(64))",
       "has not the primary key (id, channel_id)"},
      {table + "(id bigint, channel_id bigint, val bigint, PRIMARY KEY (id))",
       "has not the primary key (id, channel_id)"}};
  for (const auto& [create, problem] : cases) {
    Inspector db = fresh(recording_server().port());
    db.run("CREATE DATABASE retl");
    db.run(create);
    SystemClock clock;
    const auto sink = MysqlSink::open(options(recording_server().port()), clock, StopToken());
    REQUIRE_FALSE(sink.ok());
    CHECK(sink.error().to_string().starts_with(
        "the mark table retl._drainer_repl_mark of the downstream " + problem));
  }
}

TEST_CASE("pair: rows that differ on both sides end as the sender has them, and are counted",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh(recording_server().port());
  // Downstream: a column fewer, and one more that has no default (sync-mode 2).
  db.run("ALTER TABLE t DROP COLUMN c, ADD COLUMN extra INT NOT NULL");
  db.run("INSERT INTO t VALUES(1,'theirs',5)");
  const Counter& counter = metric::mysql_row_mismatches_total("`test`.`t`");
  const double before = counter.value();
  RunningSink sink(options(recording_server().port()));
  const auto t = table_t();
  sink.submit(TxnBuilder(10).insert(t, {number(1), text("ours"), text("x")}).build());
  REQUIRE(sink.wait_applied(10));
  sink.submit(TxnBuilder(11)
                  .update(t, {number(2), text("a"), null()}, {number(2), text("b"), null()})
                  .remove(t, {number(3), text("c"), null()})
                  .insert(t, {number(4), text("d"), null()})
                  .build());
  REQUIRE(sink.wait_applied(11));
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT id, b, extra FROM t ORDER BY id") == "1|ours|0\n4|d|0");
  CHECK(counter.value() - before == 2);
}

}  // namespace drainer::mysql
