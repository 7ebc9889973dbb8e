#include "syncer/relay/known_tables.h"

#include <catch2/catch.hpp>

#include "syncer/read_back.h"

using namespace drainer;
using relay::KnownTables;
using schema::TableName;

namespace {

// A DDL as a pb file has it.
Ddl apply(KnownTables& tables, const std::string& schema, const std::string& text) {
  Ddl ddl = ddl_of_text(text, schema, "");
  tables.apply(ddl, /*is_named=*/false);
  return ddl;
}

}  // namespace

TEST_CASE("known tables: each job of a DROP of several is that of the first table left") {
  KnownTables tables;
  tables.add({"d", "B"});
  tables.add({"d", "c"});
  const std::string text = "DROP TABLE IF EXISTS a, b, c";
  CHECK(apply(tables, "d", text).effect.name == TableName{"d", "b"});
  CHECK(apply(tables, "d", text).effect.name == TableName{"d", "c"});
  CHECK_FALSE(tables.contains({"d", "c"}));
}

TEST_CASE("known tables: unqualified names live where such tables are") {
  KnownTables tables;
  tables.add({"Other", "t"});
  // The record names the database of the new name.
  const Ddl renamed = apply(tables, "d", "ALTER TABLE t RENAME AS d.u");
  CHECK(renamed.effect.use_schema == "Other");
  CHECK(renamed.effect.touched == std::vector<TableName>{{"Other", "t"}, {"d", "u"}});
  CHECK(tables.contains({"d", "u"}));
  CHECK_FALSE(tables.contains({"other", "T"}));
  const Ddl like = apply(tables, "x", "CREATE TABLE x.v LIKE u");
  CHECK(like.effect.use_schema == "d");
}

TEST_CASE("known tables: names go round within one statement") {
  KnownTables tables;
  tables.add({"d", "a"});
  tables.add({"d", "b"});
  const Ddl swapped = apply(tables, "d", "RENAME TABLE a TO c, b TO a, c TO b");
  CHECK(swapped.effect.use_schema == "d");
  CHECK(tables.contains({"d", "a"}));
  CHECK(tables.contains({"d", "b"}));
  CHECK_FALSE(tables.contains({"d", "c"}));
}

TEST_CASE("known tables: a database goes with all its tables") {
  KnownTables tables;
  tables.add({"d", "a"});
  tables.add({"e", "a"});
  apply(tables, "d", "DROP DATABASE d");
  CHECK_FALSE(tables.contains({"d", "a"}));
  CHECK(tables.contains({"e", "a"}));
}

namespace {

// Under which table the rows go that a record has under `name`.
TableName table_of_rows(KnownTables& tables, const TableName& name) {
  auto version = std::make_shared<schema::TableVersion>();
  version->name = name;
  version->info = std::make_shared<tidb::TableInfo>();
  Txn txn;
  txn.tables.push_back(version);
  tables.apply(txn);
  return txn.tables[0]->name;
}

}  // namespace

TEST_CASE("known tables: after a RENAME of several the original writes old names") {
  KnownTables tables;
  tables.add({"d", "a"});
  tables.add({"e", "b"});
  apply(tables, "d", "RENAME TABLE d.a TO d.a2, e.b TO d.b2");
  CHECK(table_of_rows(tables, {"d", "a"}) == TableName{"d", "a2"});
  CHECK(table_of_rows(tables, {"e", "b2"}) == TableName{"d", "b2"});
  // From the next DDL on it has the table's name, a wrong database stays.
  apply(tables, "d", "ALTER TABLE d.a2 ADD COLUMN c INT");
  apply(tables, "d", "ALTER TABLE d.b2 ADD COLUMN c INT");
  CHECK(table_of_rows(tables, {"d", "a2"}) == TableName{"d", "a2"});
  CHECK(table_of_rows(tables, {"e", "b2"}) == TableName{"d", "b2"});
}

TEST_CASE("known tables: names that go round are the original's once it has shown itself") {
  const bool is_original = GENERATE(false, true);
  KnownTables tables;
  for (const char* name : {"a", "b", "x", "y"}) tables.add({"d", name});
  apply(tables, "d", "RENAME TABLE x TO x2, y TO y2");
  table_of_rows(tables, {"d", is_original ? "x" : "x2"});
  apply(tables, "d", "RENAME TABLE a TO c, b TO a, c TO b");
  // The original knows only what the last pair made, and writes a for what is now b's namesake.
  CHECK(table_of_rows(tables, {"d", "b"}) == TableName{"d", is_original ? "a" : "b"});
}
