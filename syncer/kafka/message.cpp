#include "syncer/kafka/message.h"

#include <cmath>
#include <optional>

#include "drainer/base/log.h"
#include "drainer/base/parse_number.h"
#include "drainer/base/wire_reader.h"
#include "drainer/tidb/type_name.h"
#include "drainer/tidb/value_text.h"
#include "syncer/missing_value.h"

namespace drainer::kafka {

namespace {

using tidb::ColumnInfo;
using tidb::ColumnType;
using tidb::TableInfo;
using tidb::Value;
using tidb::ValueKind;

// Tables are forgotten at each DDL, and when there are more than that.
constexpr size_t kTablesMax = 10'000;

constexpr uint64_t kTypeDml = 0;
constexpr uint64_t kTypeDdl = 1;

void put_column_info(ReverseWriter& out, const ColumnInfo& column) {
  const size_t mark = out.size();
  out.put_varint_field(0x28, static_cast<uint64_t>(static_cast<int64_t>(column.type.decimal)));
  // int32 in the message, as the original narrows it.
  out.put_varint_field(
      0x20, static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(column.type.flen))));
  out.put_varint_field(0x18, column.type.is_primary_key() ? 1 : 0);
  out.put_bytes_field(0x12, tidb::type_name(column.type));
  out.put_bytes_field(0x0a, column.name);
  out.put_header(0x1a, mark);
}

void put_key(ReverseWriter& out, std::string_view name,
             std::span<const tidb::IndexColumn> columns) {
  const size_t mark = out.size();
  for (auto column = columns.rbegin(); column != columns.rend(); ++column) {
    out.put_bytes_field(0x12, column->name);
  }
  out.put_bytes_field(0x0a, name);
  out.put_header(0x2a, mark);
}

// KEEP: the state of an index is not looked at; with pk_is_handle an index "PRIMARY" is left out.
void put_unique_keys(ReverseWriter& out, const TableInfo& table) {
  for (auto index = table.indices.rbegin(); index != table.indices.rend(); ++index) {
    if (!index->is_unique && !index->is_primary) continue;
    if (table.pk_is_handle && index->name == "PRIMARY") {
      log_warn("PKIsHandle and also contains PRIMARY index TableInfo.Indices",
               {{"table", table.name}});
      continue;
    }
    put_key(out, index->name, index->columns);
  }
  if (!table.pk_is_handle) return;
  for (const ColumnInfo& column : table.columns) {
    if (!column.type.is_primary_key()) continue;
    const tidb::IndexColumn key{.name = column.name};
    put_key(out, "PRIMARY", {&key, 1});
    return;
  }
}

template <class Integer>
std::optional<Integer> parse_integer(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return parse_whole<Integer>(text);
}

// A value as an integer of the column's sign; values of the other sign, and texts and floats from
// defaults, are converted where that loses nothing.
template <class Integer>
std::optional<Integer> to_integer(const Value& value) {
  switch (value.kind) {
    case ValueKind::kInt:
      if (std::in_range<Integer>(value.i)) return static_cast<Integer>(value.i);
      return std::nullopt;
    case ValueKind::kUint:
      if (std::in_range<Integer>(value.u)) return static_cast<Integer>(value.u);
      return std::nullopt;
    case ValueKind::kText:
      return parse_integer<Integer>(value.bytes());
    case ValueKind::kDouble:
      if (value.d != std::trunc(value.d) || std::abs(value.d) >= 0x1p63) return std::nullopt;
      return to_integer<Integer>(Value::of_int(static_cast<int64_t>(value.d)));
    default:
      return std::nullopt;
  }
}

// FIX: the original sends 0 for defaults, which it has as text.
std::optional<double> to_double(const Value& value) {
  if (value.kind == ValueKind::kFloat || value.kind == ValueKind::kDouble) return value.d;
  if (value.kind == ValueKind::kInt) return static_cast<double>(value.i);
  if (value.kind != ValueKind::kText) return std::nullopt;
  return parse_whole<double>(value.bytes());
}

Error unfit(const char* what) {
  return make_error(ErrorCode::kCorrupt, "value is no {}", what);
}

}  // namespace

