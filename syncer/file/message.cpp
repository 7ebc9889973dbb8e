#include "syncer/file/message.h"

#include <optional>

#include "drainer/tidb/ddl_statement.h"
#include "drainer/tidb/type_name.h"
#include "drainer/tidb/value_text.h"
#include "syncer/missing_value.h"

namespace drainer::file {

namespace {

using tidb::ColumnInfo;
using tidb::Value;
using tidb::ValueKind;

// Tables are forgotten at each DDL, and when there are more than that.
constexpr size_t kTablesMax = 10'000;

constexpr uint64_t kTypeDml = 0;
constexpr uint64_t kTypeDdl = 1;

// First byte of a value in TiDB's value codec.
enum Flag : uint8_t { kFlagNull = 0, kFlagBytes = 2, kFlagFloat = 5, kFlagInt = 8, kFlagUint = 9 };

uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}

void put_bytes_datum(ReverseWriter& out, ByteView bytes) {
  out.put_bytes(bytes);
  out.put_varint(zigzag(static_cast<int64_t>(bytes.size())));
  out.put_byte(kFlagBytes);
}

// Such that the bytes compare as the numbers do.
void put_float_datum(ReverseWriter& out, double value) {
  constexpr uint64_t kSign = uint64_t{1} << 63;
  const auto bits = std::bit_cast<uint64_t>(value);
  const uint64_t comparable = __builtin_bswap64(value >= 0 ? bits | kSign : ~bits);
  out.put_bytes({reinterpret_cast<const char*>(&comparable), sizeof comparable});
  out.put_byte(kFlagFloat);
}

Bytes column_head(const ColumnInfo& column) {
  ReverseWriter out;
  const char type = static_cast<char>(column.type.type);
  out.put_bytes_field(0x1a, tidb::type_name(column.type));
  out.put_bytes_field(0x12, {&type, 1});
  out.put_bytes_field(0x0a, column.name);
  return Bytes(out.view());
}

}  // namespace

Result<void> MessageWriter::put(ReverseWriter& out, const Txn& txn) {
  const size_t mark = out.size();
  if (txn.is_ddl()) {
    tables_.clear();
    out.put_bytes_field(0x22, ddl_query(txn.ddl->effect.name.schema, txn.ddl->text));
  } else if (Result<void> result = put_events(out, txn); !result.ok()) {
    return std::move(result).error().because("commit ts {}", txn.commit_ts);
  } else {
    out.put_header(0x1a, mark);
  }
  out.put_varint_field(0x10, static_cast<uint64_t>(txn.commit_ts.value));
  out.put_varint_field(0x08, txn.is_ddl() ? kTypeDdl : kTypeDml);
  return {};
}

Result<void> MessageWriter::put_events(ReverseWriter& out, const Txn& txn) {
  for (auto row = txn.rows.rbegin(); row != txn.rows.rend(); ++row) {
    const Table& table = table_of(txn.tables[row->table]);
    const size_t mark = out.size();
    TRY(put_columns(out, txn, table, *row));
    out.put_varint_field(0x18, static_cast<uint64_t>(row->kind));
    out.put_bytes(table.head);
    out.put_header(0x0a, mark);
  }
  return {};
}

Result<void> MessageWriter::put_columns(ReverseWriter& out, const Txn& txn, const Table& table,
                                        const RowChange& row) {
  const schema::TableVersion& version = *table.version;
  const std::span<const Value> values = txn.new_values(row);
  const std::span<const Value> old_values = txn.old_values(row);
  for (size_t i = values.size(); i-- > 0;) {
    const bool is_missing = values[i].is_absent();
    if (is_missing && row.kind == RowKind::kDelete) continue;
    if (row.kind == RowKind::kUpdate && !version.info->columns[i].is_writable()) continue;
    Value missing;
    if (is_missing) {
      ASSIGN_OR_RETURN(missing, missing_value(version, txn.schema_version, i, zone_));
    }
    const Value& value = is_missing ? missing : values[i];
    const size_t mark = out.size();
    Result<void> put;
    if (row.kind == RowKind::kUpdate) {
      put = put_value(out, 0x2a, value);
      if (put.ok()) put = put_value(out, 0x22, is_missing ? missing : old_values[i]);
    } else {
      put = put_value(out, 0x22, value);
    }
    if (!put.ok()) {
      return std::move(put).error().because("column `{}` of table `{}`.`{}`",
                                            version.info->columns[i].name, version.name.schema,
                                            version.name.table);
    }
    out.put_bytes(table.columns[i]);
    out.put_header(0x22, mark);
  }
  return {};
}

Result<void> MessageWriter::put_value(ReverseWriter& out, uint8_t key, const Value& value) {
  const size_t mark = out.size();
  switch (value.kind) {
    case ValueKind::kAbsent:
    case ValueKind::kNull:
      out.put_byte(kFlagNull);
      break;
    case ValueKind::kInt:
      out.put_varint(zigzag(value.i));
      out.put_byte(kFlagInt);
      break;
    case ValueKind::kUint:
    case ValueKind::kEnum:
    case ValueKind::kSet:
    case ValueKind::kBit:
      out.put_varint(value.u);
      out.put_byte(kFlagUint);
      break;
    case ValueKind::kFloat:
    case ValueKind::kDouble:
      put_float_datum(out, value.d);
      break;
    case ValueKind::kString:
    case ValueKind::kBinary:
    case ValueKind::kText:
      put_bytes_datum(out, value.bytes());
      break;
    case ValueKind::kDecimal:
    case ValueKind::kDate:
    case ValueKind::kDatetime:
    case ValueKind::kTimestampUtc:
    case ValueKind::kDuration:
    case ValueKind::kJson:
      text_.clear();
      TRY(tidb::append_text(text_, value));
      put_bytes_datum(out, text_);
      break;
  }
  out.put_header(key, mark);
  return {};
}

const MessageWriter::Table& MessageWriter::table_of(
    const std::shared_ptr<const schema::TableVersion>& version) {
  if (const auto known = tables_.find(version.get()); known != tables_.end()) return known->second;
  if (tables_.size() >= kTablesMax) tables_.clear();
  Table table;
  table.version = version;
  ReverseWriter out;
  out.put_bytes_field(0x12, version->name.table);
  out.put_bytes_field(0x0a, version->name.schema);
  table.head = Bytes(out.view());
  for (const ColumnInfo& column : version->info->columns) {
    table.columns.push_back(column_head(column));
  }
  return tables_.emplace(version.get(), std::move(table)).first->second;
}

std::string ddl_query(std::string_view schema, std::string_view text) {
  if (schema.empty()) return std::string(text);
  std::string out;
  if (!tidb::is_create_database(text)) {
    out = "use `";
    for (const char c : schema) {
      if (c == '`') out += '`';
      out += c;
    }
    out += "`; ";
  }
  out += text;
  // KEEP: a text that ends with ';' gets a second one.
  out += ';';
  return out;
}

std::optional<CommitTs> find_commit_ts(ByteView payload) {
  // 08 <tp: one byte> 10 <varint>
  if (payload.size() < 4 || payload[0] != 0x08 || payload[2] != 0x10) return std::nullopt;
  uint64_t value = 0;
  for (size_t i = 3, shift = 0; i < payload.size() && shift < 64; ++i, shift += 7) {
    const auto byte = static_cast<uint8_t>(payload[i]);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return CommitTs(static_cast<int64_t>(value));
  }
  return std::nullopt;
}

}  // namespace drainer::file
