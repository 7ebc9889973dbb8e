#include "syncer/kafka/canal_ddl_type.h"

#include <catch2/catch.hpp>

#include <string>

using namespace drainer;

TEST_CASE("canal ddl type: it is Canal's word") {
  const auto [text, type] = GENERATE(table<std::string, std::string>({
      {"create table t (a int)", "CREATE"},
      {"create database d", "QUERY"},
      {"create view v as select 1", "QUERY"},
      {"drop table t", "ERASE"},
      {"truncate table t", "TRUNCATE"},
      {"rename table t to u", "RENAME"},
      {"alter table t rename to u", "RENAME"},
      {"alter table t rename index a to b", "ALTER"},
      {"alter table t add column c int", "ALTER"},
      {"alter table t add unique key u (a)", "CINDEX"},
      {"alter table t drop primary key", "DINDEX"},
      {"alter table t drop column c", "ALTER"},
      {"alter table t add index i (a), drop column c", "ALTER"},
      {"create unique index i on t (a, b)", "CINDEX"},
      {"drop index i on t", "DINDEX"},
      // What TiDB calls its job decides.
      {"ALTER TABLE `t` ADD INDEX `i`(`a`), ALGORITHM=INPLACE", "CINDEX"},
      {"ALTER TABLE `t` ADD CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `u`(`a`)", "CINDEX"},
      {"ALTER TABLE `t` DROP FOREIGN KEY `f`", "DINDEX"},
      {"ALTER TABLE `t` ADD CONSTRAINT `c` CHECK(`a`>0) ENFORCED", "QUERY"},
      {"ALTER TABLE `t` ADD CONSTRAINT CHECK(`a`>0) ENFORCED", "QUERY"},
      {"ALTER TABLE `t` ADD CHECK(`a`>0)", "QUERY"},
      {"ALTER TABLE `t` DROP CHECK `c`", "QUERY"},
      {"ALTER TABLE `t` ALTER CHECK `c` NOT ENFORCED", "QUERY"},
      {"ALTER TABLE `t` ALTER INDEX `i` INVISIBLE", "ALTER"},
      {"ALTER TABLE `t` EXCHANGE PARTITION `p` WITH TABLE `u`", "QUERY"},
      {"ALTER TABLE `t` ADD PARTITION (PARTITION `p` VALUES LESS THAN (1))", "ALTER"},
      {"ALTER TABLE `t` TRUNCATE PARTITION `p`", "ALTER"},
      {"ALTER TABLE `t` REMOVE PARTITIONING", "ALTER"},
      {"ALTER TABLE `t` /*T! SHARD_ROW_ID_BITS = 4 */", "QUERY"},
      {"ALTER TABLE `t` COMMENT = 'add index, rename'", "ALTER"},
      {"ALTER TABLE `add` AUTO_INCREMENT = 100", "ALTER"},
  }));
  INFO(text);
  CHECK(kafka::canal_ddl_type(text) == type);
}