Result<void> MessageWriter::put(ReverseWriter& out, const Txn& txn) {
  if (txn.is_ddl()) {
    put_ddl(out, txn);
  } else if (Result<void> result = put_dml(out, txn); !result.ok()) {
    return std::move(result).error().because("commit ts {}", txn.commit_ts);
  }
  out.put_varint_field(0x10, static_cast<uint64_t>(txn.commit_ts.value));
  out.put_varint_field(0x08, txn.is_ddl() ? kTypeDdl : kTypeDml);
  return {};
}

void MessageWriter::put_ddl(ReverseWriter& out, const Txn& txn) {
  tables_.clear();
  const Ddl& ddl = *txn.ddl;
  const size_t mark = out.size();
  if (!ddl.text.empty()) out.put_bytes_field(0x1a, ddl.text);
  out.put_bytes_field(0x12, ddl.effect.name.table);
  out.put_bytes_field(0x0a, ddl.effect.name.schema);
  out.put_header(0x22, mark);
}

Result<void> MessageWriter::put_dml(ReverseWriter& out, const Txn& txn) {
  const size_t data_mark = out.size();
  auto row = txn.rows.rbegin();
  for (size_t t = txn.tables.size(); t-- > 0;) {
    const Table& table = table_of(txn.tables[t]);
    const size_t table_mark = out.size();
    out.put_bytes(table.tail);
    for (; row != txn.rows.rend() && row->table == t; ++row) {
      const size_t mutation_mark = out.size();
      RowView view{table, row->kind, txn.schema_version, {}};
      if (row->kind == RowKind::kUpdate) {
        view.values = txn.old_values(*row);
        TRY(put_row(out, 0x1a, view));
      }
      view.values = txn.new_values(*row);
      TRY(put_row(out, 0x12, view));
      out.put_varint_field(0x08, static_cast<uint64_t>(row->kind));
      out.put_header(0x22, mutation_mark);
    }
    out.put_bytes(table.head);
    out.put_header(0x0a, table_mark);
  }
  CHECK(row == txn.rows.rend(), "rows of {} are not grouped by table", txn.commit_ts);
  out.put_header(0x1a, data_mark);
  return {};
}

Result<void> MessageWriter::put_row(ReverseWriter& out, uint8_t key, const RowView& row) {
  const size_t row_mark = out.size();
  for (size_t column = row.values.size(); column-- > 0;) {
    const size_t mark = out.size();
    if (Result<void> put = put_column(out, row, column); !put.ok()) {
      const schema::TableVersion& version = *row.table.version;
      return std::move(put).error().because("column `{}` of table `{}`.`{}`",
                                            version.info->columns[column].name, version.name.schema,
                                            version.name.table);
    }
    out.put_header(0x0a, mark);
  }
  out.put_header(key, row_mark);
  return {};
}

Result<void> MessageWriter::put_column(ReverseWriter& out, const RowView& row, size_t column) {
  const Carrier carrier = row.table.carriers[column];
  const Value& value = row.values[column];
  if (!value.is_absent()) return put_value(out, carrier, value);
  const schema::TableVersion& version = *row.table.version;
  // KEEP: in updates all that is not writable is NULL, also stored generated columns.
  if (row.kind == RowKind::kUpdate && !version.info->columns[column].is_writable()) {
    return put_value(out, carrier, Value::null());
  }
  ASSIGN_OR_RETURN(const Value missing, missing_value(version, row.writer, column, zone_));
  return put_value(out, carrier, missing);
}

