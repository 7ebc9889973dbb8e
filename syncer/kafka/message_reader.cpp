#include "syncer/kafka/message_reader.h"

#include <bit>
#include <utility>

#include "drainer/base/wire_reader.h"

namespace drainer::kafka {

namespace {

using tidb::ColumnType;
using tidb::Value;
using tidb::ValueKind;

constexpr uint64_t kTypeDdl = 1;

Result<DescribedColumn> read_column_info(ByteView message) {
  DescribedColumn out;
  FieldReader fields(message, message.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        out.name = fields.take_bytes();
        break;
      case 2:
        out.mysql_type = fields.take_bytes();
        break;
      case 3:
        out.is_primary_key = fields.take_varint() != 0;
        break;
      default:
        fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault();
  return out;
}

Result<Value> value_of_bytes(ByteView bytes, const tidb::FieldType& type) {
  if (type.type == ColumnType::kJson) return Value::of_bytes(bytes, ValueKind::kText);
  if (type.type != ColumnType::kBit) return Value::of_bytes(bytes, ValueKind::kBinary);
  if (bytes.size() > 8) {
    return make_error(ErrorCode::kCorrupt, "bit value of {} bytes", bytes.size());
  }
  uint64_t bits = 0;
  for (const char byte : bytes) bits = bits << 8 | static_cast<uint8_t>(byte);
  Value out = Value::of_uint(bits, ValueKind::kBit);
  out.width = static_cast<uint8_t>(bytes.size());
  return out;
}

Result<Value> read_value(ByteView message, const tidb::FieldType& type, const ZonePair& zones) {
  // A Column without any field: old libraries write it for an empty BLOB.
  Value out = Value::of_bytes({}, type.is_binary() ? ValueKind::kBinary : ValueKind::kText);
  FieldReader fields(message, message.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        if (fields.take_varint() != 0) out = Value::null();
        break;
      case 2:
        out = Value::of_int(fields.take_int64());
        break;
      case 3:
        out = Value::of_uint(fields.take_varint());
        break;
      case 4:
        out = Value::of_double(std::bit_cast<double>(fields.take_fixed64()));
        break;
      case 5: {
        const ByteView bytes = fields.take_bytes();
        if (!fields.ok()) break;
        ASSIGN_OR_RETURN(out, value_of_bytes(bytes, type));
        break;
      }
      case 6:
        out = value_of_text(fields.take_bytes(), type, zones);
        break;
      default:
        fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault();
  return out;
}

Result<Ddl> read_ddl(ByteView message) {
  ByteView schema;
  ByteView table;
  ByteView query;
  FieldReader fields(message, message.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        schema = fields.take_bytes();
        break;
      case 2:
        table = fields.take_bytes();
        break;
      case 3:
        query = fields.take_bytes();
        break;
      default:
        fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault();
  Ddl out = ddl_of_text(std::string(query), schema, table);
  // The message knows; the text of a DDL on a whole database names no table.
  out.effect.name.table = table;
  return out;
}

Result<DdlClock> read_ddl_clock(ByteView message) {
  DdlClock out;
  FieldReader fields(message, message.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        out.time = fields.take_bytes();
        break;
      case 2:
        out.is_utc = fields.take_varint() != 0;
        break;
      default:
        fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault();
  return out;
}

}  // namespace

Result<Txn> MessageReader::read(std::shared_ptr<const Bytes> payload) {
  Txn txn;
  uint64_t type = 0;
  ByteView dml_data;
  ByteView ddl_data;
  std::string_view zone;
  ByteView ddl_clock;
  FieldReader fields(*payload, payload->data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        type = fields.take_varint();
        break;
      case 2:
        txn.commit_ts = CommitTs(fields.take_int64());
        break;
      case 3:
        dml_data = fields.take_bytes();
        break;
      case 4:
        ddl_data = fields.take_bytes();
        break;
      case 5:
        zone = fields.take_bytes();
        break;
      case 6:
        fields.take_varints(
            [&](uint64_t channel) { txn.marks.push_back(static_cast<int64_t>(channel)); });
        break;
      case 7:
        ddl_clock = fields.take_bytes();
        break;
      default:
        fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault();
  if (type > kTypeDdl) return make_error(ErrorCode::kCorrupt, "unknown binlog type {}", type);
  if (type == kTypeDdl) {
    ASSIGN_OR_RETURN(Ddl ddl, read_ddl(ddl_data));
    if (ddl_clock.empty()) {
      ddl.clock = guess_ddl_clock(txn.commit_ts, ddl.text);
    } else {
      ASSIGN_OR_RETURN(ddl.clock, read_ddl_clock(ddl_clock));
    }
    txn.ddl = std::make_unique<Ddl>(std::move(ddl));
  } else {
    TRY(set_zone(zone));
    if (Result<void> read = read_tables(dml_data, txn); !read.ok()) {
      return std::move(read).error().because("commit ts {}", txn.commit_ts);
    }
  }
  txn.message = std::move(payload);
  return txn;
}

Result<void> MessageReader::set_zone(std::string_view name) {
  if (name == zone_name_) return {};
  if (name.empty()) {
    zones_.written = default_zone_;
  } else {
    ASSIGN_OR_RETURN(zones_.written, tidb::TimeZone::load(name));
  }
  zone_name_ = name;
  return {};
}

Result<void> MessageReader::read_tables(ByteView dml_data, Txn& txn) {
  RowAppender rows(txn);
  FieldReader fields(dml_data, dml_data.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    if (fields.field() != 1) {
      fields.skip();
      continue;
    }
    const ByteView table = fields.take_bytes();
    if (fields.ok()) TRY(read_table(table, rows));
  }
  return fields.ok() ? Result<void>() : fields.fault();
}

Result<void> MessageReader::read_table(ByteView message, RowAppender& rows) {
  schema::TableName name;
  std::vector<ByteView> column_infos;
  mutations_.clear();
  identity_.clear();
  const auto note = [this](ByteView part) {
    append_be32(identity_, static_cast<uint32_t>(part.size()));
    identity_ += part;
    return part;
  };
  FieldReader fields(message, message.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        name.schema = note(fields.take_bytes());
        break;
      case 2:
        name.table = note(fields.take_bytes());
        break;
      case 3:
        column_infos.push_back(note(fields.take_bytes()));
        break;
      case 4:
        mutations_.push_back(fields.take_bytes());
        break;
      default:
        fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault();
  auto table = tables_.find(identity_);
  if (!table) {
    std::vector<DescribedColumn> columns;
    for (const ByteView info : column_infos) {
      ASSIGN_OR_RETURN(const DescribedColumn column, read_column_info(info));
      columns.push_back(column);
    }
    ASSIGN_OR_RETURN(table, tables_.add(identity_, name, columns));
  }
  for (const ByteView mutation : mutations_) {
    if (Result<void> read = read_mutation(mutation, table, rows); !read.ok()) {
      return std::move(read).error().because("table `{}`.`{}`", name.schema, name.table);
    }
  }
  return {};
}

Result<void> MessageReader::read_mutation(ByteView message,
                                          const std::shared_ptr<const schema::TableVersion>& table,
                                          RowAppender& rows) {
  uint64_t type = 0;
  ByteView row;
  ByteView change_row;
  FieldReader fields(message, message.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        type = fields.take_varint();
        break;
      case 2:
        row = fields.take_bytes();
        break;
      case 3:
        change_row = fields.take_bytes();
        break;
      default:
        fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault();
  if (type > static_cast<uint64_t>(RowKind::kDelete)) {
    return make_error(ErrorCode::kCorrupt, "unknown mutation type {}", type);
  }
  const auto kind = static_cast<RowKind>(type);
  TRY(read_row(row, *table->info, new_row_));
  // Updates: `row` is the new one, `change_row` the old one.
  if (kind == RowKind::kUpdate) TRY(read_row(change_row, *table->info, old_row_));
  rows.append(kind, table, new_row_, old_row_);
  return {};
}

Result<void> MessageReader::read_row(ByteView message, const tidb::TableInfo& info,
                                     std::vector<Value>& out) const {
  out.clear();
  FieldReader fields(message, message.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    if (fields.field() != 1) {
      fields.skip();
      continue;
    }
    const ByteView column = fields.take_bytes();
    if (!fields.ok()) break;
    if (out.size() == info.columns.size()) {
      return make_error(ErrorCode::kCorrupt, "row has more than {} columns", info.columns.size());
    }
    const tidb::ColumnInfo& described = info.columns[out.size()];
    Result<Value> value = read_value(column, described.type, zones_);
    if (!value.ok()) return std::move(value).error().because("column `{}`", described.name);
    out.push_back(*value);
  }
  if (!fields.ok()) return fields.fault();
  out.resize(info.columns.size());
  return {};
}

}  // namespace drainer::kafka
