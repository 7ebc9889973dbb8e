#include "drainer/schema/event_filter.h"

#include <algorithm>
#include <string>
#include <vector>

#include "drainer/schema/name_pattern.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::schema;

namespace {

struct RuleSpec {
  std::string schema;
  std::string table;
  std::vector<std::string> events;
  std::vector<std::string> sql;
};

Result<EventFilter> make(const std::vector<RuleSpec>& specs, bool is_case_sensitive = false) {
  SyncerOptions options;
  options.case_sensitive = is_case_sensitive;
  for (const RuleSpec& spec : specs) {
    const std::string name = "filter " + std::to_string(options.table_migrate_rule.size());
    options.binlog_filter_rule[name] = {spec.events, spec.sql};
    TableMigrateRule rule;
    rule.binlog_filter_rule = {name};
    rule.source_schema = spec.schema;
    rule.source_table = spec.table;
    options.table_migrate_rule.push_back(rule);
  }
  return EventFilter::make(options);
}

std::string problem(const std::vector<RuleSpec>& specs) {
  const Result<EventFilter> filter = make(specs);
  return filter.ok() ? "" : filter.error().text();
}

bool matches(const std::string& pattern, const std::string& name) {
  return NamePattern::parse(pattern)->matches(name);
}

}  // namespace

TEST_CASE("event filter: patterns select names as the original's selector does") {
  const std::vector<std::pair<std::string, std::string>> rules = {{"?bc", "t1_ab?"},
                                                                  {"?bc", "t1_abc"},
                                                                  {"a?c", "t2_ab*"},
                                                                  {"ab?", "ab?"},
                                                                  {"ab*", "ab*"},
                                                                  {"abc", "abc"},
                                                                  {"schema*", ""},
                                                                  {"schema*", "test*"},
                                                                  {"ik[hjkl]", "ik[!zxc]"},
                                                                  {"ik[f-h]", "ik[!a-ce-g]"},
                                                                  {"i[x-z][1-3]", "i?[x-z]"},
                                                                  {"[!]", "[a-]"},
                                                                  {"[!]", "[a-c-f]"},
                                                                  {"[!a-c!f-g]", "*"}};
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  const std::pair<TableName, Pairs> cases[] = {
      {{"dbc", "t1_abc"}, {{"?bc", "t1_ab?"}, {"?bc", "t1_abc"}}},
      {{"abc", "t2_abxyz"}, {{"a?c", "t2_ab*"}}},
      {{"abc", "abc"}, {{"ab?", "ab?"}, {"ab*", "ab*"}, {"abc", "abc"}}},
      {{"schema1", "xxx"}, {{"schema*", ""}}},
      {{"schema1", ""}, {{"schema*", ""}}},
      {{"schema1", "test1"}, {{"schema*", ""}, {"schema*", "test*"}}},
      {{"ikj", "ikb"}, {{"ik[hjkl]", "ik[!zxc]"}}},
      {{"ikh", "iky"}, {{"ik[hjkl]", "ik[!zxc]"}, {"ik[f-h]", "ik[!a-ce-g]"}}},
      {{"iz3", "ixz"}, {{"i[x-z][1-3]", "i?[x-z]"}}},
      {{"!", "-"}, {{"[!]", "[a-]"}, {"[!]", "[a-c-f]"}}},
      {{"!", "c"}, {{"[!]", "[a-c-f]"}}},
      {{"d", "zxcv"}, {{"[!a-c!f-g]", "*"}}},
      {{"nothing", "at all"}, {}},
  };
  for (const auto& [name, expected] : cases) {
    INFO(name.schema << "." << name.table);
    Pairs seen;
    for (const auto& [schema, table] : rules) {
      const Result<EventFilter> filter = make({{schema, table, {"all"}, {}}});
      REQUIRE(filter.ok());
      if (filter->ignores_event(name, "insert")) seen.emplace_back(schema, table);
    }
    CHECK(seen == expected);
  }
}

TEST_CASE("event filter: wildcards stand for bytes") {
  CHECK(matches("???", "中"));
  CHECK_FALSE(matches("?", "中"));
  CHECK(matches("中*", "中文"));
  CHECK(matches("[", "["));
  CHECK(matches("a[b", "a[b"));
  CHECK_FALSE(matches("a[]", "a"));
  CHECK_FALSE(matches("a[]", "ab"));
  CHECK(matches("*", ""));
  CHECK(matches("", ""));
  CHECK_FALSE(matches("", "a"));
  CHECK_FALSE(NamePattern::parse("ab**").ok());
  CHECK(NamePattern::parse("a*b").error().text() ==
        "pattern `a*b`: `*` must be its last character");
}

