// Rows that were changed on both sides: what each policy makes of them. The downstream holds what
// the other side's users have written meanwhile.

#include "conf/choices.h"
#include "syncer/mysql/mysql_sink.h"

#include <sstream>

#include "syncer/mysql/rows/conflict_resolver.h"
#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using fakes::MariadbServer;

/// (id int primary key, v varchar, at bigint, unique key on u); at says when the row was written.
TablePtr table_c() {
  return table("test", "c",
               {{"id", tidb::ColumnType::kLong, "binary"},
                {"v", tidb::ColumnType::kVarchar},
                {"u", tidb::ColumnType::kLong, "binary"},
                {"at", tidb::ColumnType::kLongLong, "binary"}});
}

constexpr const char* kCreateC =
    "CREATE TABLE c(id INT PRIMARY KEY, v VARCHAR(10), u INT UNIQUE, at BIGINT)";

Values row(int64_t id, const std::string& v, int64_t at) {
  return {number(id), text(v), number(id * 10), number(at)};
}

Inspector fresh() {
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  db.run(kCreateC);
  return db;
}

MysqlSinkOptions options(const std::string& policy, bool sync_ddl = true) {
  MysqlSinkOptions out = sink_options(MariadbServer::shared().port());
  out.syncer.apply.on_row_mismatch = RowMismatchAction::kWarn;
  out.syncer.sync_ddl = sync_ddl;
  out.syncer.conflict = {{.db_name = "test",
                          .tbl_name = "~^c$",
                          .policy = conf::find_choice<ConflictAction>(policy).value(),
                          .newest_by = policy == "newest" ? "AT" : ""}};
  out.syncer.apply.record_conflicts = true;
  return out;
}

/// Applies one transaction with a conflict, between two without. The sink's error.
std::string apply(const MysqlSinkOptions& with, Txn txn) {
  RunningSink sink(with);
  const auto c = table_c();
  sink.submit(TxnBuilder(9).insert(c, row(100, "before", 1)).build());
  sink.submit(std::move(txn));
  sink.submit(TxnBuilder(11).insert(c, row(101, "after", 1)).build());
  return sink.finish();
}

const std::string kRows = "SELECT id, v, at FROM c WHERE id < 100 ORDER BY id";
const std::string kRecords =
    "SELECT commit_ts, row_no, operation, resolution, row_key, COALESCE(found, 'nothing') FROM "
    "tidb_binlog.drainer_conflicts ORDER BY commit_ts, row_no";

struct Case {
  std::string name;
  std::string there;  ///< VALUES downstream; empty: no row
  Txn (*arrives)();
  std::string overwrite;  ///< the rows in the end, under each policy
  std::string keep;
  std::string newest;
};

std::vector<Case> cases() {
  const auto insert = [] { return TxnBuilder(10).insert(table_c(), row(1, "new", 20)).build(); };
  const auto update = [] {
    return TxnBuilder(10).update(table_c(), row(1, "old", 5), row(1, "new", 20)).build();
  };
  const auto remove = [] { return TxnBuilder(10).remove(table_c(), row(1, "old", 5)).build(); };
  const auto replace = [] {
    const auto c = table_c();
    return TxnBuilder(10).remove(c, row(1, "old", 5)).insert(c, row(1, "new", 20)).build();
  };
  return {
      {"insert, an older row is there", "(1,'theirs',10,10)", insert, "1|new|20", "1|theirs|10",
       "1|new|20"},
      {"insert, a newer row is there", "(1,'theirs',10,30)", insert, "1|new|20", "1|theirs|30",
       "1|theirs|30"},
      {"insert, a row with its unique key is there", "(2,'theirs',10,10)", insert, "1|new|20",
       "2|theirs|10", "1|new|20"},
      {"update, the row is older", "(1,'theirs',10,10)", update, "1|new|20", "1|theirs|10",
       "1|new|20"},
      {"update, the row is newer", "(1,'theirs',10,30)", update, "1|new|20", "1|theirs|30",
       "1|theirs|30"},
      {"update, the row says nothing of its age", "(1,'theirs',10,NULL)", update, "1|new|20",
       "1|theirs|NULL", "1|new|20"},
      {"update, the row is gone", "", update, "", "", ""},
      {"update, its new key is taken", "(1,'old',11,5),(2,'theirs',10,10)", update, "1|new|20",
       "1|old|5\n2|theirs|10", "1|new|20"},
      {"delete, the row has changed", "(1,'theirs',10,30)", remove, "", "1|theirs|30", ""},
      {"delete, the row is gone", "", remove, "", "", ""},
      {"replace, the row is newer", "(1,'theirs',10,30)", replace, "1|new|20", "1|theirs|30",
       "1|theirs|30"},
      {"replace, the row is older", "(1,'theirs',10,10)", replace, "1|new|20", "1|theirs|10",
       "1|new|20"},
  };
}

