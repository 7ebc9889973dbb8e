#include "drainer/tidb/type_name.h"
#include "syncer/kafka/canal_ddl_type.h"
#include "syncer/kafka/event_format.h"
#include "syncer/kafka/json_text.h"

namespace drainer::kafka {

namespace {

using tidb::ColumnType;
using tidb::Value;

constexpr uint32_t kFlagZerofill = 0x40;

// Codes of java.sql.Types.
enum JavaType : int32_t {
  kJavaBit = -7,
  kJavaTinyint = -6,
  kJavaBigint = -5,
  kJavaChar = 1,
  kJavaDecimal = 3,
  kJavaInteger = 4,
  kJavaSmallint = 5,
  kJavaReal = 7,
  kJavaDouble = 8,
  kJavaVarchar = 12,
  kJavaDate = 91,
  kJavaTime = 92,
  kJavaTimestamp = 93,
  kJavaBlob = 2004,
  kJavaClob = 2005,
};

// An unsigned number that its type cannot hold in Java has the next larger type.
int32_t integer_type(const tidb::FieldType& type, const Value& value, JavaType fits, uint64_t most,
                     JavaType larger) {
  const bool is_large =
      type.is_unsigned() && !value.is_null() && !value.is_absent() && value.u > most;
  return is_large ? larger : fits;
}

int32_t java_type(const tidb::FieldType& type, const Value& value) {
  if (type.is_byte_string()) return kJavaBlob;
  switch (type.type) {
    case ColumnType::kTiny:
      return integer_type(type, value, kJavaTinyint, INT8_MAX, kJavaSmallint);
    case ColumnType::kShort:
      return integer_type(type, value, kJavaSmallint, INT16_MAX, kJavaInteger);
    case ColumnType::kInt24:
      return kJavaInteger;
    case ColumnType::kLong:
      return integer_type(type, value, kJavaInteger, INT32_MAX, kJavaBigint);
    case ColumnType::kLongLong:
      return integer_type(type, value, kJavaBigint, INT64_MAX, kJavaDecimal);
    case ColumnType::kFloat:
      return kJavaReal;
    case ColumnType::kDouble:
      return kJavaDouble;
    case ColumnType::kNewDecimal:
      return kJavaDecimal;
    case ColumnType::kString:
      return kJavaChar;
    case ColumnType::kTinyBlob:
    case ColumnType::kBlob:
    case ColumnType::kMediumBlob:
    case ColumnType::kLongBlob:
      return kJavaClob;
    case ColumnType::kVarchar:
    case ColumnType::kVarString:
      return kJavaVarchar;
    case ColumnType::kDate:
      return kJavaDate;
    case ColumnType::kDatetime:
    case ColumnType::kTimestamp:
      return kJavaTimestamp;
    case ColumnType::kDuration:
      return kJavaTime;
    case ColumnType::kEnum:
      return kJavaInteger;
    case ColumnType::kSet:
    case ColumnType::kBit:
      return kJavaBit;
    default:
      return kJavaVarchar;
  }
}

std::string mysql_type(const tidb::FieldType& type) {
  std::string out(tidb::type_name(type));
  const bool is_year = type.type == ColumnType::kYear;
  if (type.is_unsigned() && !is_year && type.type != ColumnType::kBit) out += " unsigned";
  if ((type.flags & kFlagZerofill) != 0 && !is_year) out += " zerofill";
  return out;
}

std::string_view row_type(RowKind kind) {
  switch (kind) {
    case RowKind::kInsert:
      return "INSERT";
    case RowKind::kUpdate:
      return "UPDATE";
    case RowKind::kDelete:
      return "DELETE";
  }
  return "";
}

/// `canal-json` of TiCDC: members in its order; every value a string or null.
class CanalJson final : public EventFormat {
 public:
  explicit CanalJson(EventFormatOptions options) : options_(std::move(options)) {}

  bool takes_many_rows() const override { return true; }

  Result<void> append_rows(std::string& out, std::span<const RowEvent> rows,
                           int64_t now_ms) override {
    const RowEvent& first = rows[0];
    JsonObject object(out);
    begin(object, first.table.version->name, /*is_ddl=*/false, row_type(first.kind),
          first.txn.commit_ts, now_ms, &first.table);
    object.string("sql", "");
    TRY(append_types(object, first));
    if (first.kind == RowKind::kUpdate) {
      TRY(append_images(object.member("old"), rows, /*is_old=*/true));
    } else {
      object.raw("old", "null");
    }
    TRY(append_images(object.member("data"), rows, /*is_old=*/false));
    end(object, "commitTs", first.txn.commit_ts);
    return {};
  }

