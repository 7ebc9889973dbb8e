#include "syncer/mysql/rows/downstream_tables.h"

#include <algorithm>
#include <vector>

#include "drainer/base/ascii.h"
#include "syncer/mysql/session/literal.h"

namespace drainer::mysql {
namespace {

struct TableNames {
  std::string_view schema;
  std::span<const std::string> tables;
};

// Comparisons with constants, each by itself: only so do servers look at the named tables alone.
void append_condition(std::string& sql, const TableNames& names, std::string_view prefix,
                      QuoteStyle style) {
  sql += fmt::format("{}_schema = ", prefix);
  append_quoted(sql, names.schema, style);
  sql += fmt::format(" AND {}_{} ", prefix, prefix == "table" ? "name" : "table");
  const bool is_one = names.tables.size() == 1;
  sql += is_one ? "= " : "IN (";
  for (const std::string& table : names.tables) {
    if (&table != names.tables.data()) sql.push_back(',');
    append_quoted(sql, table, style);
  }
  if (!is_one) sql.push_back(')');
}

/// The name of the table comes last.
std::string query_text(std::string_view fields, std::string_view view, std::string_view order,
                       const TableNames& names, QuoteStyle style) {
  std::string sql =
      fmt::format("\nSELECT {}, table_name \nFROM information_schema.{}\nWHERE ", fields, view);
  append_condition(sql, names, "table", style);
  sql += fmt::format("\nORDER BY {} ASC;", order);
  return sql;
}

std::string triggers_text(const TableNames& names, QuoteStyle style) {
  std::string sql =
      "SELECT trigger_name, event_object_table FROM information_schema.triggers WHERE ";
  append_condition(sql, names, "event_object", style);
  return sql;
}

/// What the server tells of one table.
struct Rows {
  std::vector<ResultRow> columns{};
  std::vector<ResultRow> statistics{};
  std::vector<ResultRow> references{};
  bool has_triggers = false;
};
using RowsByTable = std::map<std::string, Rows>;  ///< by the name that the server gives

Result<void> read_part(Session& session, const std::string& sql, RowsByTable& tables,
                       std::vector<ResultRow> Rows::*part) {
  ASSIGN_OR_RETURN(auto rows, session.query(sql));
  for (ResultRow& row : rows) {
    Rows& table = tables[row.back().value_or("")];
    (table.*part).push_back(std::move(row));
  }
  return {};
}

Result<RowsByTable> read_tables(Session& session, const TableNames& names) {
  const QuoteStyle style{session.no_backslash_escapes()};
  const auto text = [&](std::string_view fields, std::string_view view, std::string_view order) {
    return query_text(fields, view, order, names, style);
  };
  RowsByTable tables;
  TRY(read_part(session, text(kColumnFields, "columns", "ordinal_position"), tables,
                &Rows::columns));
  if (tables.empty()) return tables;
  TRY(read_part(session, text(kStatisticsFields, "statistics", "seq_in_index"), tables,
                &Rows::statistics));
  TRY(read_part(session, text(kReferenceFields, "key_column_usage", "ordinal_position"), tables,
                &Rows::references));
  ASSIGN_OR_RETURN(const auto triggers, session.query(triggers_text(names, style)));
  for (const ResultRow& row : triggers) tables[row.back().value_or("")].has_triggers = true;
  return tables;
}

/// Servers may store names in lower case, or hold names that differ in case only.
DownstreamTables::Description find_description(const RowsByTable& tables, const std::string& name,
                                               bool sees_triggers) {
  auto found = tables.find(name);
  if (found == tables.end()) {
    found = std::ranges::find_if(
        tables, [&](const auto& entry) { return fold_case(entry.first) == fold_case(name); });
  }
  if (found == tables.end() || found->second.columns.empty()) return nullptr;
  const Rows& rows = found->second;
  TableDescription table = describe(rows.columns, rows.statistics, rows.references);
  table.has_triggers = rows.has_triggers;
  table.may_have_triggers = rows.has_triggers || !sees_triggers;
  return std::make_shared<const TableDescription>(std::move(table));
}

}  // namespace

DownstreamTables::Key DownstreamTables::key_of(const schema::TableName& name) {
  return {fold_case(name.schema), fold_case(name.table)};
}

Result<DownstreamTables::Description> DownstreamTables::find(Session& session,
                                                             const schema::TableName& name) {
  Key key = key_of(name);
  uint64_t generation = 0;
  {
    MutexLock lock(mutex_);
    if (const auto found = tables_.find(key); found != tables_.end()) return found->second;
    generation = generation_;
  }
  ASSIGN_OR_RETURN(const RowsByTable tables,
                   read_tables(session, {.schema = name.schema, .tables = {&name.table, 1}}));
  Description table = find_description(tables, name.table, sees_triggers_);
  if (table == nullptr) {
    return make_error(ErrorCode::kNotFound, "table not exist")
        .because("`{}`.`{}`", name.schema, name.table);
  }
  keep(std::move(key), table, generation);
  return table;
}

Result<void> DownstreamTables::read_ahead(Session& session,
                                          std::span<const schema::TableName> names) {
  std::map<std::string, std::vector<std::string>> unknown;
  uint64_t generation = 0;
  {
    MutexLock lock(mutex_);
    for (const schema::TableName& name : names) {
      if (!tables_.contains(key_of(name))) unknown[name.schema].push_back(name.table);
    }
    generation = generation_;
  }
  for (const auto& [schema, tables] : unknown) {
    ASSIGN_OR_RETURN(const RowsByTable rows,
                     read_tables(session, {.schema = schema, .tables = tables}));
    for (const std::string& name : tables) {
      Description table = find_description(rows, name, sees_triggers_);
      if (table != nullptr) keep(key_of({schema, name}), std::move(table), generation);
    }
  }
  return {};
}

void DownstreamTables::keep(Key key, Description table, uint64_t generation) {
  MutexLock lock(mutex_);
  if (generation != generation_) return;
  if (columns_ > kCachedColumnsMax) {
    tables_.clear();
    columns_ = 0;
  }
  columns_ += table->columns.size();
  tables_.emplace(std::move(key), std::move(table));
}

void DownstreamTables::evict(const schema::TableName& name) {
  MutexLock lock(mutex_);
  ++generation_;
  const Key evicted = key_of(name);
  const auto is_evicted = [&](const Key& key) {
    return key.first == evicted.first && (name.table.empty() || key.second == evicted.second);
  };
  std::erase_if(tables_, [&](const auto& entry) {
    return is_evicted(entry.first) ||
           std::ranges::any_of(entry.second->foreign_keys, [&](const auto& foreign) {
             return is_evicted(key_of(foreign.parent));
           });
  });
}

void DownstreamTables::clear() {
  MutexLock lock(mutex_);
  ++generation_;
  tables_.clear();
  columns_ = 0;
}

uint64_t DownstreamTables::generation() const {
  MutexLock lock(mutex_);
  return generation_;
}

}  // namespace drainer::mysql