TEST_CASE("event filter: the first event that says something decides within a rule") {
  struct Case {
    std::vector<std::string> events;
    std::string event;
    bool ignores;
  };
  const Case cases[] = {
      {{"all"}, "insert", true},
      {{"All DML"}, "delete", true},
      {{"all ddl"}, "delete", false},
      {{"none"}, "insert", false},
      {{"none", "insert"}, "insert", false},
      {{"insert", "none"}, "insert", true},
      {{"none ddl", "update"}, "update", true},
      {{"none dml", "all"}, "update", false},
      {{"delete", "update"}, "insert", false},
      {{}, "insert", false},
      {{""}, "insert", false},
  };
  for (const Case& c : cases) {
    INFO(fmt::format("{} {}", c.event, fmt::join(c.events, ",")));
    CHECK(make({{"db", "t", c.events, {}}})->ignores_event({"db", "t"}, c.event) == c.ignores);
  }
}

TEST_CASE("event filter: DDL is judged by its class and by its text") {
  const Result<EventFilter> filter =
      make({{"do_not_truncate_database*",
             "do_not_truncate_table*",
             {"truncate table", "create schema"},
             {"alter table .* add column aaa int", "^drop trigger"}}});
  REQUIRE(filter.ok());
  const TableName name{"Do_Not_Truncate_Database1", "do_not_truncate_table1"};
  CHECK(filter->ignores_ddl(name, "truncate table x"));
  CHECK(filter->ignores_ddl(name, "/* c */ TRUNCATE x"));
  CHECK(filter->ignores_ddl(name, "create database d"));
  CHECK(filter->ignores_ddl(name, "ALTER TABLE t ADD COLUMN aaa INT"));
  CHECK(filter->ignores_ddl(name, "drop TRIGGER is no kind we know"));
  CHECK_FALSE(filter->ignores_ddl(name, "alter table t add column bbb int"));
  CHECK_FALSE(filter->ignores_ddl({"other", "do_not_truncate_table1"}, "truncate table x"));
  CHECK_FALSE(filter->ignores_ddl(name, ""));
  // Partition events never happen; ALTER TABLE … RENAME is an alter table.
  CHECK_FALSE(make({{"d", "t", {"drop table partition", "rename table"}, {}}})
                  ->ignores_ddl({"d", "t"}, "alter table t drop partition p, rename to u"));
  CHECK(make({{"d", "", {"alter schema"}, {}}})
            ->ignores_ddl({"d", ""}, "alter database d character set utf8"));
}

TEST_CASE("event filter: rules of the same tables are one rule") {
  SyncerOptions options;
  options.binlog_filter_rule["drop"] = {{"drop database"}, {}};
  options.binlog_filter_rule["sql"] = {{}, {"alter table .* add column aaa int"}};
  options.binlog_filter_rule["delete"] = {{"delete"}, {}};
  TableMigrateRule first;
  first.source_schema = "do_not_drop_database*";
  first.source_table = "*";
  first.binlog_filter_rule = {"drop"};
  TableMigrateRule second = first;
  second.binlog_filter_rule = {"sql", "delete"};
  options.table_migrate_rule = {first, second};
  const Result<EventFilter> filter = EventFilter::make(options);
  REQUIRE(filter.ok());
  const TableName name{"do_not_drop_database1", ""};
  CHECK(filter->ignores_ddl(name, "drop database do_not_drop_database1"));
  CHECK(filter->ignores_ddl(name, "alter table t add column aaa int"));
  CHECK(filter->ignores_event({name.schema, "t"}, "delete"));
  CHECK_FALSE(filter->ignores_event({name.schema, "t"}, "insert"));
}

TEST_CASE("event filter: case matters when the operator says so") {
  const Result<EventFilter> filter = make({{"DB", "T", {"all"}, {}}}, /*is_case_sensitive=*/true);
  CHECK(filter->ignores_event({"DB", "T"}, "insert"));
  CHECK_FALSE(filter->ignores_event({"db", "t"}, "insert"));
  CHECK(make({{"ÉCOLE", "?a", {"all"}, {}}})->ignores_event({"école", "xA"}, "insert"));
}

TEST_CASE("event filter: what is wrong in the rules is told at the start") {
  CHECK(problem({{"", "t", {}, {}}}) == "schema pattern of a table-migrate-rule is empty");
  CHECK(problem({{"d", "t", {"explode"}, {}}}) == "event type explode is not valid");
  CHECK(problem({{"d*e", "t", {}, {}}}) == "pattern `d*e`: `*` must be its last character");
  CHECK(problem({{"d", "t", {}, {}}, {"D", "T", {}, {}}}) ==
        "table-migrate-rule of D.T already exists");
  CHECK(problem({{"d", "t", {}, {"("}}}) == "ignore-sql of the rule for d.t: missing ): (?i)(");
  CHECK(EventFilter().empty());
  SyncerOptions options;
  options.table_migrate_rule.push_back({{"nowhere"}, "d", "t", "", ""});
  CHECK(EventFilter::make(options).error().text() == "event filter rule name nowhere not found");
}
