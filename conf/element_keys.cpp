#include "conf/element_keys.h"

// The keys inside of the elements of arrays and maps.
namespace drainer::conf {

namespace {

constexpr Key<TablePattern> kTablePatternKeys[] = {
    {"db-name", "", "", "Name of the database.",
     [](TablePattern& t) -> auto& { return t.db_name; }},
    {"tbl-name", "", "", "Name of the table.", [](TablePattern& t) -> auto& { return t.tbl_name; }},
};

constexpr Key<ConflictRule> kConflictRuleKeys[] = {
    {"db-name", "", "", "Name of the database; '~' starts a regular expression.",
     [](ConflictRule& r) -> auto& { return r.db_name; }},
    {"tbl-name", "", "", "Name of the table, likewise.",
     [](ConflictRule& r) -> auto& { return r.tbl_name; }},
    {"policy", "", R"("overwrite")",
     "The sender wins (\"overwrite\"), the receiver does (\"keep\"), \"newest\", or \"stop\".",
     [](ConflictRule& r) -> auto& { return r.policy; }},
    {"newest-by", "", R"("")", "For newest: the column that is greater in the newer row.",
     [](ConflictRule& r) -> auto& { return r.newest_by; }},
};

constexpr Key<TableMigrateRule> kTableMigrateRuleKeys[] = {
    {"binlog-filter-rule", "", "[]", "Names of rules in binlog-filter-rule.",
     [](TableMigrateRule& r) -> auto& { return r.binlog_filter_rule; }},
    {"source.schema", "", R"("")", "Database upstream, with wildcards.",
     [](TableMigrateRule& r) -> auto& { return r.source_schema; }},
    {"source.table", "", R"("")", "Table upstream, with wildcards.",
     [](TableMigrateRule& r) -> auto& { return r.source_table; }},
    {"target.schema",
     "",
     R"("")",
     "Accepted for old files, without effect.",
     [](TableMigrateRule& r) -> auto& { return r.target_schema; },
     {.has_effect = false}},
    {"target.table",
     "",
     R"("")",
     "Accepted for old files, without effect.",
     [](TableMigrateRule& r) -> auto& { return r.target_table; },
     {.has_effect = false}},
};

constexpr Key<BinlogFilterRule> kBinlogFilterRuleKeys[] = {
    {"ignore-event", "", "[]", "Kinds of events to leave out, such as \"truncate table\".",
     [](BinlogFilterRule& r) -> auto& { return r.ignore_event; }},
    {"ignore-sql", "", "[]", "Regular expressions of DDL to leave out.",
     [](BinlogFilterRule& r) -> auto& { return r.ignore_sql; }},
};

}  // namespace

template <>
std::span<const Key<TablePattern>> element_keys() {
  return kTablePatternKeys;
}
template <>
std::span<const Key<ConflictRule>> element_keys() {
  return kConflictRuleKeys;
}
template <>
std::span<const Key<TableMigrateRule>> element_keys() {
  return kTableMigrateRuleKeys;
}
template <>
std::span<const Key<BinlogFilterRule>> element_keys() {
  return kBinlogFilterRuleKeys;
}

}  // namespace drainer::conf
