#include "drainer/tidb/ddl_text.h"

#include <string>
#include <utility>

#include <catch2/catch.hpp>

using namespace drainer::tidb;

namespace {

using Case = std::pair<std::string, std::string>;

// What is common to all servers already must not change again.
void check_common(const Case& expected) {
  INFO(expected.first);
  const std::string once = to_common_dialect(expected.first);
  CHECK(once == expected.second);
  CHECK(to_common_dialect(once) == once);
}

}  // namespace

TEST_CASE("ddl dialect: MariaDB does not see whether a generated column can be NULL") {
  const Case cases[] = {
      {"CREATE TABLE `t` (`a` INT NOT NULL,`g` INT GENERATED ALWAYS AS(`a`+1) STORED NOT NULL);",
       "CREATE TABLE `t` (`a` INT NOT NULL,`g` INT GENERATED ALWAYS AS(`a`+1) STORED "
       "/*!50700 NOT NULL */);"},
      {"create table t (g int as (f(1, null)) virtual null unique, b int null)",
       "create table t (g int as (f(1, null)) virtual /*!50700 null */ unique, b int null)"},
      {"CREATE TABLE `t` (`g` INT NOT NULL GENERATED ALWAYS AS(`a` IS NOT NULL) STORED,`a` INT)",
       "CREATE TABLE `t` (`g` INT /*!50700 NOT NULL */ GENERATED ALWAYS AS(`a` IS NOT NULL) "
       "STORED,`a` INT)"},
      {"CREATE TABLE `t` (`g` INT AS(`a`) STORED NOT NULL REFERENCES `u`(`a`) ON DELETE SET NULL)",
       "CREATE TABLE `t` (`g` INT AS(`a`) STORED /*!50700 NOT NULL */ REFERENCES `u`(`a`) "
       "ON DELETE SET NULL)"},
      {"CREATE TABLE `t` (`g` INT AS(`a`) STORED /*!50700 NOT NULL */,`b` INT DEFAULT NULL)",
       "CREATE TABLE `t` (`g` INT AS(`a`) STORED /*!50700 NOT NULL */,`b` INT DEFAULT NULL)"},
      {"ALTER TABLE `t` ADD COLUMN IF NOT EXISTS `g` INT AS(`a`) VIRTUAL NOT NULL FIRST, "
       "MODIFY COLUMN `b` INT NOT NULL, CHANGE `h` `h` INT AS(`a`) NULL;",
       "ALTER TABLE `t` ADD COLUMN IF NOT EXISTS `g` INT AS(`a`) VIRTUAL /*!50700 NOT NULL */ "
       "FIRST, MODIFY COLUMN `b` INT NOT NULL, CHANGE `h` `h` INT AS(`a`) /*!50700 NULL */;"},
      {"ALTER TABLE `t` ADD COLUMN (`g` INT AS(`a`) NOT NULL, `b` INT NOT NULL)",
       "ALTER TABLE `t` ADD COLUMN (`g` INT AS(`a`) /*!50700 NOT NULL */, `b` INT NOT NULL)"},
  };
  for (const Case& expected : cases) check_common(expected);
}

TEST_CASE("ddl dialect: a table and its partitions have one engine, with transactions") {
  const Case cases[] = {
      {"CREATE TABLE `t` (`a` INT) ENGINE = MyISAM PARTITION BY RANGE (`a`) (PARTITION `p0` VALUES "
       "LESS THAN (10) ENGINE = MyISAM,PARTITION `p1` VALUES LESS THAN (20) COMMENT = 'x' ENGINE = "
       "Aria)",
       "CREATE TABLE `t` (`a` INT) ENGINE = InnoDB PARTITION BY RANGE (`a`) (PARTITION `p0` VALUES "
       "LESS THAN (10) ENGINE = InnoDB,PARTITION `p1` VALUES LESS THAN (20) COMMENT = 'x' ENGINE = "
       "InnoDB)"},
      {"create table t (a int) partition by range (a) subpartition by hash (a) (partition p values "
       "less than (9) (subpartition s0 engine myisam, subpartition s1 engine=memory))",
       "create table t (a int) partition by range (a) subpartition by hash (a) (partition p values "
       "less than (9) (subpartition s0 engine InnoDB, subpartition s1 engine=InnoDB))"},
      {"create table t (a int) engine=MyISAM /*!50100 partition by hash (a) (partition p engine = "
       "MyISAM) */",
       "create table t (a int) engine=InnoDB /*!50100 partition by hash (a) (partition p engine = "
       "InnoDB) */"},
      {"ALTER TABLE `t` ADD PARTITION (PARTITION `p` VALUES LESS THAN (9) ENGINE = MyISAM)",
       "ALTER TABLE `t` ADD PARTITION (PARTITION `p` VALUES LESS THAN (9) ENGINE = InnoDB)"},
      {"create table t (a int) engine myisam comment 'x'",
       "create table t (a int) engine InnoDB comment 'x'"},
      {"alter table t engine 'MyISAM', add column engine varchar(9), change engine engine int",
       "alter table t engine InnoDB, add column engine varchar(9), change engine engine int"},
      {"create table t (engine int, b int check (engine = memory)) engine innodb",
       "create table t (engine int, b int check (engine = memory)) engine innodb"},
  };
  for (const Case& expected : cases) check_common(expected);
}
