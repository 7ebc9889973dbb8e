#include "drainer/schema/event_filter.h"

#include <algorithm>
#include <array>

#include <re2/re2.h>

#include "drainer/schema/lower_case.h"
#include "drainer/tidb/ddl_statement.h"

namespace drainer::schema {

namespace {

// The partition events are accepted but never happen: such statements are "alter table" (KEEP).
constexpr std::array<std::string_view, 28> kEvents = {"",
                                                      "all",
                                                      "all ddl",
                                                      "all dml",
                                                      "none",
                                                      "none ddl",
                                                      "none dml",
                                                      "insert",
                                                      "update",
                                                      "delete",
                                                      "create database",
                                                      "drop database",
                                                      "alter database",
                                                      "create schema",
                                                      "drop schema",
                                                      "alter schema",
                                                      "create table",
                                                      "drop table",
                                                      "truncate table",
                                                      "rename table",
                                                      "create index",
                                                      "drop index",
                                                      "create view",
                                                      "drop view",
                                                      "alter table",
                                                      "add table partition",
                                                      "drop table partition",
                                                      "truncate table partition"};

// The one name of an event that has two.
std::string without_alias(std::string event) {
  for (const std::string_view verb : {"create", "drop", "alter"}) {
    if (event == std::string(verb) + " schema") return std::string(verb) + " database";
  }
  return event;
}

}  // namespace

Result<void> EventFilter::add_filter(Rule& rule, const BinlogFilterRule& filter) {
  for (const std::string& configured : filter.ignore_event) {
    const std::string event = to_lower(configured);
    if (std::ranges::find(kEvents, event) == kEvents.end()) {
      return make_error(ErrorCode::kInvalid, "event type {} is not valid", configured);
    }
    rule.events.push_back(without_alias(event));
  }
  rule.sql_texts.insert(rule.sql_texts.end(), filter.ignore_sql.begin(), filter.ignore_sql.end());
  return {};
}

std::string EventFilter::folded(const std::string& name) const {
  return is_case_sensitive_ ? name : to_lower(name);
}

Result<EventFilter::Rule*> EventFilter::find_or_add(const TableMigrateRule& source) {
  if (source.source_schema.empty()) {
    return make_error(ErrorCode::kInvalid, "schema pattern of a table-migrate-rule is empty");
  }
  for (Rule& rule : rules_) {
    if (rule.schema_text == source.source_schema && rule.table_text == source.source_table) {
      return &rule;
    }
    if (folded(rule.schema_text) == folded(source.source_schema) &&
        folded(rule.table_text) == folded(source.source_table)) {
      return make_error(ErrorCode::kInvalid, "table-migrate-rule of {}.{} already exists",
                        source.source_schema, source.source_table);
    }
  }
  Rule rule;
  rule.schema_text = source.source_schema;
  rule.table_text = source.source_table;
  ASSIGN_OR_RETURN(rule.schema, NamePattern::parse(folded(source.source_schema)));
  ASSIGN_OR_RETURN(
      rule.table,
      NamePattern::parse(source.source_table.empty() ? "*" : folded(source.source_table)));
  return &rules_.emplace_back(std::move(rule));
}

Result<void> EventFilter::finish_rules() {
  for (Rule& rule : rules_) {
    std::string expression = "(?i)";
    for (const std::string& text : rule.sql_texts) {
      if (&text != &rule.sql_texts.front()) expression += '|';
      expression += text;
    }
    if (rule.sql_texts.empty()) continue;
    auto compiled = std::make_shared<const re2::RE2>(expression, re2::RE2::Quiet);
    if (!compiled->ok()) {
      return make_error(ErrorCode::kInvalid, "ignore-sql of the rule for {}.{}: {}",
                        rule.schema_text, rule.table_text, compiled->error());
    }
    rule.sql = std::move(compiled);
  }
  return {};
}

Result<EventFilter> EventFilter::make(const SyncerOptions& options) {
  EventFilter filter;
  filter.is_case_sensitive_ = options.case_sensitive;
  filter.sql_mode_ = tidb::parse_sql_mode(options.sql_mode.value_or(""));
  for (const TableMigrateRule& source : options.table_migrate_rule) {
    for (const std::string& name : source.binlog_filter_rule) {
      const auto found = options.binlog_filter_rule.find(name);
      if (found == options.binlog_filter_rule.end()) {
        return make_error(ErrorCode::kInvalid, "event filter rule name {} not found", name);
      }
      ASSIGN_OR_RETURN(Rule* const rule, filter.find_or_add(source));
      TRY(add_filter(*rule, found->second));
    }
  }
  TRY(filter.finish_rules());
  return filter;
}

bool EventFilter::Rule::matches_event(std::string_view event, bool is_ddl) const {
  if (event.empty()) return false;
  for (const std::string& wanted : events) {
    if (wanted == "all" || wanted == event || wanted == (is_ddl ? "all ddl" : "all dml"))
      return true;
    if (wanted == "none" || wanted == (is_ddl ? "none ddl" : "none dml")) return false;
  }
  return false;
}

template <class Matches>
bool EventFilter::any_rule(const TableName& name, Matches matches) const {
  if (rules_.empty()) return false;
  const std::string schema = folded(name.schema);
  const std::string table = folded(name.table);
  return std::ranges::any_of(rules_, [&](const Rule& rule) {
    return rule.schema.matches(schema) && rule.table.matches(table) && matches(rule);
  });
}

bool EventFilter::ignores_event(const TableName& name, std::string_view event) const {
  return any_rule(name,
                  [&](const Rule& rule) { return rule.matches_event(event, /*is_ddl=*/false); });
}

bool EventFilter::ignores_ddl(const TableName& name, std::string_view query) const {
  const std::string_view event = tidb::event_name(tidb::classify_ddl(query, sql_mode_));
  return any_rule(name, [&](const Rule& rule) {
    return rule.matches_event(event, /*is_ddl=*/true) ||
           (!query.empty() && rule.sql && re2::RE2::PartialMatch(query, *rule.sql));
  });
}

}  // namespace drainer::schema
