#include "syncer/mysql/mysql_sink.h"


#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using fakes::MariadbServer;

constexpr const char* kCreateT =
    "CREATE TABLE t(id INT PRIMARY KEY, b VARCHAR(10), c TEXT, UNIQUE KEY uk_b(b))";
constexpr const char* kCreateN = "CREATE TABLE n(x INT, y DOUBLE)";

TEST_CASE("sink: applies inserts, updates and deletes of whole transactions", "[mariadb]") {
  REQUIRE_MARIADB();
  const uint16_t port = MariadbServer::shared().port();
  Inspector db(port);
  db.reset("test");
  db.run(kCreateT);
  db.run(kCreateN);
  db.run("INSERT INTO t VALUES(2,'b','x'),(3,'d','it''s')");
  db.run("INSERT INTO n VALUES(11,NULL),(11,NULL)");

  RunningSink sink(sink_options(port));
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
  CHECK(db.rows("SELECT cluster_id, commit_ts FROM tidb_binlog.drainer_progress") == "7|10");
}

}  // namespace
}  // namespace drainer::mysql
