#include "syncer/kafka/ddl_event.h"

#include <catch2/catch.hpp>

#include "tests/fakes/txns.h"
#include "tests/unit/kafka/events.h"

using namespace drainer;
using fakes::Events;
using fakes::kTs;
using fakes::options_of;
using fakes::TxnBuilder;
using kafka::Destination;
using schema::TableName;

namespace {

struct Told {
  TableName name;
  std::string old_name;  ///< schema.table
  std::string text;

  bool operator==(const Told&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Told& told) {
  return out << told.name.schema << '.' << told.name.table << " <- " << told.old_name << ": "
             << told.text;
}

struct Case {
  std::string text;
  TableName name;
  std::string use_schema;
  std::vector<TableName> touched;
  std::vector<Told> told;
};

Txn txn_of(const Case& c) {
  Txn txn = TxnBuilder(kTs).ddl(c.name.schema, c.name.table, c.text).build();
  txn.ddl->effect.use_schema = c.use_schema;
  txn.ddl->effect.touched = c.touched;
  return txn;
}

}  // namespace

TEST_CASE("ddl events: a consumer gets a text about one table that makes sense in its database") {
  const Case c = GENERATE(values<Case>({
      {"CREATE DATABASE `d`;", {"d", ""}, "d", {}, {{{"d", ""}, "", "CREATE DATABASE `d`"}}},
      {"ALTER TABLE `t` ADD COLUMN `c` INT;",
       {"d", "t"},
       "d",
       {{"d", "t"}},
       {{{"d", "t"}, "", "ALTER TABLE `t` ADD COLUMN `c` INT"}}},
      // TiDB logs the text once for each table.
      {"DROP TABLE m1, m2", {"d", "m2"}, "d", {}, {{{"d", "m2"}, "", "DROP TABLE `d`.`m2`"}}},
      {"DROP VIEW IF EXISTS `v`, `w`;",
       {"d", "v"},
       "d",
       {},
       {{{"d", "v"}, "", "DROP VIEW IF EXISTS `d`.`v`"}}},
      {"DROP TABLE `t`;", {"d", "t"}, "d", {}, {{{"d", "t"}, "", "DROP TABLE `t`"}}},
      // An unqualified old name lives in another database than the new one.
      {"ALTER TABLE t1 RENAME AS db2.moved",
       {"db2", "moved"},
       "db1",
       {{"db2", "moved"}, {"db1", "t1"}},
       {{{"db2", "moved"}, "db1.t1", "ALTER TABLE `db1`.t1 RENAME AS db2.moved"}}},
      {"RENAME TABLE `a` TO `b`;",
       {"d", "b"},
       "d",
       {},
       {{{"d", "b"}, "d.a", "RENAME TABLE `d`.`a` TO `d`.`b`"}}},
      {"rename table a to b, c to e.d",
       {"e", "d"},
       "s",
       {{"s", "A"}, {"s", "C"}, {"s", "b"}, {"E", "d"}},
       {{{"s", "b"}, "s.A", "rename table `s`.a to `s`.b"},
        {{"E", "d"}, "s.C", "rename table `s`.c to e.d"}}},
      {"rename table a to tmp, b to a, tmp to b",
       {"d", "b"},
       "d",
       {{"d", "a"}, {"d", "b"}},
       {{{"d", "tmp"}, "d.a", "rename table `d`.a to `d`.tmp"},
        {{"d", "a"}, "d.b", "rename table `d`.b to `d`.a"},
        {{"d", "b"}, "d.tmp", "rename table `d`.tmp to `d`.b"}}},
      // A filter has taken the clause out that effect.name is about.
      {"rename table x.a to x.b",
       {"y", "d"},
       "x",
       {},
       {{{"x", "b"}, "x.a", "rename table x.a to x.b"}}},
      {"CREATE TABLE `a` (`i` INT);CREATE TABLE `b` (`j` INT);",
       {"d", "c"},
       "d",
       {{"d", "a"}, {"d", "b"}, {"d", "c"}},
       {{{"d", "a"}, "", "CREATE TABLE `a` (`i` INT)"},
        {{"d", "b"}, "", "CREATE TABLE `b` (`j` INT)"}}},
      {"create table d.x like y",
       {"d", "x"},
       "s",
       {{"d", "x"}},
       {{{"d", "x"}, "", "create table d.x like `s`.y"}}},
      {"alter table p exchange partition p0 with table u.p",
       {"d", "p"},
       "d",
       {{"d", "p"}, {"u", "p"}},
       {{{"d", "p"}, "", "alter table `d`.p exchange partition p0 with table u.p"}}},
      // As TiCDC: TiDB's own words, without placement, TTL off, in the default SQL mode.
      {"CREATE TABLE `t` (`a` INT /*T![auto_rand] AUTO_RANDOM(5) */ CHECK (`a` > 0) ENFORCED) "
       "ENGINE = MyISAM COMMENT = 'x\\' /*T![placement] PLACEMENT POLICY=`p` */;",
       {"d", "t"},
       "d",
       {{"d", "t"}},
       {{{"d", "t"},
         "",
         "CREATE TABLE `t` (`a` INT /*T![auto_rand] AUTO_RANDOM(5) */ CHECK (`a` > 0) ENFORCED) "
         "ENGINE = MyISAM COMMENT = 'x\\\\'"}}},
      {"/*T![placement] DROP PLACEMENT POLICY `p` */;", {"", ""}, "", {}, {}},
      {"FLASHBACK TABLE `t` TO `u`;",
       {"d", "u"},
       "d",
       {{"d", "u"}},
       {{{"d", "u"}, "", "FLASHBACK TABLE `t` TO `u`"}}},
      {"rename table", {"d", "t"}, "d", {}, {{{"d", "t"}, "", "rename table"}}},
      {"no 'sql;", {"d", "t"}, "d", {}, {{{"d", "t"}, "", "no 'sql"}}},
  }));
  INFO(c.text);
  const Txn txn = txn_of(c);
  std::vector<Told> told;
  for (const kafka::DdlEvent& event : kafka::ddl_events(txn)) {
    CHECK(event.commit_ts == CommitTs(kTs));
    const TableName old = event.old_name.value_or(TableName{});
    told.push_back({event.name, event.old_name ? old.schema + "." + old.table : "", event.text});
  }
  CHECK(told == c.told);
}

TEST_CASE("ddl events: each table of a rename goes to the topic that its rows were in") {
  KafkaOptions options = options_of(KafkaProtocol::kCanalJson);
  options.topic_template = "{table}";
  Events events;
  events.write(options, TxnBuilder(kTs).ddl("s", "d", "rename table a to b, c to d").build());
  REQUIRE(events.messages.size() == 2);
  CHECK(events.messages[0].to == Destination{"a", 0});
  CHECK_THAT(events.messages[0].value,
             Catch::Contains(R"("table":"b")") &&
                 Catch::Contains(R"("sql":"rename table `s`.a to `s`.b")"));
  CHECK(events.messages[1].to == Destination{"c", 0});
  CHECK_THAT(events.messages[1].value, Catch::Contains(R"("table":"d")"));
}

TEST_CASE("ddl events: debezium tells all partitions of the topic, canal-json the first") {
  const bool is_debezium = GENERATE(true, false);
  KafkaOptions options =
      options_of(is_debezium ? KafkaProtocol::kDebezium : KafkaProtocol::kCanalJson);
  options.partition_by = KafkaSpread::kTable;
  Events events;
  events.write(options, TxnBuilder(kTs).ddl("d", "t", "truncate table t").build(), 3);
  REQUIRE(events.messages.size() == (is_debezium ? 3 : 1));
  for (int32_t i = 0; i < static_cast<int32_t>(events.messages.size()); ++i) {
    const kafka::EventMessage& message = events.messages[static_cast<size_t>(i)];
    CHECK(message.to == Destination{"topic", i});
    CHECK(message.value == events.messages[0].value);
    CHECK(message.key == events.messages[0].key);
  }
}
