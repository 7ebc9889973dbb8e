// Descriptions of downstream tables, read one by one or many at once.
#include "syncer/mysql/rows/downstream_tables.h"
#include "syncer/mysql/rows/table_description.h"

#include <fmt/ranges.h>

#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using fakes::MariadbServer;
using schema::TableName;

/// All that a description says, as text.
std::string text_of(const TableDescription& table) {
  std::string out;
  for (const DownstreamColumn& column : table.columns) {
    out += fmt::format("{}:{}:{}{}{} ", column.name, static_cast<int>(column.column_class),
                       column.is_generated, column.is_nullable, column.is_indexed);
  }
  for (const UniqueKey& key : table.unique_keys) {
    out += fmt::format("key {} {} {}; ", key.name, fmt::join(key.columns, ","),
                       fmt::join(key.prefix_lengths, ","));
  }
  for (const DownstreamForeignKey& key : table.foreign_keys) {
    out += fmt::format("{} -> {}.{} {} ", key.name, key.parent.schema, key.parent.table,
                       fmt::join(key.parent_columns, ","));
  }
  return out + (table.has_triggers ? "triggers" : "");
}

TEST_CASE("downstream tables: a collation tells which texts may be equal") {
  const auto with = [](const std::string& collation) {
    const std::string charset = collation.substr(0, collation.find('_'));
    return describe({{"c", "", "varchar", charset, "80", collation, "NO", std::nullopt,
                      std::nullopt, "t"}},
                    {})
        .columns[0];
  };
  CHECK(with("utf8mb4_bin").is_binary_collation);
  CHECK_FALSE(with("utf8mb4_0900_ai_ci").is_binary_collation);
  for (const char* unknown : {"utf8mb4_hu_0900_ai_ci", "utf8mb4_lt_0900_ai_ci",
                              "utf8mb4_lithuanian_ci", "utf8mb4_uca1400_lithuanian_ai_ci",
                              "macce_general_ci", "swe7_swedish_ci", "klingon_general_ci"}) {
    INFO(unknown);
    CHECK(with(unknown).has_unknown_equals);
  }
  for (const char* known : {"utf8mb4_hungarian_ci", "gbk_chinese_ci", "latin1_swedish_ci"}) {
    INFO(known);
    CHECK_FALSE(with(known).has_unknown_equals);
  }
}

TEST_CASE("downstream tables: many read at once are as those read one by one", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db(MariadbServer::shared().port());
  db.run("DROP DATABASE IF EXISTS other");
  db.run("CREATE DATABASE other");
  db.reset("test");
  db.run("CREATE TABLE p(id INT PRIMARY KEY, u VARCHAR(20) NOT NULL, t TEXT, UNIQUE uu(u, t(5)))");
  db.run(
      "CREATE TABLE c(id INT, p INT, g INT AS (id + 1) STORED, UNIQUE(g), FOREIGN KEY (p) "
      "REFERENCES p(id))");
  db.run("CREATE TABLE `odd 'name`(x BINARY(4))");
  db.run("CREATE TABLE T(a INT PRIMARY KEY)");
  db.run("CREATE TABLE t(b VARCHAR(3))");
  db.run("CREATE TRIGGER tr BEFORE INSERT ON c FOR EACH ROW SET @x = 1");
  db.run("CREATE TABLE other.p(id BIGINT, KEY(id))");
  const std::vector<TableName> names = {{"test", "p"}, {"test", "c"},      {"test", "odd 'name"},
                                        {"test", "t"}, {"test", "absent"}, {"other", "p"}};
  std::vector<std::string> expected;
  for (const TableName& name : names) {
    DownstreamTables alone;
    auto found = alone.find(db.session(), name);
    expected.push_back(found.ok() ? text_of(**found) : found.error().to_string());
  }
  CHECK(expected[0] != expected[5]);
  CHECK(expected[1].find("test.p id") != std::string::npos);
  CHECK(expected[1].ends_with("triggers"));
  CHECK(expected[3].starts_with("b:"));

  DownstreamTables together;
  REQUIRE(together.read_ahead(db.session(), names).ok());
  // What has been read needs no server any more.
  db.run("DROP DATABASE test");
  db.run("DROP DATABASE other");
  for (size_t i = 0; i < names.size(); ++i) {
    INFO(names[i].table);
    auto found = together.find(db.session(), names[i]);
    CHECK((found.ok() ? text_of(**found) : found.error().to_string()) == expected[i]);
  }
}

TEST_CASE("downstream tables: an evicted table is read again, the others are kept", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  db.run("CREATE TABLE a(x INT)");
  db.run("CREATE TABLE b(x INT)");
  DownstreamTables tables;
  const std::vector<TableName> names = {{"test", "a"}, {"test", "b"}};
  REQUIRE(tables.read_ahead(db.session(), names).ok());
  db.run("ALTER TABLE a ADD COLUMN y INT");
  tables.evict(names[0]);
  CHECK((*tables.find(db.session(), names[0]))->columns.size() == 2);
  db.run("ALTER TABLE b ADD COLUMN y INT");
  CHECK((*tables.find(db.session(), names[1]))->columns.size() == 1);
}

TEST_CASE("downstream tables: a table is read again when one that it refers to is evicted",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  db.run("CREATE TABLE parent(x INT PRIMARY KEY)");
  db.run("CREATE TABLE child(x INT, FOREIGN KEY (x) REFERENCES parent(x))");
  const bool is_database = GENERATE(false, true);
  DownstreamTables tables;
  const TableName child{"test", "child"};
  REQUIRE(tables.find(db.session(), child).ok());
  db.run("RENAME TABLE parent TO renamed");
  tables.evict({"TEST", is_database ? "" : "Parent"});
  const auto found = tables.find(db.session(), child);
  REQUIRE(found.ok());
  REQUIRE((*found)->foreign_keys.size() == 1);
  CHECK((*found)->foreign_keys[0].parent == TableName{"test", "renamed"});
}

TEST_CASE("downstream tables: where triggers cannot be seen every table may have some",
          "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  db.run("CREATE TABLE a(x INT)");
  CHECK_FALSE((*DownstreamTables().find(db.session(), {"test", "a"}))->may_have_triggers);
  DownstreamTables blind(/*sees_triggers=*/false);
  CHECK((*blind.find(db.session(), {"test", "a"}))->may_have_triggers);
  CHECK_FALSE((*blind.find(db.session(), {"test", "a"}))->has_triggers);
  db.run("CREATE TRIGGER tr BEFORE INSERT ON a FOR EACH ROW SET @x = 1");
  const auto found = DownstreamTables().find(db.session(), {"test", "a"});
  CHECK((*found)->has_triggers);
  CHECK((*found)->may_have_triggers);
}

}  // namespace
}  // namespace drainer::mysql
