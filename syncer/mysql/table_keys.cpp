#include "syncer/mysql/table_keys.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "drainer/base/ascii.h"
#include "syncer/mysql/literal.h"

namespace drainer::mysql {
namespace {

constexpr std::string_view kColumnFields =
    "column_name, extra, data_type, character_set_name, character_octet_length, "
    "collation_name, is_nullable, datetime_precision, numeric_scale";
constexpr std::string_view kStatisticsFields =
    "non_unique, index_name, seq_in_index, column_name, sub_part";
constexpr std::string_view kReferenceFields =
    "constraint_name, column_name, referenced_table_schema, referenced_table_name, "
    "referenced_column_name";

ColumnClass class_of(std::string_view type) {
  static const std::map<std::string_view, ColumnClass> kClasses = {
      {"tinyint", ColumnClass::kPlain},     {"smallint", ColumnClass::kPlain},
      {"mediumint", ColumnClass::kPlain},   {"int", ColumnClass::kPlain},
      {"bigint", ColumnClass::kPlain},      {"year", ColumnClass::kPlain},
      {"bit", ColumnClass::kPlain},         {"enum", ColumnClass::kPlain},
      {"set", ColumnClass::kPlain},         {"float", ColumnClass::kFloat},
      {"double", ColumnClass::kDouble},     {"decimal", ColumnClass::kDecimal},
      {"date", ColumnClass::kTime},         {"time", ColumnClass::kTime},
      {"datetime", ColumnClass::kTime},     {"timestamp", ColumnClass::kTime},
      {"char", ColumnClass::kChar},         {"varchar", ColumnClass::kText},
      {"tinytext", ColumnClass::kText},     {"text", ColumnClass::kText},
      {"mediumtext", ColumnClass::kText},   {"longtext", ColumnClass::kText},
      {"binary", ColumnClass::kFixedBytes}, {"varbinary", ColumnClass::kBytes},
      {"tinyblob", ColumnClass::kBytes},    {"blob", ColumnClass::kBytes},
      {"mediumblob", ColumnClass::kBytes},  {"longblob", ColumnClass::kBytes},
      {"json", ColumnClass::kJson},
  };
  const auto found = kClasses.find(type);
  return found == kClasses.end() ? ColumnClass::kOther : found->second;
}

uint32_t number_of(const Field& field) {
  uint32_t value = 0;
  if (field) std::from_chars(field->data(), field->data() + field->size(), value);
  return value;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Nothing tells what such a collation holds equal. Character sets are known whose collations have
/// been swept ("conflict keys: texts that a collation of the server holds equal hash equal"), and
/// gb18030, which is MySQL's alone and orders ASCII as gbk does.
bool has_unknown_equals(std::string_view charset, std::string_view collation) {
  static const std::set<std::string_view> kKnownCharsets = {
      "armscii8", "ascii",   "big5",   "cp1250", "cp1251",   "cp1256",  "cp1257",  "cp850",
      "cp852",    "cp866",   "cp932",  "dec8",   "eucjpms",  "euckr",   "gb18030", "gb2312",
      "gbk",      "geostd8", "greek",  "hebrew", "hp8",      "keybcs2", "koi8r",   "koi8u",
      "latin1",   "latin2",  "latin5", "latin7", "macroman", "sjis",    "tis620",  "ucs2",
      "ujis",     "utf16",   "utf32",  "utf8",   "utf8mb3",  "utf16le", "utf8mb4"};
  return contains(collation, "_hu_") || contains(collation, "_lt_") ||
         contains(collation, "lithuanian") || !kKnownCharsets.contains(charset);
}

DownstreamColumn describe_column(const ResultRow& row) {
  DownstreamColumn column;
  column.name = row[0].value_or("");
  const std::string extra = fold_case(row[1].value_or(""));
  column.is_generated = contains(extra, "virtual generated") || contains(extra, "stored generated");
  column.column_class = class_of(fold_case(row[2].value_or("")));
  const std::string charset = row[3].value_or("");
  column.is_unicode = charset.starts_with("utf8") || charset == "ascii";
  if (column.column_class == ColumnClass::kFixedBytes) column.octet_length = number_of(row[4]);
  const std::string collation = row[5].value_or("");
  column.is_binary_collation = collation.ends_with("_bin");
  column.has_unknown_equals = has_unknown_equals(charset, collation);
  column.is_nullable = row[6].value_or("") != "NO";
  if (const Field& scale = row[7] ? row[7] : row[8]) column.scale = number_of(scale);
  return column;
}

void describe_reference(const ResultRow& row, TableDescription& table) {
  const int32_t column = row[1] ? table.find_column(*row[1]) : -1;
  if (!row[3] || column < 0) return;
  const std::string name = row[0].value_or("");
  auto key = std::ranges::find(table.foreign_keys, name, &DownstreamForeignKey::name);
  if (key == table.foreign_keys.end()) {
    key = table.foreign_keys.insert(
        key, DownstreamForeignKey{.name = name, .parent = {row[2].value_or(""), *row[3]}});
  }
  key->columns.push_back(static_cast<uint32_t>(column));
  key->parent_columns.push_back(row[4].value_or(""));
}

/// Tables of one database.
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

}  // namespace

int32_t TableDescription::find_column(std::string_view name) const {
  const std::string folded = fold_case(name);
  for (size_t i = 0; i < columns.size(); ++i) {
    if (fold_case(columns[i].name) == folded) return static_cast<int32_t>(i);
  }
  return -1;
}

TableDescription describe(const std::vector<ResultRow>& columns,
                          const std::vector<ResultRow>& statistics,
                          const std::vector<ResultRow>& references) {
  TableDescription table;
  for (const ResultRow& row : columns) table.columns.push_back(describe_column(row));

  for (const ResultRow& row : statistics) {
    const int32_t column = row[3] ? table.find_column(*row[3]) : -1;
    if (column >= 0 && number_of(row[2]) == 1) {
      table.columns[static_cast<size_t>(column)].is_indexed = true;
    }
    if (row[0].value_or("1") == "1") continue;
    const std::string name = row[1].value_or("");
    auto key = std::ranges::find(table.unique_keys, name, &UniqueKey::name);
    if (key == table.unique_keys.end()) {
      key = table.unique_keys.insert(key, UniqueKey{.name = name});
    }
    if (column < 0 || table.columns[static_cast<size_t>(column)].is_generated) {
      key->is_opaque = true;
      continue;
    }
    key->columns.push_back(static_cast<uint32_t>(column));
    key->prefix_lengths.push_back(number_of(row[4]));
  }
  const auto primary =
      std::ranges::find(table.unique_keys, std::string_view("PRIMARY"), &UniqueKey::name);
  if (primary != table.unique_keys.end()) std::iter_swap(table.unique_keys.begin(), primary);
  for (const ResultRow& row : references) describe_reference(row, table);
  return table;
}

namespace {

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
TableKeys::Description find_description(const RowsByTable& tables, const std::string& name,
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

TableKeys::Key TableKeys::key_of(const schema::TableName& name) {
  return {fold_case(name.schema), fold_case(name.table)};
}

Result<TableKeys::Description> TableKeys::find(Session& session, const schema::TableName& name) {
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

Result<void> TableKeys::read_ahead(Session& session, std::span<const schema::TableName> names) {
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

void TableKeys::keep(Key key, Description table, uint64_t generation) {
  MutexLock lock(mutex_);
  if (generation != generation_) return;
  if (columns_ > kCachedColumnsMax) {
    tables_.clear();
    columns_ = 0;
  }
  columns_ += table->columns.size();
  tables_.emplace(std::move(key), std::move(table));
}

void TableKeys::evict(const schema::TableName& name) {
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

void TableKeys::clear() {
  MutexLock lock(mutex_);
  ++generation_;
  tables_.clear();
  columns_ = 0;
}

uint64_t TableKeys::generation() const {
  MutexLock lock(mutex_);
  return generation_;
}

}  // namespace drainer::mysql
