#include "syncer/kafka/debezium_schema.h"

#include "drainer/tidb/type_name.h"
#include "syncer/kafka/json_text.h"

#include <fmt/format.h>

namespace drainer::kafka {

namespace {

using tidb::ColumnType;
using tidb::FieldType;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Whatever character is not allowed, it becomes one '_'.
std::string sanitize(std::string_view name, std::string_view others) {
  std::string out;
  for (const char c : name) {
    const bool is_continuation = (static_cast<unsigned char>(c) & 0xc0) == 0x80;
    if (is_continuation) continue;
    const bool is_allowed = is_letter(c) || is_digit(c) || others.find(c) != std::string_view::npos;
    out += is_allowed ? c : '_';
  }
  return out;
}

// Of clusters and databases: as Avro wants names, so that a digit that comes first stays behind a
// '_'.
std::string sanitize_name(std::string_view name) {
  const bool has_digit_first = !name.empty() && is_digit(name.front());
  return (has_digit_first ? "_" : "") + sanitize(name, "");
}

// Of tables: as topics have them.
std::string sanitize_table(std::string_view name) {
  return sanitize(name, ".");
}

// The name that TiCDC's consumer finds the type by; decimals and such go without their sign.
std::string tidb_type(const FieldType& type) {
  std::string out(tidb::type_name(type));
  switch (type.type) {
    case ColumnType::kYear:
    case ColumnType::kBit:
    case ColumnType::kVarchar:
    case ColumnType::kString:
    case ColumnType::kNewDecimal:
      return out;
    default:
      if (type.is_unsigned()) out += " unsigned";
      return out;
  }
}

/// How Kafka Connect sees a column.
struct ConnectType {
  std::string_view type;
  std::string_view name = {};       ///< logical type; empty: none
  std::string parameter_name = {};  ///< empty: none
  std::string parameter = {};
};

ConnectType connect_type(const FieldType& type) {
  if (type.is_string()) return {.type = "string"};
  switch (type.type) {
    case ColumnType::kBit:
      if (type.flen == 1) return {.type = "boolean"};
      return {"bytes", "io.debezium.data.Bits", "length", std::to_string(type.flen)};
    case ColumnType::kEnum:
      return {"string", "io.debezium.data.Enum", "allowed", join_members(*type.elems, true)};
    case ColumnType::kSet:
      return {"string", "io.debezium.data.EnumSet", "allowed", join_members(*type.elems, false)};
    case ColumnType::kDate:
    case ColumnType::kNewDate:
      return {"int32", "io.debezium.time.Date"};
    case ColumnType::kDatetime:
      return {"int64",
              type.fsp() <= 3 ? "io.debezium.time.Timestamp" : "io.debezium.time.MicroTimestamp"};
    case ColumnType::kTimestamp:
      return {"string", "io.debezium.time.ZonedTimestamp"};
    case ColumnType::kDuration:
      return {"int64", "io.debezium.time.MicroTime"};
    case ColumnType::kJson:
      return {"string", "io.debezium.data.Json"};
    case ColumnType::kYear:
      return {"int32", "io.debezium.time.Year"};
    case ColumnType::kTiny:
      return {.type = "int16"};
    case ColumnType::kShort:
      return {.type = type.is_unsigned() ? "int32" : "int16"};
    case ColumnType::kInt24:
      return {.type = "int32"};
    case ColumnType::kLong:
      return {.type = type.is_unsigned() ? "int64" : "int32"};
    case ColumnType::kLongLong:
      return {.type = "int64"};
    case ColumnType::kFloat:
      return {.type = type.decimal < 0 ? "float" : "double"};
    case ColumnType::kDouble:
    case ColumnType::kNewDecimal:
      return {.type = "double"};
    default:
      return {.type = "string"};
  }
}

void append_field(std::string& out, const tidb::ColumnInfo& column, bool tidb_extension) {
  const ConnectType type = connect_type(column.type);
  JsonObject field(out);
  if (tidb_extension) field.string("tidb_type", tidb_type(column.type));
  field.string("type", type.type);
  // Updates lack stored generated columns, whatever they may hold.
  const bool is_required = column.type.is_not_null() && column.is_writable();
  field.raw("optional", is_required ? "false" : "true");
  if (!type.name.empty()) {
    field.string("name", type.name);
    field.number("version", 1);
  }
  if (!type.parameter_name.empty()) {
    JsonObject parameters(field.member("parameters"));
    parameters.string(type.parameter_name, type.parameter);
    parameters.end();
  }
  field.string("field", column.name);
  field.end();
}

void append_struct(std::string& out, std::string_view field, const std::string& name,
                   const std::string& fields) {
  JsonObject object(out);
  object.string("type", "struct");
  object.raw("optional", "true");
  object.string("name", name);
  object.string("field", field);
  object.raw("fields", fields);
  object.end();
}

// The parts of a value's schema that are the same for all tables.
constexpr std::string_view kSourceBegin =
    R"({"type":"struct","fields":[)"
    R"({"type":"string","optional":false,"field":"version"},)"
    R"({"type":"string","optional":false,"field":"connector"},)"
    R"({"type":"string","optional":false,"field":"name"},)"
    R"({"type":"int64","optional":false,"field":"ts_ms"},)"
    R"({"type":"string","optional":true,"name":"io.debezium.data.Enum","version":1,)"
    R"("parameters":{"allowed":"true,last,false,incremental"},"default":"false",)"
    R"("field":"snapshot"},)"
    R"({"type":"string","optional":false,"field":"db"},)"
    R"({"type":"string","optional":true,"field":"sequence"},)"
    R"({"type":"string","optional":true,"field":"table"},)"
    R"({"type":"int64","optional":false,"field":"server_id"},)"
    R"({"type":"string","optional":true,"field":"gtid"},)"
    R"({"type":"string","optional":false,"field":"file"},)"
    R"({"type":"int64","optional":false,"field":"pos"},)"
    R"({"type":"int32","optional":false,"field":"row"},)"
    R"({"type":"int64","optional":true,"field":"thread"},)"
    R"({"type":"string","optional":true,"field":"query"})";
// Kafka Connect drops what the schema does not name.
constexpr std::string_view kSourceExtension =
    R"(,{"type":"int64","optional":false,"field":"commit_ts"},)"
    R"({"type":"string","optional":false,"field":"cluster_id"})";
constexpr std::string_view kSourceEnd =
    R"(],"optional":false,"name":"io.debezium.connector.mysql.Source","field":"source"})";
constexpr std::string_view kEnvelopeEnd =
    R"(,{"type":"string","optional":false,"field":"op"},)"
    R"({"type":"int64","optional":true,"field":"ts_ms"},)"
    R"({"type":"struct","fields":[{"type":"string","optional":false,"field":"id"},)"
    R"({"type":"int64","optional":false,"field":"total_order"},)"
    R"({"type":"int64","optional":false,"field":"data_collection_order"}],)"
    R"("optional":true,"name":"event.block","version":1,"field":"transaction"})";

std::string source_schema(const EventFormatOptions& options) {
  return fmt::format("{}{}{}", kSourceBegin, options.tidb_extension ? kSourceExtension : "",
                     kSourceEnd);
}

}  // namespace

std::string join_members(const std::vector<std::string>& members, bool escapes_commas) {
  std::string out;
  for (const std::string& part : members) {
    if (!out.empty()) out += ',';
    for (const char c : part) {
      if (escapes_commas && (c == ',' || c == '\\')) out += '\\';
      out += c;
    }
  }
  return out;
}

DebeziumSchemas debezium_schemas(const EventTable& table, const EventFormatOptions& options) {
  const schema::TableName& name = table.version->name;
  const std::string base = fmt::format("{}.{}.{}", sanitize_name(options.cluster_id),
                                       sanitize_name(name.schema), sanitize_table(name.table));
  std::string fields = "[";
  for (const EventColumn& column : table.columns) {
    if (fields.size() > 1) fields += ',';
    append_field(fields, *column.info, options.tidb_extension);
  }
  fields += ']';

  DebeziumSchemas schemas;
  JsonObject value(schemas.value);
  value.string("type", "struct");
  value.raw("optional", "false");
  value.string("name", base + ".Envelope");
  value.number("version", 1);
  std::string& parts = value.member("fields");
  parts += '[';
  append_struct(parts, "before", base + ".Value", fields);
  parts += ',';
  append_struct(parts, "after", base + ".Value", fields);
  parts += ',';
  parts += source_schema(options);
  parts += kEnvelopeEnd;
  parts += ']';
  value.end();

  JsonObject key(schemas.key);
  key.string("type", "struct");
  key.string("name", base + ".Key");
  key.raw("optional", "false");
  std::string& key_fields = key.member("fields");
  key_fields += '[';
  for (const uint32_t column : table.handle_columns) {
    if (key_fields.back() != '[') key_fields += ',';
    append_field(key_fields, *table.columns[column].info, options.tidb_extension);
  }
  key_fields += ']';
  key.end();
  return schemas;
}

std::string debezium_ddl_schema(const EventFormatOptions& options) {
  // FIX: without the descriptions of tables, which TiCDC adds to the changes.
  constexpr std::string_view kChanges =
      R"({"type":"array","optional":false,"field":"tableChanges","items":{)"
      R"("type":"struct","optional":false,"name":"io.debezium.connector.schema.Change",)"
      R"("version":1,"fields":[{"type":"string","optional":false,"field":"type"},)"
      R"({"type":"string","optional":false,"field":"id"}]}})";
  return fmt::format(
      R"({{"type":"struct","optional":false,)"
      R"("name":"io.debezium.connector.mysql.SchemaChangeValue","version":1,"fields":[{},)"
      R"({{"type":"int64","optional":false,"field":"ts_ms"}},)"
      R"({{"type":"string","optional":true,"field":"databaseName"}},)"
      R"({{"type":"string","optional":true,"field":"schemaName"}},)"
      R"({{"type":"string","optional":true,"field":"ddl"}},{}]}})",
      source_schema(options), kChanges);
}

std::string_view debezium_ddl_key_schema() {
  return R"({"type":"struct","name":"io.debezium.connector.mysql.SchemaChangeKey",)"
         R"("optional":false,"version":1,)"
         R"("fields":[{"type":"string","optional":false,"field":"databaseName"}]})";
}

std::string debezium_watermark_schema(const EventFormatOptions& options) {
  return fmt::format(R"({{"type":"struct","optional":false,"name":"{}.watermark.Envelope",)"
                     R"("version":1,"fields":[{}{}]}})",
                     sanitize_name(options.cluster_id), source_schema(options), kEnvelopeEnd);
}

std::string debezium_watermark_key_schema(const EventFormatOptions& options) {
  return fmt::format(
      R"({{"type":"struct","name":"{}.watermark.Key","optional":false,"fields":[]}})",
      sanitize_name(options.cluster_id));
}

}  // namespace drainer::kafka
