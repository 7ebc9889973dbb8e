#include "syncer/mysql/rows/table_description.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "drainer/base/ascii.h"

namespace drainer::mysql {
namespace {

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
/// been swept ("row uses: texts that a collation of the server holds equal hash equal"), and
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

}  // namespace drainer::mysql