Result<void> MessageWriter::put_value(ReverseWriter& out, Carrier carrier, const Value& value) {
  if (value.is_null()) {
    out.put_varint_field(0x08, 1);
    return {};
  }
  switch (carrier) {
    case Carrier::kInt64: {
      const std::optional<int64_t> number = to_integer<int64_t>(value);
      if (!number) return unfit("signed integer");
      out.put_varint_field(0x10, static_cast<uint64_t>(*number));
      return {};
    }
    case Carrier::kUint64: {
      const std::optional<uint64_t> number = to_integer<uint64_t>(value);
      if (!number) return unfit("unsigned integer");
      out.put_varint_field(0x18, *number);
      return {};
    }
    case Carrier::kDouble: {
      const std::optional<double> number = to_double(value);
      if (!number) return unfit("floating-point number");
      const auto bits = std::bit_cast<uint64_t>(*number);
      out.put_bytes({reinterpret_cast<const char*>(&bits), sizeof bits});
      out.put_byte(0x21);
      return {};
    }
    case Carrier::kMask:
      if (value.kind != ValueKind::kEnum && value.kind != ValueKind::kSet) {
        return unfit("member number");
      }
      out.put_varint_field(0x18, value.u);
      return {};
    case Carrier::kBit: {
      if (value.kind == ValueKind::kText) {
        out.put_bytes_field(0x2a, value.bytes());
        return {};
      }
      if (value.kind != ValueKind::kBit) return unfit("bit string");
      const uint64_t big_endian = __builtin_bswap64(value.u);
      const auto* bytes = reinterpret_cast<const char*>(&big_endian);
      out.put_bytes_field(0x2a, {bytes + sizeof big_endian - value.width, value.width});
      return {};
    }
    case Carrier::kString:
    case Carrier::kBytes:
      if (value.kind == ValueKind::kString || value.kind == ValueKind::kBinary ||
          value.kind == ValueKind::kText) {
        out.put_bytes_field(carrier == Carrier::kString ? 0x32 : 0x2a, value.bytes());
        return {};
      }
      [[fallthrough]];
    case Carrier::kText:
    case Carrier::kJson:
      text_.clear();
      TRY(tidb::append_text(text_, value));
      out.put_bytes_field(carrier == Carrier::kBytes || carrier == Carrier::kJson ? 0x2a : 0x32,
                          text_);
      return {};
  }
  return {};
}

const MessageWriter::Table& MessageWriter::table_of(
    const std::shared_ptr<const schema::TableVersion>& version) {
  if (const auto known = tables_.find(version.get()); known != tables_.end()) return known->second;
  if (tables_.size() >= kTablesMax) tables_.clear();
  Table table;
  table.version = version;
  const TableInfo& info = *version->info;
  ReverseWriter out;
  put_unique_keys(out, info);
  table.tail = Bytes(out.view());
  out.clear();
  for (auto column = info.columns.rbegin(); column != info.columns.rend(); ++column) {
    put_column_info(out, *column);
  }
  out.put_bytes_field(0x12, version->name.table);
  out.put_bytes_field(0x0a, version->name.schema);
  table.head = Bytes(out.view());
  for (const ColumnInfo& column : info.columns) table.carriers.push_back(carrier_of(column));
  return tables_.emplace(version.get(), std::move(table)).first->second;
}

MessageWriter::Carrier MessageWriter::carrier_of(const ColumnInfo& column) {
  const tidb::FieldType& type = column.type;
  switch (type.type) {
    case ColumnType::kTiny:
    case ColumnType::kShort:
    case ColumnType::kInt24:
    case ColumnType::kLong:
    case ColumnType::kLongLong:
      return type.is_unsigned() ? Carrier::kUint64 : Carrier::kInt64;
    case ColumnType::kFloat:
    case ColumnType::kDouble:
      return Carrier::kDouble;
    case ColumnType::kNewDecimal:
    case ColumnType::kTimestamp:
    case ColumnType::kDate:
    case ColumnType::kDuration:
    case ColumnType::kDatetime:
    case ColumnType::kYear:
      return Carrier::kText;
    case ColumnType::kTinyBlob:
    case ColumnType::kBlob:
    case ColumnType::kMediumBlob:
    case ColumnType::kLongBlob:
    case ColumnType::kVarchar:
    case ColumnType::kString:
      return type.is_binary() ? Carrier::kBytes : Carrier::kString;
    case ColumnType::kVarString:
      return Carrier::kString;
    case ColumnType::kNull:
      if (type.is_binary()) return Carrier::kBytes;
      break;
    case ColumnType::kBit:
      return Carrier::kBit;
    case ColumnType::kEnum:
    case ColumnType::kSet:
      return Carrier::kMask;
    case ColumnType::kJson:
      return Carrier::kJson;
    case ColumnType::kUnspecified:
    case ColumnType::kNewDate:
    case ColumnType::kGeometry:
      break;
  }
  log_warn("unknown mysql type", {{"type", static_cast<int>(type.type)}, {"column", column.name}});
  return Carrier::kText;
}

std::optional<CommitTs> find_commit_ts(ByteView message) {
  FieldReader fields(message, message.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    if (fields.field() == 2) {
      const CommitTs ts(fields.take_int64());
      return fields.ok() ? std::optional(ts) : std::nullopt;
    }
    fields.skip();
  }
  return std::nullopt;
}

}  // namespace drainer::kafka
