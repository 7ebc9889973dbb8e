#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_map>

#include "drainer/tidb/ddl_statement.h"
#include "drainer/tidb/digits.h"
#include "drainer/tidb/retype.h"
#include "drainer/tidb/time.h"
#include "syncer/kafka/debezium_schema.h"
#include "syncer/kafka/event_format.h"
#include "syncer/kafka/json_text.h"

namespace drainer::kafka {

namespace {

using tidb::ColumnType;
using tidb::DdlKind;
using tidb::FieldType;
using tidb::Value;
using tidb::ValueKind;

constexpr int64_t kMicrosPerSecond = 1'000'000;

// "[-]h:mm:ss[.ffffff]" in microseconds.
std::optional<int64_t> parse_time(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  int64_t parts[3] = {};
  for (int i = 0; i < 3; ++i) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), parts[i]);
    if (parsed.ec != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(parsed.ptr - text.data()));
    if (i < 2 && !text.starts_with(':')) return std::nullopt;
    if (i < 2) text.remove_prefix(1);
  }
  int64_t micros = (parts[0] * 3600 + parts[1] * 60 + parts[2]) * kMicrosPerSecond;
  if (text.starts_with('.')) {
    int64_t unit = kMicrosPerSecond / 10;
    for (const char digit : text.substr(1)) {
      micros += (digit - '0') * unit;
      unit /= 10;
    }
  }
  return is_negative ? -micros : micros;
}

int64_t unix_micros(const tidb::CivilTime& t) {
  return tidb::unix_from_civil(t) * kMicrosPerSecond + t.micro;
}

// Times that are no instants, such as 2020-00-00, are 0 or, where that may be, null.
void append_instant(std::string& out, const FieldType& type, std::optional<int64_t> instant) {
  if (!instant && !type.is_not_null()) {
    out += "null";
  } else {
    tidb::append_integer(out, instant.value_or(0));
  }
}

// Members of a SET, or the one of an ENUM, by name; nothing for numbers that have none.
std::string member_names(const FieldType& type, const Value& value) {
  if (value.kind == ValueKind::kEnum) {
    return value.u >= 1 && value.u <= type.elems->size() ? (*type.elems)[value.u - 1] : "";
  }
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min<size_t>(type.elems->size(), 64); ++i) {
    if ((value.u >> i & 1) != 0) names.push_back((*type.elems)[i]);
  }
  return join_members(names, false);
}

std::string_view change_type(DdlKind kind) {
  switch (kind) {
    case DdlKind::kCreateDatabase:
    case DdlKind::kCreateTable:
    case DdlKind::kCreateView:
      return "CREATE";
    case DdlKind::kDropDatabase:
    case DdlKind::kDropTable:
    case DdlKind::kDropView:
    case DdlKind::kDropSequence:
      return "DROP";
    // FIX: to TiCDC it is DROP, which is said of tables.
    case DdlKind::kDropIndex:
    case DdlKind::kAlterDatabase:
    case DdlKind::kCreateIndex:
    case DdlKind::kTruncateTable:
    case DdlKind::kRenameTable:
    case DdlKind::kAlterTable:
    case DdlKind::kOther:
      return "ALTER";
  }
  return "";
}

// What a DDL does to its table, if it has one: {type, id}; the id of a rename is "old","new".
void append_table_change(std::string& out, const DdlEvent& ddl) {
  const schema::TableName& name = ddl.name;
  const DdlKind kind = tidb::classify_ddl(ddl.text, tidb::kDefaultSqlMode);
  if (name.table.empty() || kind == DdlKind::kTruncateTable) return;
  std::string id;
  if (ddl.old_name) {
    id = fmt::format("\"{}\".\"{}\",", ddl.old_name->schema, ddl.old_name->table);
  }
  id += fmt::format("\"{}\".\"{}\"", name.schema, name.table);
  JsonObject change(out);
  change.string("type", change_type(kind));
  change.string("id", id);
  change.end();
}

/// Debezium's JSON as TiCDC writes it: `payload` with the row images, and `schema` for Kafka
/// Connect.
class DebeziumJson final : public EventFormat {
 public:
  explicit DebeziumJson(EventFormatOptions options) : options_(std::move(options)) {}

