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