TEST_CASE("conflict: each policy settles each kind, and what stands around goes on", "[mariadb]") {
  REQUIRE_MARIADB();
  for (const Case& c : cases()) {
    for (const std::string policy : {"overwrite", "keep", "newest"}) {
      INFO(c.name << ", " << policy);
      Inspector db = fresh();
      if (!c.there.empty()) db.run("INSERT INTO c VALUES" + c.there);
      CHECK(apply(options(policy), c.arrives()) == "");
      CHECK(db.rows(kRows) == (policy == "overwrite" ? c.overwrite
                               : policy == "keep"    ? c.keep
                                                     : c.newest));
      CHECK(db.rows("SELECT COUNT(*) FROM c WHERE id >= 100") == "2");
      CHECK(db.rows("SELECT COUNT(*) > 0 FROM tidb_binlog.drainer_conflicts") == "1");
    }
  }
}

TEST_CASE("conflict: a row that is as it was upstream is none", "[mariadb]") {
  REQUIRE_MARIADB();
  for (const std::string policy : {"overwrite", "stop", "keep", "newest"}) {
    INFO(policy);
    Inspector db = fresh();
    db.run("INSERT INTO c VALUES(1,'old',10,5),(2,'two',20,NULL)");
    const auto c = table_c();
    const Values two = {number(2), text("two"), number(20), null()};
    CHECK(apply(options(policy), TxnBuilder(10)
                                     .update(c, row(1, "old", 5), row(1, "new", 4))
                                     .remove(c, two)
                                     .insert(c, row(3, "three", 3))
                                     .build()) == "");
    CHECK(db.rows(kRows) == "1|new|4\n3|three|3");
    CHECK(db.rows(kRecords) == "");
  }
}

TEST_CASE("conflict: stop names the row and leaves nothing of the transaction", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("INSERT INTO c VALUES(1,'theirs',10,30)");
  const auto c = table_c();
  const std::string error = apply(options("stop"), TxnBuilder(10)
                                                       .insert(c, row(5, "five", 1))
                                                       .update(c, row(1, "old", 5), row(1, "x", 20))
                                                       .build());
  CHECK(error.find("conflict in `test`.`c`: update of commit ts 10 finds another row where `id` = "
                   "1; the policy is stop") != std::string::npos);
  CHECK(db.rows("SELECT COUNT(*) FROM c WHERE id = 5") == "0");
  CHECK(db.rows("SELECT v FROM c WHERE id = 1") == "theirs");
}

TEST_CASE("conflict: of equal ages the side with the DDL wins, on both sides", "[mariadb]") {
  REQUIRE_MARIADB();
  const bool sync_ddl = GENERATE(true, false);
  Inspector db = fresh();
  db.run("INSERT INTO c VALUES(1,'theirs',10,20)");
  CHECK(apply(options("newest", sync_ddl),
              TxnBuilder(10).update(table_c(), row(1, "old", 5), row(1, "new", 20)).build()) == "");
  CHECK(db.rows("SELECT v FROM c WHERE id = 1") == (sync_ddl ? "new" : "theirs"));
}

TEST_CASE("conflict: the record tells who, what and what was there", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("INSERT INTO c VALUES(1,'the''irs',10,30)");
  const auto c = table_c();
  CHECK(apply(options("keep"), TxnBuilder(10)
                                   .insert(c, row(5, "five", 1))
                                   .update(c, row(1, "old", 5), row(1, "new", 20))
                                   .remove(c, row(2, "gone", 1))
                                   .build()) == "");
  CHECK(db.rows(kRecords) ==
        "10|1|update|skipped|`id` = 1|`at` = '30', `id` = '1', `u` = '10', `v` = 'the\\'irs'\n"
        "10|2|delete|skipped|`id` = 2|nothing");
  CHECK(db.rows("SELECT arrived FROM tidb_binlog.drainer_conflicts WHERE row_no = 1") ==
        "`at` = 20, `id` = 1, `u` = 10, `v` = 'new'");
}