  Result<void> append_rows(std::string& out, std::span<const RowEvent> rows,
                           int64_t now_ms) override {
    const RowEvent& row = rows[0];
    JsonObject object(out);
    JsonObject payload(object.member("payload"));
    append_source(payload, row.table.version->name, row.txn.commit_ts);
    payload.number("ts_ms", now_ms);
    payload.raw("transaction", "null");
    switch (row.kind) {
      case RowKind::kInsert:
        payload.string("op", "c");
        payload.raw("before", "null");
        TRY(append_image(payload.member("after"), row, row.values));
        break;
      case RowKind::kUpdate:
        payload.string("op", "u");
        TRY(append_image(payload.member("before"), row, row.old_values));
        TRY(append_image(payload.member("after"), row, row.values));
        break;
      case RowKind::kDelete:
        payload.string("op", "d");
        payload.raw("after", "null");
        TRY(append_image(payload.member("before"), row, row.values));
        break;
    }
    payload.end();
    object.raw("schema", schemas_of(row.table).value);
    object.end();
    return {};
  }

  bool sends_ddl_to_all_partitions() const override { return true; }

  void append_ddl(std::string& out, const DdlEvent& ddl, int64_t now_ms) override {
    const schema::TableName& name = ddl.name;
    JsonObject object(out);
    JsonObject payload(object.member("payload"));
    append_source(payload, name, ddl.commit_ts);
    payload.number("ts_ms", now_ms);
    payload.string("databaseName", name.schema);
    payload.raw("schemaName", "null");
    payload.string("ddl", ddl.text);
    std::string& changes = payload.member("tableChanges");
    changes += '[';
    append_table_change(changes, ddl);
    changes += ']';
    payload.end();
    object.raw("schema", debezium_ddl_schema(options_));
    object.end();
  }

  bool append_ddl_key(std::string& out, const DdlEvent& ddl) override {
    JsonObject object(out);
    JsonObject payload(object.member("payload"));
    payload.string("databaseName", ddl.name.schema);
    payload.end();
    object.raw("schema", debezium_ddl_key_schema());
    object.end();
    return true;
  }

  bool append_watermark(std::string& out, CommitTs ts, int64_t now_ms) override {
    if (!options_.tidb_extension) return false;
    JsonObject object(out);
    JsonObject payload(object.member("payload"));
    append_source(payload, {}, ts);
    payload.number("ts_ms", now_ms);
    payload.raw("transaction", "null");
    payload.string("op", "m");
    payload.end();
    object.raw("schema", debezium_watermark_schema(options_));
    object.end();
    return true;
  }

  bool append_watermark_key(std::string& out) override {
    JsonObject object(out);
    object.raw("payload", "{}");
    object.raw("schema", debezium_watermark_key_schema(options_));
    object.end();
    return true;
  }

  // As the events of Debezium's transaction topic.
  void append_marker(std::string& out, const Txn& txn, bool is_end, size_t rows,
                     int64_t now_ms) override {
    JsonObject object(out);
    object.string("status", is_end ? "END" : "BEGIN");
    object.string("id", std::to_string(txn.commit_ts.value));
    object.number("ts_ms", now_ms);
    if (is_end) {
      object.number("event_count", rows);
    } else {
      object.raw("event_count", "null");
    }
    object.raw("data_collections", "null");
    object.end();
  }

  Result<bool> append_key(std::string& out, const RowEvent& row) override {
    JsonObject object(out);
    JsonObject payload(object.member("payload"));
    for (const uint32_t key : row.table.handle_columns) {
      const EventColumn& column = row.table.columns[key];
      ASSIGN_OR_RETURN(const Value value, event_value(row, row.values, column, *options_.zone));
      TRY(append_value(payload.member(column.info->name), column.info->type, value));
    }
    payload.end();
    object.raw("schema", schemas_of(row.table).key);
    object.end();
    return true;
  }

  void forget_tables() override { schemas_.clear(); }

 private:
  struct Schemas {
    std::shared_ptr<const schema::TableVersion> version;  ///< keeps the key's address taken
    DebeziumSchemas json;
  };

  void append_source(JsonObject& payload, const schema::TableName& name, CommitTs ts) const {
    JsonObject source(payload.member("source"));
    source.string("version", "2.4.0.Final");
    source.string("connector", "TiCDC");
    source.string("name", options_.cluster_id);
    source.number("ts_ms", physical_ms(ts));
    source.string("snapshot", "false");
    source.string("db", name.schema);
    source.string("table", name.table);
    source.number("server_id", 0);
    source.raw("gtid", "null");
    source.string("file", "");
    for (const char* member : {"pos", "row", "thread"}) source.number(member, 0);
    source.raw("query", "null");
    source.number("commit_ts", ts.value);
    source.string("cluster_id", options_.cluster_id);
    source.end();
  }

