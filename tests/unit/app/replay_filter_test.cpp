#include "drainer/replay_filter.h"

#include <catch2/catch.hpp>

#include "syncer/read_back.h"
#include "syncer/relay/known_tables.h"

using namespace drainer;

namespace {

// A DDL that was read back, with database d2 and table d1.hidden left out; null when it is.
std::unique_ptr<Ddl> filtered(const std::string& text, const std::string& schema,
                              const std::string& table) {
  SyncerOptions options;
  options.ignore_schemas = {"d2"};
  options.ignore_table.push_back({"d1", "hidden"});
  SyncerRules rules;
  rules.own_schemas = {"tidb_binlog"};
  rules.table_filter = schema::TableFilter::make(options).value();
  REQUIRE(rules.table_filter.ignore({"own", "mark"}));
  Txn txn;
  txn.commit_ts = CommitTs(1);
  txn.ddl = std::make_unique<Ddl>(ddl_of_text(text, schema, table));
  relay::KnownTables().apply(*txn.ddl, /*is_named=*/true);
  ReplayFilter(rules).apply(txn);
  return std::move(txn.ddl);
}

// Its text; "-" for nothing.
std::string passing(const std::string& text, const std::string& schema, const std::string& table) {
  const std::unique_ptr<Ddl> ddl = filtered(text, schema, table);
  return ddl ? ddl->text : "-";
}

}  // namespace

TEST_CASE("replay filter: of a RENAME of several tables each is judged by its new name") {
  // The record has the name of the last one: what the filter has left of it before stays.
  CHECK(passing("RENAME TABLE `d1`.`a` TO `d1`.`b`", "d2", "y") ==
        "RENAME TABLE `d1`.`a` TO `d1`.`b`");
  CHECK(passing("rename table d1.a to d1.b, d1.c to d1.e", "d2", "y") ==
        "rename table d1.a to d1.b, d1.c to d1.e");
  const std::string some = passing("rename table a to b, d2.x to d2.y", "d1", "b");
  CHECK_THAT(some, Catch::Contains("a to b") && !Catch::Contains("d2.x"));
  CHECK(passing("rename table a to hidden, d2.x to d2.y", "d1", "hidden") == "-");
  CHECK(passing("rename table a to hidden", "d1", "hidden") == "-");
  CHECK(passing("rename table hidden to b", "d1", "b") == "rename table hidden to b");
}

TEST_CASE("replay filter: tables of the drainer's own are not renamed") {
  CHECK(passing("rename table own.mark to own.old", "own", "old") == "-");
  CHECK(passing("alter table own.mark rename to own.old", "own", "old") == "-");
  CHECK(passing("alter table own.mark rename own.old, add c int", "own", "old") == "-");
  const std::string some = passing("rename table own.mark to own.old, a to b", "d1", "b");
  CHECK_THAT(some, Catch::Contains("a to b") && !Catch::Contains("own"));
  CHECK(passing("alter table a rename to b", "d1", "b") == "alter table a rename to b");
}

TEST_CASE("replay filter: of a batch of CREATE TABLEs each is judged by its name") {
  CHECK(passing("create table a (id int);create table b (id int);", "d1", "hidden") ==
        "create table a (id int);create table b (id int);");
  CHECK(passing("create table a (id int);create table hidden (id int);create table b like hidden;",
                "d1", "b") == "create table a (id int);create table b like hidden;");
  CHECK(passing("create table a (id int);", "d1", "hidden") == "create table a (id int);");
  CHECK(passing("create table d2.x (id int);create table hidden (id int);", "d1", "a") == "-");
}

TEST_CASE("replay filter: the database of a table that is left out is not used for others") {
  CHECK(filtered("rename table d1.a to d1.b", "d2", "y")->effect.use_schema == "d1");
  CHECK(filtered("rename table d3.a to d1.b, d1.x to d2.y", "d2", "y")->effect.use_schema == "d1");
  CHECK(filtered("create table d1.a (id int);", "d2", "y")->effect.use_schema == "d1");
  CHECK(filtered("create table d2.y (id int);create table d1.a (id int);", "d2", "y")
            ->effect.use_schema == "d1");
  // Its unqualified names live there, or it is there anyway.
  CHECK(filtered("rename table a to b, d2.x to d2.y", "d1", "b")->effect.use_schema == "d1");
  CHECK(filtered("rename table d1.a to d1.b", "d3", "c")->effect.use_schema == "d3");
}

TEST_CASE("replay filter: other DDL is judged by the table that it is about") {
  CHECK(passing("alter table a add c int", "d1", "a") == "alter table a add c int");
  CHECK(passing("alter table hidden add c int", "d1", "hidden") == "-");
  CHECK(passing("drop table a, hidden", "d1", "a") == "drop table a, hidden");
  CHECK(passing("drop table a, hidden", "d1", "hidden") == "-");
  CHECK(passing("drop database d2", "d2", "") == "-");
  CHECK(passing("create database d1", "d1", "") == "create database d1");
}

TEST_CASE("replay filter: the database with the drainer's own progress is not dropped") {
  CHECK(passing("drop database tidb_binlog", "tidb_binlog", "") == "-");
  CHECK(passing("DROP SCHEMA IF EXISTS `TiDB_Binlog`", "TiDB_Binlog", "") == "-");
  CHECK(passing("create table t (id int)", "tidb_binlog", "t") == "create table t (id int)");
  CHECK(passing("drop database d1", "d1", "") == "drop database d1");
}
