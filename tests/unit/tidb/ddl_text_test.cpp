#include "drainer/tidb/ddl_dialect.h"
#include "drainer/tidb/ddl_rewrite.h"
#include "drainer/tidb/ddl_sql_mode.h"
#include "drainer/tidb/ddl_statement.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace drainer::tidb;

namespace {

std::vector<std::string> names_in(std::string_view text) {
  std::vector<std::string> out;
  for (const NameInText& name : parse_user_ddl(text).tables) {
    out.push_back(name.is_qualified() ? name.schema + "." + name.table : name.table);
  }
  return out;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("ddl text: placement goes, TTL is switched off, all else stays to the byte") {
  const std::pair<std::string, std::string> cases[] = {
      {"CREATE TABLE `t1` (`a` INT) /*T![placement] PLACEMENT POLICY=`p1` */",
       "CREATE TABLE `t1` (`a` INT) "},
      {"CREATE TABLE `t1` (`a` INT) /*T![placement] PLACEMENT POLICY=`p1` */ PARTITION BY RANGE "
       "(`a`) (PARTITION `p0` VALUES LESS THAN (100) /*T![placement] PLACEMENT POLICY=`p3` */)",
       "CREATE TABLE `t1` (`a` INT)  PARTITION BY RANGE (`a`) (PARTITION `p0` VALUES LESS THAN "
       "(100) )"},
      {"CREATE TABLE `t1` (`a` INT) /*T![placement] PLACEMENT POLICY=`p1` */ /*T! "
       "SHARD_ROW_ID_BITS = 1 */",
       "CREATE TABLE `t1` (`a` INT)  /*T! SHARD_ROW_ID_BITS = 1 */"},
      {"ALTER TABLE `t1` /*T![placement] PLACEMENT POLICY=`p1` */ DEFAULT CHARACTER SET = UTF8MB4",
       "ALTER TABLE `t1`  DEFAULT CHARACTER SET = UTF8MB4"},
      {"ALTER TABLE `t1` /*T! SHARD_ROW_ID_BITS = 1 */ /*T![placement] PLACEMENT POLICY = `p1` */",
       "ALTER TABLE `t1` /*T! SHARD_ROW_ID_BITS = 1 */ "},
      {"create table t1(id int)", "create table t1(id int)"},
      {"create table t1(id int);", "create table t1(id int);"},
      {"CREATE TABLE `t1` (`c` DATETIME) /*T![ttl] TTL = `c` + INTERVAL 1 DAY */",
       "CREATE TABLE `t1` (`c` DATETIME) /*T![ttl] TTL = `c` + INTERVAL 1 DAY */ /*T![ttl] "
       "TTL_ENABLE = 'OFF' */"},
      {"CREATE TABLE `t1` (`c` DATETIME) /*T![ttl] TTL = `c` + INTERVAL 1 DAY */ /*T![ttl] "
       "TTL_ENABLE = 'ON' */ /*T![ttl] TTL_JOB_INTERVAL = '1h' */;",
       "CREATE TABLE `t1` (`c` DATETIME) /*T![ttl] TTL = `c` + INTERVAL 1 DAY */ /*T![ttl] "
       "TTL_ENABLE = 'OFF' */ /*T![ttl] TTL_JOB_INTERVAL = '1h' */"},
      {"ALTER TABLE `t1` /*T![ttl] TTL = `c` + INTERVAL 1 DAY */ /*T![ttl] TTL_ENABLE = 'ON' */",
       "ALTER TABLE `t1` /*T![ttl] TTL = `c` + INTERVAL 1 DAY */ /*T![ttl] TTL_ENABLE = 'OFF' */"},
      {"ALTER TABLE `t1` /*T![ttl] TTL = `c` + INTERVAL 1 DAY */ /*T![ttl] TTL_ENABLE = 'OFF' */;",
       "ALTER TABLE `t1` /*T![ttl] TTL = `c` + INTERVAL 1 DAY */ /*T![ttl] TTL_ENABLE = 'OFF' */;"},
      {"ALTER TABLE `t1` /*T![ttl] TTL_ENABLE = 'ON' */;", "ALTER TABLE `t1`"},
      {"ALTER TABLE `t1` /*T![ttl] REMOVE TTL */;", "ALTER TABLE `t1` /*T![ttl] REMOVE TTL */;"},
      {"create table t (ttl int) ttl = c + interval (1 + 2) day ttl_enable='ON'",
       "create table t (ttl int) ttl = c + interval (1 + 2) day /*T![ttl] TTL_ENABLE = 'OFF' */"},
      {"ALTER TABLE `t` /*T![placement] PLACEMENT POLICY = `p` */, ADD COLUMN `c` INT;",
       "ALTER TABLE `t` ADD COLUMN `c` INT"},
      {"ALTER TABLE `t` ADD COLUMN `c` INT, /*T![placement] PLACEMENT POLICY = `p` */;",
       "ALTER TABLE `t` ADD COLUMN `c` INT"},
      {"ALTER TABLE `t` ADD COLUMN `c` INT, /*T![placement] PLACEMENT POLICY = `p` */, COMMENT = "
       "'x'",
       "ALTER TABLE `t` ADD COLUMN `c` INT, COMMENT = 'x'"},
      {"ALTER TABLE `t` /*T![placement] PLACEMENT POLICY = `DEFAULT` */;", "ALTER TABLE `t`"},
      {"ALTER TABLE `t` /*T![placement] PARTITION `p0` PLACEMENT POLICY = `p` */;", ""},
      {"ALTER TABLE `t` PARTITION `p0` PLACEMENT POLICY = `p`, PARTITION `p1` PLACEMENT POLICY `q`",
       ""},
      {"ALTER TABLE t placement policy default, add key (a)", "ALTER TABLE t add key (a)"},
      {"/*T![placement] CREATE PLACEMENT POLICY IF NOT EXISTS `p` FOLLOWERS = 2 */;", ""},
      {"DROP PLACEMENT POLICY p", ""},
      {"/*T![placement] ALTER DATABASE `d` PLACEMENT POLICY = `p` */;", ""},
      {"ALTER DATABASE d DEFAULT PLACEMENT POLICY = p", ""},
      {"ALTER DATABASE placement policy p", ""},
      {"CREATE DATABASE `d` /*T![placement] PLACEMENT POLICY = `p` */;", "CREATE DATABASE `d` "},
      {"CREATE DATABASE `d` CHARACTER SET = utf8mb4 DEFAULT PLACEMENT POLICY = p",
       "CREATE DATABASE `d` CHARACTER SET = utf8mb4 "},
      {"/*T![resource_group] CREATE RESOURCE GROUP `g` RU_PER_SEC = 1 */;", ""},
      {" /* nothing */ ; -- at all", ""},
      {"create table t1 (id int ) /*!90000 shard_row_id_bits=2 */;",
       "create table t1 (id int ) /*T! shard_row_id_bits=2 */"},
      // Not ours to touch: strings, names, comments, other statements.
      {"CREATE TABLE `TTL` (`a` INT COMMENT 'TTL_ENABLE = ''ON''') COMMENT='PLACEMENT POLICY = p'",
       "CREATE TABLE `TTL` (`a` INT COMMENT 'TTL_ENABLE = ''ON''') COMMENT='PLACEMENT POLICY = p'"},
      {"CREATE TABLE t (a int) /* PLACEMENT POLICY = p */ -- PLACEMENT POLICY = p",
       "CREATE TABLE t (a int) /* PLACEMENT POLICY = p */ -- PLACEMENT POLICY = p"},
      {"ALTER TABLE t ADD COLUMN `ttl_enable` INT", "ALTER TABLE t ADD COLUMN `ttl_enable` INT"},
      {"alter table t comment = 'never ends", "alter table t comment = 'never ends"},
      {"create table t (a int) placement policy p; drop table t",
       "create table t (a int) placement policy p; drop table t"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(process_ddl_text(text) == expected);
  }
}

TEST_CASE("ddl text: leading words tell the kind, where names cannot mislead") {
  const std::pair<std::string, std::string> cases[] = {
      {"CREATE DATABASE `d`;", "create database"},
      {"create schema if not exists d", "create database"},
      {"drop schema d", "drop database"},
      {"ALTER DATABASE d CHARACTER SET utf8", "alter database"},
      {"/* x */ create /*!40101 temporary */ table t (a int)", "create table"},
      {"create global temporary table t (a int) on commit delete rows", "create table"},
      {"CREATE OR REPLACE ALGORITHM = UNDEFINED DEFINER = CURRENT_USER SQL SECURITY DEFINER VIEW "
       "`v` "
       "AS SELECT 1",
       "create view"},
      {"create definer='root'@'%' view v as select 1", "create view"},
      {"create unique index i on t (a)", "create index"},
      {"CREATE VECTOR INDEX i ON t ((a))", "create index"},
      {"drop table if exists a, b", "drop table"},
      {"DROP GLOBAL TEMPORARY TABLE t", "drop table"},
      {"drop view v", "drop view"},
      {"DROP INDEX `i` ON `t`", "drop index"},
      {"truncate t", "truncate table"},
      {"TRUNCATE TABLE `t`;", "truncate table"},
      {"rename table a to b", "rename table"},
      {"alter ignore table t add a int", "alter table"},
      {"ALTER TABLE t RENAME TO u", "alter table"},
      {"alter table t analyze partition p", ""},
      {"; # nothing\n ;alter table t add a int;; ", "alter table"},
      {"create table t (a int); drop table t", ""},
      {"create table t (a varchar(9) default ';')", "create table"},
      {"create sequence s", ""},
      {"drop sequence s", ""},
      {"RECOVER TABLE t", ""},
      {"FLASHBACK TABLE t", ""},
      {"lock tables t read", ""},
      {"create placement policy p followers=2", ""},
      {"`create` table t (a int)", ""},
      {"create table t (a int comment 'no end)", ""},
      {"", ""},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(event_name(classify_user_ddl(text)) == expected);
  }
  CHECK(classify_ddl(R"(alter table "t" comment 'a\')", parse_sql_mode("x,ansi_quotes")) ==
        DdlKind::kOther);
  CHECK(classify_ddl(R"(alter table "t" comment 'a\')",
                     parse_sql_mode("NO_BACKSLASH_ESCAPES,ANSI")) == DdlKind::kAlterTable);
}

TEST_CASE("ddl text: the names in a statement, in its order") {
  const std::pair<std::string, Strings> cases[] = {
      {"RENAME TABLE `t1` TO `x1`, `ddl_Two`.`t1` TO `x2`;", {"t1", "x1", "ddl_Two.t1", "x2"}},
      {"ALTER TABLE `t` RENAME AS `arch`.`T_old`;", {"t", "arch.T_old"}},
      {"alter table a . b rename c", {"a.b", "c"}},
      {"alter table t rename = c", {"t", "c"}},
      {"ALTER TABLE `t` ADD COLUMN `a` INT, RENAME TO `u`", {"t", "u"}},
      {"ALTER TABLE `t` RENAME COLUMN `a` TO `b`, RENAME INDEX `i` TO `j`", {"t"}},
      {"ALTER TABLE `pt` EXCHANGE PARTITION `p0` WITH TABLE `b`.`nt` WITHOUT VALIDATION",
       {"pt", "b.nt"}},
      {"CREATE TABLE IF NOT EXISTS `a`.`liked` LIKE `x2`;", {"a.liked", "x2"}},
      {"create table a (like b)", {"a", "b"}},
      {"CREATE TABLE `we``ird` (`a` INT)", {"we`ird"}},
      {"DROP TABLE IF EXISTS `liked`, `ddl_Two`.`liked`;", {"liked", "ddl_Two.liked"}},
      {"DROP VIEW v1, v2 CASCADE", {"v1", "v2"}},
      {"DROP SEQUENCE IF EXISTS `s`, `d`.`r`;", {"s", "d.r"}},
      {"CREATE INDEX `on` ON `t` (`a`)", {"t"}},
      {"TRUNCATE `d`.`t`", {"d.t"}},
      {"DROP DATABASE d", {}},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(names_in(text) == expected);
  }
}

TEST_CASE("ddl text: only a lone SET TIFLASH REPLICA counts as one") {
  CHECK(is_only_tiflash_replica("ALTER TABLE `t` SET TIFLASH REPLICA 1;"));
  CHECK(is_only_tiflash_replica("alter table a.t set tiflash replica 2 location labels 'a', 'b'"));
  CHECK(is_only_tiflash_replica("ALTER DATABASE `d` SET TIFLASH REPLICA 1"));
  CHECK_FALSE(is_only_tiflash_replica("ALTER TABLE t SET TIFLASH REPLICA 1, ADD COLUMN a INT"));
  CHECK_FALSE(is_only_tiflash_replica("ALTER TABLE t COMMENT 'SET TIFLASH REPLICA'"));
  CHECK_FALSE(is_only_tiflash_replica("CREATE TABLE t (a INT)"));
}

TEST_CASE("ddl text: statements are split where they end, not within strings and names") {
  const std::string text = "create table `a;b` (c int comment ';'); /* ; */ ;drop table x # ;\n;";
  const std::vector<std::string_view> parts = split_statements(text);
  REQUIRE(parts.size() == 2);
  CHECK(parts[0] == "create table `a;b` (c int comment ';')");
  CHECK(parts[1] == "drop table x");
  CHECK(split_statements(" ; ").empty());
  CHECK(split_statements("select 'a;").size() == 1);
  CHECK(split_statements(R"(CREATE TABLE `t` (`a` INT) COMMENT = '\';DROP TABLE `u`;)").size() ==
        2);
}

TEST_CASE("ddl text: a DROP of many becomes a DROP of the one that the job is about") {
  CHECK(drop_only("DROP TABLE IF EXISTS `liked`, `Two`.`liked`;", "Two", "liked") ==
        "DROP TABLE IF EXISTS `Two`.`liked`;");
  CHECK(drop_only("DROP VIEW `a`, b CASCADE", "d`1", "b") == "DROP VIEW `d``1`.`b` CASCADE");
  CHECK(drop_only("DROP SEQUENCE `a`, `b`;", "d", "b") == "DROP SEQUENCE `d`.`b`;");
  CHECK(drop_only("DROP TABLE `a`;", "d", "a") == "DROP TABLE `a`;");
  CHECK(drop_only("DROP DATABASE `a`;", "a", "") == "DROP DATABASE `a`;");
}

TEST_CASE("ddl text: a RENAME keeps the clauses that it is told to, in the mode it is written in") {
  const std::string_view text = "RENAME TABLE \"a\" TO \"b\", \"c\" TO d";
  const SqlMode ansi{.ansi_quotes = true, .no_backslash_escapes = false};
  CHECK(rename_only(text, ansi, {false, true}) == "RENAME TABLE \"c\" TO d");
  CHECK(rename_only(text, ansi, {true}) == text);
  CHECK(rename_only("RENAME TABLE a TO b, c TO d;", kDefaultSqlMode, {true, false}) ==
        "RENAME TABLE a TO b;");
}

TEST_CASE("ddl text: a user's statement is read in the mode that it seems to be in") {
  CHECK(parse_user_ddl("RENAME TABLE \"b\" TO \"c\"").tables.size() == 2);
  CHECK(parse_ddl("RENAME TABLE \"b\" TO \"c\"", kDefaultSqlMode).tables.empty());
  CHECK(classify_user_ddl(R"(alter table t comment 'a\')") == DdlKind::kAlterTable);
}

TEST_CASE("ddl text: strings and names read in the default mode what they were upstream") {
  const std::pair<std::string, std::string> cases[] = {
      // Table, partition and index comments, ENUM and SET members.
      {R"(ALTER TABLE `x1` COMMENT = 'it''s a "comment"; -- \ ';)",
       R"(ALTER TABLE `x1` COMMENT = 'it''s a "comment"; -- \\ ';)"},
      {R"(CREATE TABLE `t` (`a` INT) COMMENT = 't\';)",
       R"(CREATE TABLE `t` (`a` INT) COMMENT = 't\\';)"},
      {R"(CREATE TABLE `t` (`a` ENUM('x\','b\\c') DEFAULT _UTF8MB4'x\\',INDEX `i`(`a`) COMMENT 'i\'))"
       R"( PARTITION BY HASH (`a`) (PARTITION `p` COMMENT = 'p\');)",
       R"(CREATE TABLE `t` (`a` ENUM('x\\','b\\\\c') DEFAULT _UTF8MB4'x\\',INDEX `i`(`a`) COMMENT 'i\\'))"
       R"( PARTITION BY HASH (`a`) (PARTITION `p` COMMENT = 'p\\');)"},
      {R"(CREATE UNIQUE INDEX `i` ON `t` (`a`) COMMENT 'u\n';)",
       R"(CREATE UNIQUE INDEX `i` ON `t` (`a`) COMMENT 'u\\n';)"},
      {R"(ALTER TABLE `t` ADD INDEX `i`(`a`) COMMENT '\', ADD COLUMN `b` INT COMMENT '\\';)",
       R"(ALTER TABLE `t` ADD INDEX `i`(`a`) COMMENT '\\', ADD COLUMN `b` INT COMMENT '\\';)"},
      // TiDB prints engines as the user wrote them, and numbers as it likes.
      {R"(CREATE TABLE `t` (`e` ENUM('a\b','c'),`f` DOUBLE DEFAULT 1e+05) ENGINE = InnoDB;)",
       R"(CREATE TABLE `t` (`e` ENUM('a\\b','c'),`f` DOUBLE DEFAULT 1e+05) ENGINE = InnoDB;)"},
      {R"(CREATE TABLE IF NOT EXISTS `t` (`a` INT) COMMENT = '\' ROW_FORMAT = Compact PARTITION BY )"
       R"(HASH (`a`) (PARTITION `p` ENGINE = innodb);)",
       R"(CREATE TABLE IF NOT EXISTS `t` (`a` INT) COMMENT = '\\' ROW_FORMAT = Compact PARTITION BY )"
       R"(HASH (`a`) (PARTITION `p` ENGINE = innodb);)"},
      {R"(ALTER TABLE T ENGINE = InnoDB COMMENT = 'x\n';)",
       R"(ALTER TABLE T ENGINE = InnoDB COMMENT = 'x\n';)"},
      // Several statements are one text.
      {R"(CREATE TABLE `t` (`e` SET('\'));CREATE TABLE `u` (`e` ENUM('a\b') COMMENT '\\');)",
       R"(CREATE TABLE `t` (`e` SET('\\'));CREATE TABLE `u` (`e` ENUM('a\\b') COMMENT '\\');)"},
      // Expressions and column comments have theirs doubled already.
      {R"(CREATE TABLE `t` (`a` VARCHAR(9) DEFAULT _UTF8MB4'd''\\"x' COMMENT 'c\\');)",
       R"(CREATE TABLE `t` (`a` VARCHAR(9) DEFAULT _UTF8MB4'd''\\"x' COMMENT 'c\\');)"},
      {R"(ALTER TABLE `t` ADD COLUMN (`a` INT COMMENT '\\', `b` INT);)",
       R"(ALTER TABLE `t` ADD COLUMN (`a` INT COMMENT '\\', `b` INT);)"},
      {R"(ALTER TABLE `t` CHANGE COLUMN `a` `b` INT COMMENT '\\';)",
       R"(ALTER TABLE `t` CHANGE COLUMN `a` `b` INT COMMENT '\\';)"},
      {R"(RENAME TABLE `back\slash` TO `r_back\slash`;)",
       R"(RENAME TABLE `back\slash` TO `r_back\slash`;)"},
      // Not printed by TiDB: the user's own escapes are right as they are …
      {R"(create table t (a int comment 'it\'s') comment='t\\')",
       R"(create table t (a int comment 'it\'s') comment='t\\')"},
      {R"(ALTER TABLE t COMMENT = 'x\n';)", R"(ALTER TABLE t COMMENT = 'x\n';)"},
      // … unless they were none, in a session without escapes.
      {R"(alter table t comment = 'x\')", R"(alter table t comment = 'x\\')"},
      {R"(CREATE TABLE `k`."an`si" ("id" INT, "v" VARCHAR(20) DEFAULT 'a\'))",
       R"(CREATE TABLE `k`.`an``si` (`id` INT, `v` VARCHAR(20) DEFAULT 'a\\'))"},
      {R"(ALTER TABLE k.ansi ADD COLUMN "w ""x" VARCHAR(5) DEFAULT '\n')",
       R"(ALTER TABLE k.ansi ADD COLUMN `w "x` VARCHAR(5) DEFAULT '\n')"},
      {R"(RENAME TABLE "a" TO "b")", "RENAME TABLE `a` TO `b`"},
      {R"(create table t (a enum("x","y") default "x" not null comment "c") comment "t")",
       R"(create table t (a enum("x","y") default "x" not null comment "c") comment "t")"},
      {R"(create view v as select a, "lit" as x, concat("b" collate utf8mb4_bin) from t)",
       R"(create view v as select a, "lit" as x, concat("b" collate utf8mb4_bin) from t)"},
      {R"(create view "v" as select "a" as x from t)", "create view `v` as select `a` as x from t"},
      {R"(alter table t comment = 'never ends\)", R"(alter table t comment = 'never ends\)"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(to_default_sql_mode(text) == expected);
  }
}

TEST_CASE("ddl text: what one server does not know stands where only the others look") {
  const std::pair<std::string, std::string> cases[] = {
      // CHECK: enforced is the default; what is not enforced MariaDB and MySQL 5.7 cannot have.
      {"CREATE TABLE `t` (`a` INT CHECK(`a`>0) ENFORCED,CONSTRAINT `c` CHECK(`a`<9) ENFORCED);",
       "CREATE TABLE `t` (`a` INT CHECK(`a`>0),CONSTRAINT `c` CHECK(`a`<9));"},
      {"CREATE TABLE `t` (`a` INT CONSTRAINT `c` CHECK(`a`>0) NOT ENFORCED,`b` INT)",
       "CREATE TABLE `t` (`a` INT /*!80016 CONSTRAINT `c` CHECK(`a`>0) NOT ENFORCED */,`b` INT)"},
      {"CREATE TABLE `t` (`a` INT, CHECK((`a`)>0) NOT ENFORCED, PRIMARY KEY(`a`))",
       "CREATE TABLE `t` (`a` INT /*!80016 , CHECK((`a`)>0) NOT ENFORCED */, PRIMARY KEY(`a`))"},
      {"CREATE TABLE `t` (CHECK(1) NOT ENFORCED,CHECK(2) NOT ENFORCED,`a` INT)",
       "CREATE TABLE `t` (/*!80016 CHECK(1) NOT ENFORCED, *//*!80016 CHECK(2) NOT ENFORCED, */`a` "
       "INT)"},
      {"CREATE TABLE `t` (CHECK(1) NOT ENFORCED,`a` INT)",
       "CREATE TABLE `t` (/*!80016 CHECK(1) NOT ENFORCED, */`a` INT)"},
      {"CREATE TABLE `t` (`a` TEXT CHECK(`a`!='*/') NOT ENFORCED)",
       "CREATE TABLE `t` (`a` TEXT CHECK(`a`!='*/') NOT ENFORCED)"},
      {"ALTER TABLE `t` ADD CONSTRAINT `c` CHECK(`a`>0) ENFORCED;",
       "ALTER TABLE `t` ADD CONSTRAINT `c` CHECK(`a`>0);"},
      {"ALTER TABLE `t` ADD CHECK(`a`>0) NOT ENFORCED;",
       "ALTER TABLE `t` /*!80016 ADD CHECK(`a`>0) NOT ENFORCED */;"},
      {"ALTER TABLE `t` ADD COLUMN `b` INT, DROP CHECK `c`",
       "ALTER TABLE `t` ADD COLUMN `b` INT /*!80016 , DROP CHECK `c` */ "
       "/*M! , DROP CONSTRAINT IF EXISTS `c` */"},
      {"ALTER TABLE `t` ALTER CHECK `c` NOT ENFORCED",
       "ALTER TABLE `t` /*!80016 ALTER CHECK `c` NOT ENFORCED */ "
       "/*M! DROP CONSTRAINT IF EXISTS `c` */"},
      {"ALTER TABLE `t` ALTER CHECK `c` ENFORCED",
       "ALTER TABLE `t` /*!80016 ALTER CHECK `c` ENFORCED */"},
      // Indices that queries do not use.
      {"ALTER TABLE `t` ALTER INDEX `i` INVISIBLE, ADD COLUMN `b` INT",
       "ALTER TABLE `t` /*!80000 ALTER INDEX `i` INVISIBLE, */ "
       "/*M!100600 ALTER INDEX `i` IGNORED, */ ADD COLUMN `b` INT"},
      {"ALTER TABLE `t` ALTER INDEX `i` VISIBLE",
       "ALTER TABLE `t` /*!80000 ALTER INDEX `i` VISIBLE */ "
       "/*M!100600 ALTER INDEX `i` NOT IGNORED */"},
      {"CREATE INDEX `i` ON `t` (`a`) COMMENT 'x' INVISIBLE",
       "CREATE INDEX `i` ON `t` (`a`) COMMENT 'x' /*!80000 INVISIBLE */ /*M!100600 IGNORED */"},
      {"CREATE TABLE t (visible INT, invisible INT, INDEX visible (visible) VISIBLE)",
       "CREATE TABLE t (visible INT, invisible INT, INDEX visible (visible) /*!80000 VISIBLE */)"},
      {"ALTER TABLE `p` EXCHANGE PARTITION `p0` WITH TABLE `t` WITHOUT VALIDATION",
       "ALTER TABLE `p` EXCHANGE PARTITION `p0` WITH TABLE `t` /*!50705 WITHOUT VALIDATION */ "
       "/*M!110400 WITHOUT VALIDATION */"},
      // Collations and options of one server.
      {"CREATE TABLE `t` (`a` TEXT COLLATE utf8mb4_0900_bin) DEFAULT COLLATE = UTF8MB4_0900_AI_CI",
       "CREATE TABLE `t` (`a` TEXT COLLATE /*!80001 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */) "
       "DEFAULT COLLATE = /*!80001 UTF8MB4_0900_AI_CI */ /*M! utf8mb4_uca1400_nopad_ai_ci */"},
      {"CREATE TABLE `t` (`a` INT COLUMN_FORMAT DYNAMIC STORAGE DISK) COMPRESSION = 'zlib' "
       "STATS_BUCKETS = 9 STATS_SAMPLE_RATE = 0.5 STATS_COL_LIST = 'a' COMMENT = 'x'",
       "CREATE TABLE `t` (`a` INT /*!50700 COLUMN_FORMAT DYNAMIC */ /*!50700 STORAGE DISK */) "
       "/*!50700 COMPRESSION = 'zlib' */ /*T! STATS_BUCKETS = 9 */ /*T! STATS_SAMPLE_RATE = 0.5 */ "
       "/*T! STATS_COL_LIST = 'a' */ COMMENT = 'x'"},
      {"CREATE TABLE `t` (`a` INT) ENGINE = MyISAM COMMENT = 'x'",
       "CREATE TABLE `t` (`a` INT) ENGINE = InnoDB COMMENT = 'x'"},
      {"create table t (engine int, check (engine = 1)) engine=RocksDB",
       "create table t (engine int, check (engine = 1)) engine=RocksDB"},
      {"create table t (storage int, compression text)",
       "create table t (storage int, compression text)"},
      // Promises that another server cannot keep.
      {"ALTER TABLE `t` DROP COLUMN `a`, ALGORITHM = INSTANT, LOCK = NONE;",
       "ALTER TABLE `t` DROP COLUMN `a`, ALGORITHM = DEFAULT, LOCK = DEFAULT;"},
      {"CREATE INDEX `i` ON `t` (`a`) ALGORITHM = INPLACE LOCK = NONE;",
       "CREATE INDEX `i` ON `t` (`a`);"},
      {"CREATE ALGORITHM = UNDEFINED DEFINER = `r`@`%` SQL SECURITY DEFINER VIEW `v` (`a`) AS "
       "SELECT 1",
       "CREATE ALGORITHM = UNDEFINED DEFINER = `r`@`%` SQL SECURITY DEFINER VIEW `v` (`a`) AS "
       "SELECT 1"},
      // IF [NOT] EXISTS, where ignoring the error has the same effect.
      {"ALTER TABLE `t` ADD COLUMN IF NOT EXISTS `b` INT;",
       "ALTER TABLE `t` ADD COLUMN /*T! IF NOT EXISTS */ /*M! IF NOT EXISTS */ `b` INT;"},
      {"DROP INDEX IF EXISTS `i` ON `t`",
       "DROP INDEX /*T! IF EXISTS */ /*M! IF EXISTS */ `i` ON `t`"},
      {"ALTER TABLE `t` ADD COLUMN IF NOT EXISTS `b` INT, DROP COLUMN IF EXISTS `c`",
       "ALTER TABLE `t` ADD COLUMN IF NOT EXISTS `b` INT, DROP COLUMN IF EXISTS `c`"},
      {"DROP TABLE IF EXISTS `t`", "DROP TABLE IF EXISTS `t`"},
      // A user's own text has bare what TiDB prints in comments.
      {"alter table t add column b int, add primary key (a) nonclustered",
       "alter table t add column b int, add primary key (a) /*T![clustered_index] nonclustered */"},
      {"create table t (a bigint auto_random(5) primary key clustered, unique key u (b) visible "
       "global)",
       "create table t (a bigint /*T![auto_rand] auto_random(5) */ primary key "
       "/*T![clustered_index] clustered */, unique key u (b) /*!80000 visible */ "
       "/*T![global_index] global */)"},
      {"alter table t add column clustered int, add auto_random int, add index global (a)",
       "alter table t add column clustered int, add auto_random int, add index global (a)"},
      // Tables that only TiDB has.
      {"CREATE GLOBAL TEMPORARY TABLE `t` (`a` INT PRIMARY KEY /*T![clustered_index] CLUSTERED */) "
       "ON COMMIT DELETE ROWS;",
       "/*T! CREATE GLOBAL TEMPORARY TABLE `t` (`a` INT PRIMARY KEY  CLUSTERED ) ON COMMIT DELETE "
       "ROWS */"},
      {"DROP GLOBAL TEMPORARY TABLE `t`", "/*T! DROP GLOBAL TEMPORARY TABLE `t` */"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    const std::string once = to_common_dialect(text);
    CHECK(once == expected);
    CHECK(to_common_dialect(once) == once);
  }
}

TEST_CASE("ddl text: what MySQL gets is escaped, about one table and without placement") {
  CHECK(
      ddl_for_mysql(
          R"(CREATE TABLE `t` (`a` INT) COMMENT = 't\' /*T![placement] PLACEMENT POLICY = `p` */;)",
          "d", "t") == R"(CREATE TABLE `t` (`a` INT) COMMENT = 't\\' )");
  CHECK(ddl_for_mysql("DROP TABLE `a`, `b`;", "d", "b") == "DROP TABLE `d`.`b`;");
  CHECK(ddl_for_mysql("/*T![placement] DROP PLACEMENT POLICY `p` */;", "", "").empty());
  CHECK(ddl_for_tidb("CREATE TABLE `t` (`a` INT) ENGINE = MyISAM", "d", "t") ==
        "CREATE TABLE `t` (`a` INT) ENGINE = MyISAM");
}

TEST_CASE("ddl text: names get the database that they lack") {
  CHECK(qualify_names("RENAME TABLE a TO `d`.b, `c` TO d", "x`y") ==
        "RENAME TABLE `x``y`.a TO `d`.b, `x``y`.`c` TO `x``y`.d");
  CHECK(qualify_names("CREATE DATABASE d", "x") == "CREATE DATABASE d");
}

TEST_CASE("ddl text: CHECKs that TiDB ignores are for TiDB only") {
  struct Case {
    const char* text;
    const char* sent;
  };
  const std::vector<Case> cases = {
      {"CREATE TABLE `t` (`a` INT,CHECK(`a`>0) ENFORCED)",
       "CREATE TABLE `t` (`a` INT /*T! , CHECK(`a`>0) ENFORCED */)"},
      {"CREATE TABLE `t` (`a` INT CHECK(`a`>0) ENFORCED NOT NULL DEFAULT 5)",
       "CREATE TABLE `t` (`a` INT /*T! CHECK(`a`>0) ENFORCED */ NOT NULL DEFAULT 5)"},
      {"CREATE TABLE `t` (`a` INT CONSTRAINT `c` CHECK (`a`>0))",
       "CREATE TABLE `t` (`a` INT /*T! CONSTRAINT `c` CHECK (`a`>0) */)"},
      {"CREATE TABLE `t` (`a` INT, CONSTRAINT `c` CHECK (`a`>0) NOT ENFORCED)",
       "CREATE TABLE `t` (`a` INT /*T! , CONSTRAINT `c` CHECK (`a`>0) NOT ENFORCED */)"},
      {"ALTER TABLE `t` ADD COLUMN `b` INT CHECK (`b`>0)",
       "ALTER TABLE `t` ADD COLUMN `b` INT /*T! CHECK (`b`>0) */"},
      {"CREATE TABLE `t` (`check` INT)", "CREATE TABLE `t` (`check` INT)"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(ddl_for_mysql(c.text, "d", "t", Checks::kIgnored) == c.sent);
  }
}
