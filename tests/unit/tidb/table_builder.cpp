#include "tests/unit/tidb/table_builder.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <stdexcept>

namespace drainer::tidb {
namespace {

struct TypeName {
  ColumnType type;
  bool is_binary;
};

const std::map<std::string_view, TypeName>& type_names() {
  static const std::map<std::string_view, TypeName> kNames = {
      {"tinyint", {ColumnType::kTiny, true}},
      {"smallint", {ColumnType::kShort, true}},
      {"mediumint", {ColumnType::kInt24, true}},
      {"int", {ColumnType::kLong, true}},
      {"bigint", {ColumnType::kLongLong, true}},
      {"float", {ColumnType::kFloat, true}},
      {"double", {ColumnType::kDouble, true}},
      {"decimal", {ColumnType::kNewDecimal, true}},
      {"date", {ColumnType::kDate, true}},
      {"datetime", {ColumnType::kDatetime, true}},
      {"timestamp", {ColumnType::kTimestamp, true}},
      {"time", {ColumnType::kDuration, true}},
      {"year", {ColumnType::kYear, true}},
      {"char", {ColumnType::kString, false}},
      {"varchar", {ColumnType::kVarchar, false}},
      {"text", {ColumnType::kBlob, false}},
      {"binary", {ColumnType::kString, true}},
      {"varbinary", {ColumnType::kVarchar, true}},
      {"blob", {ColumnType::kBlob, true}},
      {"enum", {ColumnType::kEnum, false}},
      {"set", {ColumnType::kSet, false}},
      {"bit", {ColumnType::kBit, true}},
      {"json", {ColumnType::kJson, true}},
  };
  return kNames;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + separator.size());
  }
}

void set_arguments(FieldType& type, const std::vector<std::string>& arguments) {
  switch (type.type) {
    case ColumnType::kEnum:
    case ColumnType::kSet: {
      std::vector<std::string> elems;
      for (const std::string& quoted : arguments) {
        elems.push_back(quoted.substr(1, quoted.size() - 2));
      }
      type.elems = std::move(elems);
      return;
    }
    case ColumnType::kDatetime:
    case ColumnType::kTimestamp:
    case ColumnType::kDuration:
      type.decimal = static_cast<int16_t>(std::stoi(arguments.at(0)));
      return;
    default:
      type.flen = std::stoi(arguments.at(0));
      if (arguments.size() > 1) type.decimal = static_cast<int16_t>(std::stoi(arguments[1]));
  }
}

}  // namespace

FieldType make_type(std::string_view sql) {
  FieldType type;
  if (take_suffix(sql, " primary key")) type.flags |= kFlagPrimaryKey | kFlagNotNull;
  if (take_suffix(sql, " not null")) type.flags |= kFlagNotNull;
  if (take_suffix(sql, " unsigned")) type.flags |= kFlagUnsigned;
  const size_t open = sql.find('(');
  const auto name = type_names().find(sql.substr(0, open));
  if (name == type_names().end()) throw std::invalid_argument("no type: " + std::string(sql));
  type.type = name->second.type;
  type.charset = name->second.is_binary ? "binary" : "utf8mb4";
  if (open != std::string_view::npos) {
    set_arguments(type, split(sql.substr(open + 1, sql.size() - open - 2), ","));
  }
  return type;
}

TableInfo make_table(const std::vector<ColumnSpec>& columns) {
  TableInfo table;
  for (const ColumnSpec& spec : columns) {
    ColumnInfo column;
    column.id = ColumnId(spec.id);
    column.name = spec.name.empty() ? "c" + std::to_string(spec.id) : std::string(spec.name);
    column.type = make_type(spec.type);
    column.state = SchemaState::kPublic;
    table.columns.push_back(std::move(column));
  }
  index_table(table);
  return table;
}

TableInfo make_handle_table(const std::vector<ColumnSpec>& columns) {
  TableInfo table = make_table(columns);
  table.pk_is_handle = true;
  return table;
}

void index_table(TableInfo& table) {
  table.offset_by_id.clear();
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const auto id = static_cast<size_t>(table.columns[i].id.value);
    table.offset_by_id.resize(std::max(table.offset_by_id.size(), id + 1), -1);
    table.offset_by_id[id] = static_cast<int16_t>(i);
  }
  const auto primary = std::ranges::find_if(table.indices, &IndexInfo::is_primary);
  table.handle_index = table.is_common_handle && primary != table.indices.end()
                           ? static_cast<int32_t>(primary - table.indices.begin())
                           : -1;
}

std::vector<std::vector<std::string>> read_golden(const std::string& name) {
  std::ifstream in(std::string(DRAINER_SOURCE_DIR) + "/tests/golden/" + name);
  if (!in) throw std::runtime_error("cannot read golden file " + name);
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.front() != '#') lines.push_back(split(line, " | "));
  }
  return lines;
}

std::string unescape(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.starts_with("\\x")) {
      out += from_hex(text.substr(2, 2));
      text.remove_prefix(4);
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace drainer::tidb