  Result<void> append_image(std::string& out, const RowEvent& row,
                            std::span<const Value> values) const {
    JsonObject image(out);
    for (const EventColumn& column : row.table.columns) {
      ASSIGN_OR_RETURN(const Value value, event_value(row, values, column, *options_.zone));
      if (value.is_absent()) continue;
      TRY(append_value(image.member(column.info->name), column.info->type, value));
    }
    image.end();
    return {};
  }

  Result<void> append_value(std::string& out, const FieldType& type, const Value& value) const;
  void append_timestamp(std::string& out, const FieldType& type, const std::string& text) const;
  const DebeziumSchemas& schemas_of(const EventTable& table) {
    auto known = schemas_.find(table.version.get());
    if (known == schemas_.end()) {
      Schemas made{table.version, debezium_schemas(table, options_)};
      known = schemas_.emplace(table.version.get(), std::move(made)).first;
    }
    return known->second.json;
  }

  const EventFormatOptions options_;
  std::unordered_map<const schema::TableVersion*, Schemas> schemas_;
};

Result<void> DebeziumJson::append_value(std::string& out, const FieldType& type,
                                        const Value& value) const {
  if (value.is_null() || value.is_absent()) {
    out += "null";
    return {};
  }
  if (value.kind == ValueKind::kEnum || value.kind == ValueKind::kSet) {
    append_json_string(out, member_names(type, value));
    return {};
  }
  std::string text;
  TRY(append_event_text(text, value));
  if (type.is_string()) {
    type.is_binary() ? append_json_base64(out, text) : append_json_string(out, text);
    return {};
  }
  switch (type.type) {
    case ColumnType::kBit: {
      if (type.flen == 1) {
        out += value.u != 0 ? "true" : "false";
        return {};
      }
      const auto* little_endian = reinterpret_cast<const char*>(&value.u);
      append_json_base64(out, {little_endian, static_cast<size_t>(tidb::bit_width_bytes(type))});
      return {};
    }
    case ColumnType::kDate:
    case ColumnType::kNewDate: {
      const auto day = tidb::parse_datetime(text + " 00:00:00");
      append_instant(out, type,
                     day ? std::optional(tidb::days_from_civil(day->year, day->month, day->day))
                         : std::nullopt);
      return {};
    }
    case ColumnType::kDatetime: {
      const auto time = tidb::parse_datetime(text);
      const int64_t unit = type.fsp() <= 3 ? 1000 : 1;
      append_instant(out, type, time ? std::optional(unix_micros(*time) / unit) : std::nullopt);
      return {};
    }
    case ColumnType::kTimestamp:
      append_timestamp(out, type, text);
      return {};
    case ColumnType::kDuration:
      append_instant(out, type, parse_time(text));
      return {};
    case ColumnType::kLongLong:
      // As Debezium does: there are no larger numbers in Kafka Connect.
      tidb::append_integer(out, value.i);
      return {};
    case ColumnType::kNewDecimal: {
      const double number = std::strtod(text.c_str(), nullptr);
      append_plain_double(out, number, /*is_single=*/false);
      return {};
    }
    case ColumnType::kTiny:
    case ColumnType::kShort:
    case ColumnType::kInt24:
    case ColumnType::kLong:
    case ColumnType::kYear:
    case ColumnType::kFloat:
    case ColumnType::kDouble:
      out += text;
      return {};
    default:
      append_json_string(out, text);
      return {};
  }
}

void DebeziumJson::append_timestamp(std::string& out, const FieldType& type,
                                    const std::string& text) const {
  std::string zoned = "1970-01-01T00:00:00Z";
  const auto local = tidb::parse_datetime(text);
  const Result<uint64_t> utc =
      local ? options_.zone->to_utc(tidb::pack_time(*local)) : Result<uint64_t>(uint64_t{0});
  if (local && utc.ok()) {
    zoned.clear();
    tidb::append_datetime(zoned, tidb::unpack_time(*utc), type.fsp());
    zoned[10] = 'T';
    zoned += 'Z';
  }
  append_json_string(out, zoned);
}

}  // namespace

std::unique_ptr<EventFormat> make_debezium(EventFormatOptions options) {
  return std::make_unique<DebeziumJson>(std::move(options));
}

}  // namespace drainer::kafka
