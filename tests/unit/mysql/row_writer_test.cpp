// Transactions that fail as a whole and are then written row by row.

#include "syncer/mysql/rows/row_writer.h"

#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using fakes::MariadbServer;

/// A fresh database `test` with a(id, v) and b(id, v); a has a column that the upstream lacks.
Inspector fresh() {
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  db.run("CREATE TABLE a(id INT PRIMARY KEY, v VARCHAR(10), extra INT NOT NULL DEFAULT 5)");
  db.run("CREATE TABLE b(id INT PRIMARY KEY, v VARCHAR(10))");
  return db;
}

TablePtr table_of(const std::string& name) {
  return table("test", name, {{"id", tidb::ColumnType::kLong}, {"v", tidb::ColumnType::kVarchar}});
}

Values row(int64_t id, const std::string& v) {
  return {number(id), text(v)};
}

/// The sink's error.
std::string apply(Txn txn) {
  RunningSink sink(sink_options(MariadbServer::shared().port()));
  sink.submit(std::move(txn));
  return sink.finish();
}

TEST_CASE("row writer: a row that exists already is replaced, others are written as ever",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("INSERT INTO a VALUES(1,'old',9)");
  db.run("INSERT INTO b VALUES(1,'theirs')");
  CHECK(apply(TxnBuilder(10)
                  .update(table_of("a"), row(1, "old"), row(1, "new"))
                  .insert(table_of("b"), row(1, "ours"))
                  .build()) == "");
  CHECK(db.rows("SELECT * FROM a") == "1|new|9");
  CHECK(db.rows("SELECT * FROM b") == "1|ours");
  CHECK(apply(TxnBuilder(11).insert(table_of("a"), row(1, "again")).build()) == "");
  CHECK(db.rows("SELECT * FROM a") == "1|again|9");
}

TEST_CASE("row writer: a row that exists already does not hide one that is missing", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("INSERT INTO b VALUES(1,'theirs')");
  const std::string error = apply(TxnBuilder(10)
                                      .insert(table_of("b"), row(1, "ours"))
                                      .update(table_of("a"), row(1, "old"), row(1, "new"))
                                      .build());
  CHECK(error.find("row not found downstream: commit ts 10, table `test`.`a`") !=
        std::string::npos);
  CHECK(db.rows("SELECT * FROM b") == "1|theirs");
}

TEST_CASE("row writer: only the table whose rows do not change as upstream is written row by row",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("DROP TABLE a");
  // What differs is cut, or the row is not there.
  const bool is_missing = GENERATE(false, true);
  db.run(is_missing ? "CREATE TABLE a(id INT PRIMARY KEY, v DOUBLE)"
                    : "CREATE TABLE a(id INT PRIMARY KEY, v FLOAT)");
  db.run("INSERT INTO a VALUES(1,1)");
  db.run("INSERT INTO b VALUES(1,'0')");
  const TablePtr a =
      table("test", "a", {{"id", tidb::ColumnType::kLong}, {"v", tidb::ColumnType::kDouble}});
  const TablePtr b = table_of("b");
  auto settings = sink_options(MariadbServer::shared().port());
  settings.syncer.worker_count = 1;
  settings.syncer.apply.on_row_mismatch = RowMismatchAction::kWarn;
  RunningSink sink(settings);
  const auto count = [&](const std::string& statement) {
    return std::stoi(
        db.rows("SELECT variable_value FROM information_schema.global_status WHERE "
                "variable_name = 'Com_" +
                statement + "'"));
  };
  const auto update = [&](int64_t ts, int64_t id, double before, double after) {
    sink.submit(TxnBuilder(ts)
                    .update(a, {number(id), real(before)}, {number(id), real(after)})
                    .update(b, row(1, std::to_string(ts - 10)), row(1, std::to_string(ts - 9)))
                    .build());
    REQUIRE(sink.wait_applied(ts));
  };
  update(10, is_missing ? 2 : 1, 1, is_missing ? 2 : 1.000000001);
  const int updates = count("update");
  const int inserts = count("insert");
  update(11, 1, 1, 3);
  CHECK(count("update") == updates + 2);  // and the progress
  CHECK(count("insert") == inserts + 1);  // that updates
  CHECK(sink.finish() == "");
  CHECK(db.rows("SELECT * FROM a") == "1|3");
  CHECK(db.rows("SELECT * FROM b") == "1|2");
}

TEST_CASE("row writer: a strict server takes the error value of an ENUM, but nothing else cut",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  REQUIRE(db.rows("SELECT @@sql_mode").find("STRICT_TRANS_TABLES") != std::string::npos);
  db.run("CREATE TABLE e(id INT PRIMARY KEY, e ENUM('x','y') NOT NULL, v VARCHAR(3))");
  const auto e = table("test", "e",
                       {{"id", tidb::ColumnType::kLong},
                        {"e", tidb::ColumnType::kEnum},
                        {"v", tidb::ColumnType::kVarchar}});
  const auto row_e = [](int64_t id, const std::string& v, uint64_t value = 0) {
    return Values{number(id), tidb::Value::of_uint(value, tidb::ValueKind::kEnum), text(v)};
  };
  CHECK(apply(TxnBuilder(10)
                  .insert(e, row_e(1, "a"))
                  .update(e, row_e(1, "a"), row_e(1, "b"))
                  .insert(e, row_e(2, "c"))
                  .build()) == "");
  CHECK(db.rows("SELECT id, e + 0, v FROM e ORDER BY id") == "1|0|b\n2|0|c");
  CHECK(apply(TxnBuilder(11).insert(e, row_e(3, "long")).build()).find("Error 1265") !=
        std::string::npos);
  CHECK(apply(TxnBuilder(12).insert(e, row_e(4, "d")).insert(e, row_e(5, "long", 1)).build())
            .find("Error 1406") != std::string::npos);
  CHECK(db.rows("SELECT COUNT(*) FROM e") == "2");
}

}  // namespace
}  // namespace drainer::mysql
