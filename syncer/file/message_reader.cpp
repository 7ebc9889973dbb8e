#include "syncer/file/message_reader.h"

#include <utility>

#include "drainer/base/wire_reader.h"
#include "drainer/tidb/codec.h"
#include "drainer/tidb/ddl_lexer.h"
#include "drainer/tidb/ddl_sql_mode.h"

namespace drainer::file {

namespace {

using tidb::Value;
using tidb::ValueKind;

constexpr uint64_t kTypeDdl = 1;

Result<Value> decode_value(ByteView datum, const tidb::FieldType& type, const ZonePair& zones) {
  Value value;
  const char* const end = datum.data() + datum.size();
  if (tidb::decode_datum(datum.data(), end, value) != end) {
    return make_error(ErrorCode::kCorrupt, "malformed value {}", to_hex(datum.substr(0, 16)));
  }
  switch (value.kind) {
    case ValueKind::kUint:
      // ENUMs and SETs are numbers in files. Those who search for such a value have to know it.
      if (type.type == tidb::ColumnType::kEnum) value.kind = ValueKind::kEnum;
      if (type.type == tidb::ColumnType::kSet) value.kind = ValueKind::kSet;
      return value;
    case ValueKind::kNull:
    case ValueKind::kInt:
    case ValueKind::kDouble:
      return value;
    case ValueKind::kBinary:
      return value_of_text(value.bytes(), type, zones);
    default:
      return make_error(ErrorCode::kCorrupt, "value of a kind that files do not hold");
  }
}

// "use `db`; statement;" into the database and the statement.
struct UsedText {
  std::string schema;
  std::string text;
};

UsedText split_use(std::string_view query) {
  const std::vector<std::string_view> parts = tidb::split_statements(query);
  UsedText out;
  if (parts.empty()) return out;
  const auto first = tidb::TokenList::lex(parts[0]);
  const bool uses = parts.size() > 1 && first && first->size() == 2 && first->is_word(0, "USE");
  if (uses) out.schema = first->name(1);
  for (size_t i = uses ? 1 : 0; i < parts.size(); ++i) {
    if (!out.text.empty()) out.text += "; ";
    out.text += parts[i];
  }
  return out;
}

}  // namespace

Result<Txn> MessageReader::read(std::shared_ptr<const Bytes> payload) {
  Txn txn;
  uint64_t type = 0;
  ByteView dml_data;
  ByteView ddl_query;
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
        ddl_query = fields.take_bytes();
        break;
      default:
        fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault();
  if (type > kTypeDdl) return make_error(ErrorCode::kCorrupt, "unknown binlog type {}", type);
  if (type == kTypeDdl) {
    UsedText used = split_use(ddl_query);
    txn.ddl = std::make_unique<Ddl>(ddl_of_text(std::move(used.text), used.schema, ""));
    txn.ddl->clock = guess_ddl_clock(txn.commit_ts, txn.ddl->text);
  } else if (Result<void> read = read_events(dml_data, txn); !read.ok()) {
    return std::move(read).error().because("commit ts {}", txn.commit_ts);
  }
  txn.message = std::move(payload);
  return txn;
}

Result<void> MessageReader::read_events(ByteView dml_data, Txn& txn) {
  RowAppender rows(txn);
  FieldReader fields(dml_data, dml_data.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    if (fields.field() != 1) {
      fields.skip();
      continue;
    }
    const ByteView event = fields.take_bytes();
    if (!fields.ok()) break;
    if (Result<void> read = read_event(event, rows); !read.ok()) {
      return std::move(read).error().because("event {}", txn.rows.size());
    }
  }
  return fields.ok() ? Result<void>() : fields.fault();
}

Result<void> MessageReader::read_event(ByteView event, RowAppender& rows) {
  schema::TableName name;
  uint64_t type = 0;
  columns_.clear();
  FieldReader fields(event, event.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        name.schema = fields.take_bytes();
        break;
      case 2:
        name.table = fields.take_bytes();
        break;
      case 3:
        type = fields.take_varint();
        break;
      case 4: {
        const ByteView column = fields.take_bytes();
        if (fields.ok()) TRY(read_column(column));
        break;
      }
      default:
        fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault();
  if (type > static_cast<uint64_t>(RowKind::kDelete)) {
    return make_error(ErrorCode::kCorrupt, "unknown event type {}", type);
  }
  return add_row(static_cast<RowKind>(type), name, rows);
}

Result<void> MessageReader::read_column(ByteView column) {
  Column out;
  FieldReader fields(column, column.data());
  for (fields.next(); fields.field() != 0; fields.next()) {
    switch (fields.field()) {
      case 1:
        out.description.name = fields.take_bytes();
        break;
      case 3:
        out.description.mysql_type = fields.take_bytes();
        break;
      case 4:
        out.value = fields.take_bytes();
        break;
      case 5:
        out.changed_value = fields.take_bytes();
        break;
      default:
        fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault();
  columns_.push_back(out);
  return {};
}

Result<void> MessageReader::add_row(RowKind kind, const schema::TableName& name,
                                    RowAppender& rows) {
  // Lengths stand between the names: no two descriptions have the same bytes.
  identity_.clear();
  const auto append = [this](std::string_view part) {
    append_be32(identity_, static_cast<uint32_t>(part.size()));
    identity_ += part;
  };
  append(name.schema);
  append(name.table);
  for (const Column& column : columns_) {
    append(column.description.name);
    append(column.description.mysql_type);
  }
  auto table = tables_.find(identity_);
  if (!table) {
    std::vector<DescribedColumn> descriptions;
    for (const Column& column : columns_) descriptions.push_back(column.description);
    ASSIGN_OR_RETURN(table, tables_.add(identity_, name, descriptions));
  }
  new_row_.clear();
  old_row_.clear();
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    const tidb::FieldType& type = table->info->columns[i].type;
    const bool is_update = kind == RowKind::kUpdate;
    // Updates: `value` is the old one, `changed_value` the new one.
    Result<Value> value =
        decode_value(is_update ? column.changed_value : column.value, type, zones_);
    Result<Value> old = is_update ? decode_value(column.value, type, zones_) : value;
    for (Result<Value>* each : {&value, &old}) {
      if (each->ok()) continue;
      return std::move(*each).error().because("column `{}` of `{}`.`{}`", column.description.name,
                                              name.schema, name.table);
    }
    new_row_.push_back(*value);
    old_row_.push_back(*old);
  }
  rows.append(kind, table, new_row_, old_row_);
  return {};
}

}  // namespace drainer::file