TEST_CASE("conflict: a record takes any bytes, and only the beginning of long texts", "[mariadb]") {
  REQUIRE_MARIADB();
  const auto b = table("test", "b",
                       {{"id", tidb::ColumnType::kLong},
                        {"raw", tidb::ColumnType::kBlob, "binary"},
                        {"txt", tidb::ColumnType::kBlob}});
  const auto values = [](int64_t id, const std::string& raw, const std::string& txt) -> Values {
    return {number(id), binary(raw), text(txt)};
  };
  std::string long_text = "x";
  for (int i = 0; i < 3000; ++i) long_text += "ä";
  Inspector db = fresh();
  db.run("CREATE TABLE b(id INT PRIMARY KEY, raw BLOB, txt TEXT)");
  db.run("INSERT INTO b VALUES(1,x'fffe','a'),(2,'','" + long_text + "')");
  MysqlSinkOptions settings = options("keep");
  settings.syncer.conflict[0].tbl_name = "b";
  CHECK(apply(settings, TxnBuilder(10)
                            .update(b, values(1, "\xff\xfd", "a"), values(1, "\xff", "b"))
                            .update(b, values(2, "", "a"), values(2, "", long_text))
                            .build()) == "");
  CHECK(db.rows("SELECT arrived FROM tidb_binlog.drainer_conflicts WHERE row_no = 0") ==
        "`id` = 1, `raw` = _binary'\\xff', `txt` = 'b'");
  CHECK(db.rows("SELECT LENGTH(arrived) BETWEEN 4000 AND 4200, LENGTH(found) BETWEEN 4000 AND 4200 "
                "FROM tidb_binlog.drainer_conflicts WHERE row_no = 1") == "1|1");
}

TEST_CASE("conflict: a row that is gone is recorded as left out under each policy", "[mariadb]") {
  REQUIRE_MARIADB();
  for (const std::string policy : {"overwrite", "keep", "newest"}) {
    INFO(policy);
    Inspector db = fresh();
    const auto c = table_c();
    CHECK(apply(options(policy), TxnBuilder(10)
                                     .update(c, row(1, "old", 5), row(1, "new", 20))
                                     .remove(c, row(2, "gone", 1))
                                     .build()) == "");
    CHECK(db.rows("SELECT operation, resolution FROM tidb_binlog.drainer_conflicts") ==
          "update|skipped\ndelete|skipped");
  }
}

TEST_CASE("conflict: in safe mode the sender wins", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("INSERT INTO c VALUES(1,'x',1,5),(2,'x',2,5),(3,'x',3,5)");
  MysqlSinkOptions settings = options("overwrite");
  settings.syncer.safe_mode = true;
  const auto c = table_c();
  CHECK(apply(settings, TxnBuilder(10)
                            .remove(c, row(1, "a", 1))
                            .update(c, row(2, "a", 1), row(2, "b", 2))
                            .update(c, row(3, "a", 1), row(30, "b", 2))
                            .build()) == "");
  CHECK(db.rows(kRows) == "2|b|2\n30|b|2");
}

TEST_CASE("conflict: tables without a policy stay with the original's way", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE TABLE t(id INT PRIMARY KEY, b VARCHAR(10), c TEXT)");
  db.run("INSERT INTO t VALUES(1,'theirs','x')");
  db.run("INSERT INTO c VALUES(1,'theirs',10,30)");
  const auto t = table_t();
  CHECK(apply(options("keep"),
              TxnBuilder(10)
                  .insert(t, {number(1), text("new"), null()})
                  .update(table_c(), row(1, "old", 5), row(1, "new", 20))
                  .update(t, {number(7), text("a"), null()}, {number(7), text("b"), null()})
                  .build()) == "");
  CHECK(db.rows("SELECT * FROM t") == "1|new|NULL");
  CHECK(db.rows("SELECT v FROM c WHERE id = 1") == "theirs");
  CHECK(db.rows("SELECT COUNT(*) FROM tidb_binlog.drainer_conflicts") == "1");
}

TEST_CASE("conflict: records are kept in transactions, whatever engine the server prefers",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("CREATE DATABASE tidb_binlog");
  db.run("SET SESSION default_storage_engine = 'MyISAM'");
  REQUIRE(create_conflict_table(db.session(), "tidb_binlog", "tidb_binlog.drainer_conflicts").ok());
  CHECK(db.rows("SELECT engine FROM information_schema.tables WHERE table_name = "
                "'drainer_conflicts'") == "InnoDB");
}

TEST_CASE("conflict: newest-by must name a column", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db = fresh();
  db.run("INSERT INTO c VALUES(1,'theirs',10,30)");
  auto with = options("newest");
  with.syncer.conflict[0].newest_by = "nowhere";
  CHECK(apply(with, TxnBuilder(10).insert(table_c(), row(1, "new", 20)).build())
            .find("`test`.`c` has no column `nowhere`") != std::string::npos);
}

}  // namespace
}  // namespace drainer::mysql
