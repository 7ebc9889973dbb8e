#include "drainer/txn_text.h"

#include <cmath>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "drainer/local_time.h"
#include "drainer/tidb/ddl_dialect.h"
#include "drainer/tidb/ddl_statement.h"
#include "drainer/tidb/type_name.h"
#include "drainer/tidb/value_text.h"
#include "syncer/mysql/rows/statement.h"

namespace drainer {

namespace {

using tidb::ColumnType;
using tidb::Value;
using tidb::ValueKind;
using Json = rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>,
                               rapidjson::CrtAllocator, rapidjson::kWriteValidateEncodingFlag>;

std::string_view kind_name(RowKind kind) {
  switch (kind) {
    case RowKind::kInsert:
      return "Insert";
    case RowKind::kUpdate:
      return "Update";
    case RowKind::kDelete:
      return "Delete";
  }
  return "";
}

Result<void> append_value(std::string& out, const Value& value) {
  if (value.is_null()) {
    out += "<nil>";
    return {};
  }
  if (value.kind == ValueKind::kBinary) {
    out += "0x" + to_hex(value.bytes());
    return {};
  }
  return tidb::append_text(out, value);
}

bool is_utf8(std::string_view text) {
  rapidjson::StringBuffer ignored;
  Json json(ignored);
  return json.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void put(Json& json, std::string_view text) {
  json.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void put_key(Json& json, std::string_view name) {
  json.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}

void put_hex(Json& json, ByteView bytes) {
  json.StartObject();
  put_key(json, "hex");
  put(json, to_hex(bytes));
  json.EndObject();
}

Result<void> put_value(Json& json, const Value& value) {
  switch (value.kind) {
    case ValueKind::kNull:
    case ValueKind::kAbsent:
      json.Null();
      return {};
    case ValueKind::kInt:
      json.Int64(value.i);
      return {};
    case ValueKind::kUint:
    case ValueKind::kBit:
    case ValueKind::kEnum:
    case ValueKind::kSet:
      json.Uint64(value.u);
      return {};
    case ValueKind::kBinary:
      put_hex(json, value.bytes());
      return {};
    default:
      break;
  }
  std::string text;
  TRY(tidb::append_text(text, value));
  const bool is_number = value.kind == ValueKind::kDouble && std::isfinite(value.d);
  if (is_number) {
    json.RawValue(text.data(), text.size(), rapidjson::kNumberType);
  } else if (is_utf8(text)) {
    put(json, text);
  } else {
    put_hex(json, text);
  }
  return {};
}

Result<void> put_row(Json& json, const Txn& txn, const RowChange& row) {
  const schema::TableVersion& table = txn.table_of(row);
  json.StartObject();
  put_key(json, "schema");
  put(json, table.name.schema);
  put_key(json, "table");
  put(json, table.name.table);
  put_key(json, "type");
  put(json, kind_name(row.kind));
  put_key(json, "columns");
  json.StartArray();
  for (size_t i = 0; i < table.info->columns.size(); ++i) {
    if (txn.new_values(row)[i].is_absent()) continue;
    const tidb::ColumnInfo& column = table.info->columns[i];
    json.StartObject();
    put_key(json, "name");
    put(json, column.name);
    put_key(json, "type");
    put(json, tidb::type_name(column.type));
    put_key(json, "value");
    TRY(put_value(json, txn.new_values(row)[i]));
    if (row.kind == RowKind::kUpdate) {
      put_key(json, "old");
      TRY(put_value(json, txn.old_values(row)[i]));
    }
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return {};
}

mysql::ColumnClass class_of(const tidb::FieldType& type) {
  if (type.is_byte_string()) return mysql::ColumnClass::kBytes;
  switch (type.type) {
    case ColumnType::kFloat:
      return mysql::ColumnClass::kFloat;
    case ColumnType::kDouble:
      return mysql::ColumnClass::kDouble;
    case ColumnType::kNewDecimal:
      return mysql::ColumnClass::kDecimal;
    case ColumnType::kTimestamp:
    case ColumnType::kDate:
    case ColumnType::kDatetime:
    case ColumnType::kDuration:
      return mysql::ColumnClass::kTime;
    case ColumnType::kJson:
      return mysql::ColumnClass::kJson;
    case ColumnType::kString:
      return mysql::ColumnClass::kChar;
    case ColumnType::kVarchar:
    case ColumnType::kVarString:
    case ColumnType::kTinyBlob:
    case ColumnType::kBlob:
    case ColumnType::kMediumBlob:
    case ColumnType::kLongBlob:
      return mysql::ColumnClass::kText;
    default:
      return mysql::ColumnClass::kPlain;
  }
}

// The downstream table as far as a message describes it: not the charsets of its texts.
mysql::TableDescription describe(const tidb::TableInfo& info) {
  mysql::TableDescription out;
  mysql::UniqueKey primary{.name = "PRIMARY"};
  for (const tidb::ColumnInfo& column : info.columns) {
    if (column.type.is_primary_key()) {
      primary.columns.push_back(static_cast<uint32_t>(out.columns.size()));
      primary.prefix_lengths.push_back(0);
    }
    out.columns.push_back(
        {.name = column.name.str(), .column_class = class_of(column.type), .is_unicode = false});
  }
  if (!primary.columns.empty()) out.unique_keys.push_back(std::move(primary));
  return out;
}

Result<void> append_row_sql(std::string& out, const Txn& txn, const RowChange& row,
                            const mysql::TablePlan& plan) {
  switch (row.kind) {
    case RowKind::kInsert:
      return mysql::append_insert(out, "INSERT", plan, txn.new_values(row), {});
    case RowKind::kUpdate:
      return mysql::append_update(out, plan, txn.new_values(row), txn.old_values(row), {});
    case RowKind::kDelete:
      return mysql::append_delete(out, plan, txn.new_values(row), {});
  }
  return {};
}

std::string heading(const Txn& txn) {
  return fmt::format("{} {}\n", txn.commit_ts, local_time_text(txn.commit_ts));
}

}  // namespace

Result<void> append_lines(std::string& out, const Txn& txn) {
  out += "# " + heading(txn);
  if (txn.ddl) {
    if (!txn.ddl->effect.use_schema.empty()) out += "schema: " + txn.ddl->effect.use_schema + "; ";
    out += "DDL query: " + txn.ddl->text + "\n";
  }
  for (const RowChange& row : txn.rows) {
    const schema::TableVersion& table = txn.table_of(row);
    out += fmt::format("schema: {}; table: {}; type: {}\n", table.name.schema, table.name.table,
                       kind_name(row.kind));
    for (size_t i = 0; i < table.info->columns.size(); ++i) {
      if (txn.new_values(row)[i].is_absent()) continue;
      const tidb::ColumnInfo& column = table.info->columns[i];
      out += fmt::format("{}({}): ", column.name, tidb::type_name(column.type));
      if (row.kind == RowKind::kUpdate) {
        TRY(append_value(out, txn.old_values(row)[i]));
        out += " => ";
      }
      TRY(append_value(out, txn.new_values(row)[i]));
      out += '\n';
    }
  }
  return {};
}

Result<void> append_json(std::string& out, const Txn& txn) {
  rapidjson::StringBuffer buffer;
  Json json(buffer);
  json.StartObject();
  put_key(json, "commitTs");
  json.Int64(txn.commit_ts.value);
  put_key(json, "time");
  put(json, local_time_text(txn.commit_ts));
  if (txn.ddl) {
    put_key(json, "ddl");
    json.StartObject();
    put_key(json, "schema");
    put(json, txn.ddl->effect.use_schema);
    put_key(json, "table");
    put(json, txn.ddl->effect.name.table);
    put_key(json, "query");
    put(json, txn.ddl->text);
    json.EndObject();
  } else {
    put_key(json, "rows");
    json.StartArray();
    for (const RowChange& row : txn.rows) TRY(put_row(json, txn, row));
    json.EndArray();
  }
  json.EndObject();
  out.append(buffer.GetString(), buffer.GetSize());
  out += '\n';
  return {};
}

Result<void> append_sql(std::string& out, const Txn& txn) {
  out += "-- " + heading(txn);
  if (txn.ddl) {
    const schema::DdlEffect& effect = txn.ddl->effect;
    const std::string text =
        tidb::ddl_for_mysql(txn.ddl->text, effect.name.schema, effect.name.table);
    if (text.empty() || txn.ddl->should_skip) return {};
    // The database of DROP DATABASE IF EXISTS need not be there.
    const tidb::DdlKind kind = tidb::classify_ddl(text, tidb::kDefaultSqlMode);
    const bool is_of_database =
        kind == tidb::DdlKind::kCreateDatabase || kind == tidb::DdlKind::kDropDatabase;
    if (!effect.use_schema.empty() && !is_of_database) {
      out += "use ";
      mysql::append_identifier(out, effect.use_schema);
      out += ";\n";
    }
    out += text + ";\n";
    return {};
  }
  if (txn.rows.empty()) return {};
  out += "BEGIN;\n";
  std::vector<std::optional<mysql::TablePlan>> plans(txn.tables.size());
  for (const RowChange& row : txn.rows) {
    const schema::TableVersion& table = txn.table_of(row);
    std::optional<mysql::TablePlan>& plan = plans[row.table];
    if (!plan) {
      ASSIGN_OR_RETURN(
          plan, mysql::TablePlan::make(table, describe(*table.info), mysql::MissingColumns::kFail));
    }
    TRY(append_row_sql(out, txn, row, *plan));
    out += ";\n";
  }
  out += "COMMIT;\n";
  return {};
}

}  // namespace drainer
