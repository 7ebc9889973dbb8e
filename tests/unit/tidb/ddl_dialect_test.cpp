#include "drainer/tidb/ddl_dialect.h"

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

TEST_CASE("ddl dialect: TiDB's table options are in its comments, with their commas") {
  const Case cases[] = {
      {"create table t (a int) shard_row_id_bits=4 pre_split_regions 2 comment='x'",
       "create table t (a int) /*T! shard_row_id_bits=4 */ /*T! pre_split_regions 2 */ "
       "comment='x'"},
      {"create table t (a int) auto_id_cache=1, comment='x', auto_random_base = 5, engine=InnoDB",
       "create table t (a int) /*T![auto_id_cache] auto_id_cache=1, */ comment='x' "
       "/*T![auto_rand_base] , auto_random_base = 5 */, engine=InnoDB"},
      {"CREATE TABLE t (c DATE) TTL = c + INTERVAL 1.5 DAY /*T![ttl] TTL_ENABLE = 'OFF' */, "
       "TTL_JOB_INTERVAL = '1h', COMMENT = 'x'",
       "CREATE TABLE t (c DATE) /*T![ttl] TTL = c + INTERVAL 1.5 DAY */ /*T![ttl] TTL_ENABLE = "
       "'OFF', */ /*T![ttl] TTL_JOB_INTERVAL = '1h', */ COMMENT = 'x'"},
      {"create table t (ttl date) ttl=`ttl`+interval (1+2) day ttl_enable='OFF'",
       "create table t (ttl date) /*T![ttl] ttl=`ttl`+interval (1+2) day */ /*T![ttl] "
       "ttl_enable='OFF' */"},
      {"alter table t shard_row_id_bits = 4;", "alter table t /*T! shard_row_id_bits = 4 */;"},
      {"alter table t shard_row_id_bits = 4, add column b int, auto_id_cache 2, comment='x'",
       "alter table t /*T! shard_row_id_bits = 4, */ add column b int /*T![auto_id_cache] , "
       "auto_id_cache 2 */, comment='x'"},
      {"alter table t ttl = c + interval 1 day /*T![ttl] TTL_ENABLE = 'OFF' */, auto_id_cache 2",
       "alter table t /*T![ttl] ttl = c + interval 1 day */ /*T![ttl] TTL_ENABLE = 'OFF', */ "
       "/*T![auto_id_cache] auto_id_cache 2 */"},
      {"alter table t engine=InnoDB auto_id_cache=1, auto_random_base=9 comment='x', drop b",
       "alter table t engine=InnoDB /*T![auto_id_cache] auto_id_cache=1 */, "
       "/*T![auto_rand_base] auto_random_base=9 */ comment='x', drop b"},
      {"alter table t force auto_random_base = 9, force auto_increment = 5",
       "alter table t /*T![auto_rand_base] force auto_random_base = 9, */ /*T![force_inc] force */ "
       "auto_increment = 5"},
      {"alter table t remove ttl, add index (a)",
       "alter table t /*T![ttl] remove ttl, */ add index (a)"},
      {"alter table t stats_topn=9, stats_sample_rate=0.5, add index (a)",
       "alter table t /*T! stats_topn=9, */ /*T! stats_sample_rate=0.5, */ add index (a)"},
      {"alter table t add column ttl date, add auto_id_cache int after ttl, drop ttl_enable",
       "alter table t add column ttl date, add auto_id_cache int after ttl, drop ttl_enable"},
      {"ALTER TABLE `t` /*T! SHARD_ROW_ID_BITS = 4 */;",
       "ALTER TABLE `t` /*T! SHARD_ROW_ID_BITS = 4 */;"},
  };
  for (const Case& expected : cases) check_common(expected);
}
