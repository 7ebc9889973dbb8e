#include "tests/cases/table_text.h"

#include <algorithm>
#include <map>

#include "tests/cases/text_scanner.h"

namespace drainer::cases {

namespace {

using tidb::ColumnInfo;
using tidb::ColumnType;
using tidb::IndexInfo;
using tidb::SchemaState;
using tidb::TableInfo;

struct TypeWord {
  ColumnType type;
  bool is_text;
};

const std::map<std::string_view, TypeWord>& type_words() {
  static const std::map<std::string_view, TypeWord> kWords = {
      {"tinyint", {ColumnType::kTiny, false}},
      {"smallint", {ColumnType::kShort, false}},
      {"mediumint", {ColumnType::kInt24, false}},
      {"int", {ColumnType::kLong, false}},
      {"bigint", {ColumnType::kLongLong, false}},
      {"float", {ColumnType::kFloat, false}},
      {"double", {ColumnType::kDouble, false}},
      {"decimal", {ColumnType::kNewDecimal, false}},
      {"date", {ColumnType::kDate, false}},
      {"datetime", {ColumnType::kDatetime, false}},
      {"timestamp", {ColumnType::kTimestamp, false}},
      {"time", {ColumnType::kDuration, false}},
      {"year", {ColumnType::kYear, false}},
      {"char", {ColumnType::kString, true}},
      {"varchar", {ColumnType::kVarchar, true}},
      {"tinytext", {ColumnType::kTinyBlob, true}},
      {"text", {ColumnType::kBlob, true}},
      {"mediumtext", {ColumnType::kMediumBlob, true}},
      {"longtext", {ColumnType::kLongBlob, true}},
      {"binary", {ColumnType::kString, false}},
      {"varbinary", {ColumnType::kVarchar, false}},
      {"tinyblob", {ColumnType::kTinyBlob, false}},
      {"blob", {ColumnType::kBlob, false}},
      {"mediumblob", {ColumnType::kMediumBlob, false}},
      {"longblob", {ColumnType::kLongBlob, false}},
      {"enum", {ColumnType::kEnum, true}},
      {"set", {ColumnType::kSet, true}},
      {"bit", {ColumnType::kBit, false}},
      {"json", {ColumnType::kJson, false}},
  };
  return kWords;
}

const std::map<std::string_view, SchemaState>& state_words() {
  static const std::map<std::string_view, SchemaState> kWords = {
      {"delete-only", SchemaState::kDeleteOnly},
      {"write-only", SchemaState::kWriteOnly},
      {"write-reorganization", SchemaState::kWriteReorganization},
      {"delete-reorganization", SchemaState::kDeleteReorganization},
      {"public", SchemaState::kPublic},
  };
  return kWords;
}

void scan_type_arguments(TextScanner& text, tidb::FieldType& type) {
  if (!text.take("(")) return;
  if (type.type == ColumnType::kEnum || type.type == ColumnType::kSet) {
    std::vector<std::string> elems;
    do elems.push_back(text.take_quoted('\''));
    while (text.take(","));
    type.elems = std::move(elems);
  } else if (type.type == ColumnType::kDatetime || type.type == ColumnType::kTimestamp ||
             type.type == ColumnType::kDuration) {
    type.decimal = static_cast<int16_t>(text.take_number());
  } else {
    type.flen = text.take_number();
    if (text.take(",")) type.decimal = static_cast<int16_t>(text.take_number());
  }
  text.expect(")");
}

void scan_type(TextScanner& text, tidb::FieldType& type) {
  const std::string_view word = text.take_word();
  const auto found = type_words().find(word);
  if (found == type_words().end()) fail(text.line(), fmt::format("no type: {}", word));
  type.type = found->second.type;
  type.charset = found->second.is_text ? "utf8mb4" : "binary";
  if (type.type == ColumnType::kNewDecimal) {
    type.flen = 10;
    type.decimal = 0;
  }
  if (type.type == ColumnType::kBit) {
    type.flen = 1;
    type.flags |= tidb::kFlagUnsigned;
  }
  scan_type_arguments(text, type);
}

// What may follow a column's type, in any order.
void scan_attributes(TextScanner& text, ColumnInfo& column, TableInfo& table) {
  while (!text.is_at_end()) {
    if (text.take("unsigned")) {
      column.type.flags |= tidb::kFlagUnsigned;
    } else if (text.take("not")) {
      text.expect("null");
      column.type.flags |= tidb::kFlagNotNull;
    } else if (text.take("primary")) {
      text.expect("key");
      column.type.flags |= tidb::kFlagPrimaryKey | tidb::kFlagNotNull;
      table.pk_is_handle = true;
    } else if (text.take("charset")) {
      column.type.charset = text.take_word();
    } else if (text.take("origin")) {
      column.origin_default = tidb::DefaultValue(text.take_quoted('\''));
    } else if (text.take("generated")) {
      column.is_generated = true;
      column.is_stored = text.take("stored");
    } else if (text.take("hidden")) {
      column.is_hidden = true;
    } else if (text.take("state")) {
      const auto found = state_words().find(text.take_word());
      if (found == state_words().end()) fail(text.line(), "no such state");
      column.state = found->second;
    } else if (text.take("id")) {
      column.id = ColumnId(text.take_number());
    } else {
      fail(text.line(), fmt::format("no attribute: {}", text.rest()));
    }
  }
}

void scan_column(TextScanner& text, TableInfo& table) {
  ColumnInfo column;
  column.name = text.take_name();
  column.id = ColumnId(table.max_column_id + 1);
  column.state = SchemaState::kPublic;
  scan_type(text, column.type);
  scan_attributes(text, column, table);
  table.max_column_id = std::max(table.max_column_id, column.id.value);
  table.columns.push_back(std::move(column));
}

uint32_t offset_of(const TextScanner& text, const TableInfo& table, const std::string& name) {
  const auto found = std::ranges::find_if(
      table.columns, [&](const ColumnInfo& column) { return column.name == name; });
  if (found == table.columns.end()) fail(text.line(), "no column " + name);
  return static_cast<uint32_t>(found - table.columns.begin());
}

void scan_index_columns(TextScanner& text, TableInfo& table, IndexInfo& index) {
  text.expect("(");
  do {
    const std::string name = text.take_name();
    const uint32_t offset = offset_of(text, table, name);
    int64_t length = -1;
    if (text.take("(")) {
      length = text.take_number();
      text.expect(")");
    }
    index.columns.push_back({name, offset, length});
  } while (text.take(","));
  text.expect(")");
}

void scan_primary_key(TextScanner& text, TableInfo& table) {
  text.expect("key");
  IndexInfo index;
  index.name = "PRIMARY";
  index.is_unique = index.is_primary = true;
  index.state = SchemaState::kPublic;
  scan_index_columns(text, table, index);
  for (const tidb::IndexColumn& part : index.columns) {
    table.columns[part.offset].type.flags |= tidb::kFlagPrimaryKey | tidb::kFlagNotNull;
  }
  table.is_common_handle = !text.take("nonclustered");
  table.indices.push_back(std::move(index));
}

void scan_key(TextScanner& text, TableInfo& table, bool is_unique) {
  text.expect("key");
  IndexInfo index;
  index.name = text.take_name();
  index.is_unique = is_unique;
  index.state = SchemaState::kPublic;
  scan_index_columns(text, table, index);
  table.indices.push_back(std::move(index));
}

}  // namespace

TableInfo parse_table_text(std::span<const CaseLine> lines, int64_t id, const std::string& name) {
  if (!lines.empty() && lines.front().text.starts_with('{')) {
    std::string json;
    for (const CaseLine& line : lines) json += line.text;
    Result<TableInfo> info = tidb::parse_table_info(json);
    if (!info.ok()) fail(lines.front().number, info.error().to_string());
    return *std::move(info);
  }
  TableInfo table;
  table.id = TableId(id);
  table.name = name;
  for (const CaseLine& line : lines) {
    TextScanner text(line.text, line.number);
    if (text.take("primary")) {
      scan_primary_key(text, table);
    } else if (text.take("unique")) {
      scan_key(text, table, /*is_unique=*/true);
    } else if (text.peek() != '`' && text.rest().starts_with("key ")) {
      scan_key(text, table, /*is_unique=*/false);
    } else if (text.take("partitions")) {
      while (!text.is_at_end()) table.partition_ids.push_back(text.take_number());
    } else {
      scan_column(text, table);
    }
  }
  if (const Result<void> indexed = table.index_columns(); !indexed.ok()) {
    fail(lines.empty() ? 0 : lines.front().number, indexed.error().to_string());
  }
  return table;
}

}  // namespace drainer::cases