  void append_ddl(std::string& out, const DdlEvent& ddl, int64_t now_ms) override {
    JsonObject object(out);
    begin(object, ddl.name, /*is_ddl=*/true, canal_ddl_type(ddl.text), ddl.commit_ts, now_ms,
          nullptr);
    object.string("sql", ddl.text);
    append_nulls(object);
    end(object, "commitTs", ddl.commit_ts);
  }

  bool append_watermark(std::string& out, CommitTs ts, int64_t now_ms) override {
    if (!options_.tidb_extension) return false;
    JsonObject object(out);
    begin(object, {}, /*is_ddl=*/false, "TIDB_WATERMARK", ts, now_ms, nullptr);
    object.string("sql", "");
    append_nulls(object);
    end(object, "watermarkTs", ts);
    return true;
  }

  void append_marker(std::string& out, const Txn& txn, bool is_end, size_t rows,
                     int64_t now_ms) override {
    JsonObject object(out);
    begin(object, {}, /*is_ddl=*/false, is_end ? "TRANSACTIONEND" : "TRANSACTIONBEGIN",
          txn.commit_ts, now_ms, nullptr);
    object.string("sql", "");
    append_nulls(object);
    JsonObject extension(object.member("_tidb"));
    extension.number("commitTs", txn.commit_ts.value);
    extension.number("rows", rows);
    extension.end();
    object.end();
  }

  Result<bool> append_key(std::string&, const RowEvent&) override { return false; }

 private:
  static void begin(JsonObject& object, const schema::TableName& name, bool is_ddl,
                    std::string_view type, CommitTs ts, int64_t now_ms, const EventTable* table) {
    object.number("id", 0);
    object.string("database", name.schema);
    object.string("table", name.table);
    std::string& out = object.member("pkNames");
    if (table == nullptr) {
      out += "null";
    } else {
      out += '[';
      for (const uint32_t key : table->handle_columns) {
        if (!table->has_primary_key) break;
        if (out.back() != '[') out += ',';
        append_json_string(out, table->columns[key].info->name);
      }
      out += ']';
    }
    object.raw("isDdl", is_ddl ? "true" : "false");
    object.string("type", type);
    object.number("es", physical_ms(ts));
    object.number("ts", now_ms);
  }

  static void append_nulls(JsonObject& object) {
    for (const char* name : {"sqlType", "mysqlType", "data", "old"}) object.raw(name, "null");
  }

  void end(JsonObject& object, std::string_view name, CommitTs ts) const {
    if (options_.tidb_extension) {
      JsonObject extension(object.member("_tidb"));
      extension.number(name, ts.value);
      extension.end();
    }
    object.end();
  }

  Result<void> append_types(JsonObject& object, const RowEvent& row) const {
    JsonObject sql_types(object.member("sqlType"));
    std::string names;
    JsonObject mysql_types(names);
    for (const EventColumn& column : row.table.columns) {
      ASSIGN_OR_RETURN(const Value value, event_value(row, row.values, column, *options_.zone));
      if (value.is_absent()) continue;
      sql_types.number(column.info->name, java_type(column.info->type, value));
      mysql_types.string(column.info->name, mysql_type(column.info->type));
    }
    sql_types.end();
    mysql_types.end();
    object.raw("mysqlType", names);
    return {};
  }

  Result<void> append_images(std::string& out, std::span<const RowEvent> rows, bool is_old) const {
    out += '[';
    for (const RowEvent& row : rows) {
      if (&row != rows.data()) out += ',';
      JsonObject image(out);
      for (const EventColumn& column : row.table.columns) {
        ASSIGN_OR_RETURN(const Value value, event_value(row, is_old ? row.old_values : row.values,
                                                        column, *options_.zone));
        if (value.is_absent()) continue;
        TRY(append_value(image.member(column.info->name), column.info->type, value));
      }
      image.end();
    }
    out += ']';
    return {};
  }

  Result<void> append_value(std::string& out, const tidb::FieldType& type,
                            const Value& value) const {
    if (value.is_null()) {
      out += "null";
      return {};
    }
    std::string text;
    TRY(append_event_text(text, value));
    if (type.is_byte_string()) {
      append_json_latin1(out, text);
    } else {
      append_json_string(out, text);
    }
    return {};
  }

  const EventFormatOptions options_;
};

}  // namespace

std::unique_ptr<EventFormat> make_canal_json(EventFormatOptions options) {
  return std::make_unique<CanalJson>(std::move(options));
}

}  // namespace drainer::kafka
