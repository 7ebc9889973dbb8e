#include "syncer/read_back.h"

#include <utility>

#include "drainer/base/parse_number.h"
#include "drainer/tidb/ddl_sql_mode.h"
#include "drainer/tidb/ddl_statement.h"
#include "drainer/tidb/time.h"
#include "drainer/tidb/type_name.h"

namespace drainer {

namespace {

using tidb::ColumnType;
using tidb::Value;
using tidb::ValueKind;

// Descriptions are forgotten when there are more than that.
constexpr size_t kTablesMax = 10'000;

uint8_t fraction_digits(ByteView text) {
  const size_t dot = text.find('.');
  return dot == ByteView::npos ? uint8_t{0} : static_cast<uint8_t>(text.size() - dot - 1);
}

// Nothing for what is no instant, such as the zero time: its text is the same in every zone.
std::optional<Value> convert_timestamp(ByteView text, const ZonePair& zones) {
  const std::optional<tidb::CivilTime> civil = tidb::parse_datetime(text);
  if (!civil) return std::nullopt;
  const Result<uint64_t> utc = zones.written.to_utc(tidb::pack_time(*civil));
  if (!utc.ok()) return std::nullopt;
  const Result<uint64_t> local = zones.wanted.to_local(*utc);
  if (!local.ok()) return std::nullopt;
  Value out = Value::of_uint(*local, ValueKind::kDatetime);
  out.fsp = fraction_digits(text);
  return out;
}

// The table that a statement is about, after the statement.
const tidb::NameInText* subject_of(const tidb::DdlStatement& statement) {
  if (statement.tables.empty()) return nullptr;
  if (statement.kind == tidb::DdlKind::kRenameTable && statement.tables.size() > 1) {
    return &statement.tables[1];
  }
  return &statement.tables[0];
}

}  // namespace

std::shared_ptr<const schema::TableVersion> DescribedTables::find(ByteView identity) const {
  const auto known = tables_.find(std::string(identity));
  return known == tables_.end() ? nullptr : known->second;
}

Result<std::shared_ptr<const schema::TableVersion>> DescribedTables::add(
    ByteView identity, schema::TableName name, std::span<const DescribedColumn> columns) {
  auto info = std::make_shared<tidb::TableInfo>();
  info->name = name.table;
  for (const DescribedColumn& described : columns) {
    tidb::ColumnInfo column;
    column.id = ColumnId(static_cast<int64_t>(info->columns.size()) + 1);
    column.name = described.name;
    column.state = tidb::SchemaState::kPublic;
    // The original names no type for what it does not know; its values are text.
    column.type = tidb::find_type(described.mysql_type).value_or(tidb::FieldType());
    if (described.is_primary_key) column.type.flags |= tidb::kFlagPrimaryKey;
    info->columns.push_back(std::move(column));
  }
  TRY(info->index_columns());
  auto version = std::make_shared<schema::TableVersion>();
  version->name = std::move(name);
  version->info = std::move(info);
  if (tables_.size() >= kTablesMax) tables_.clear();
  tables_.emplace(identity, version);
  return std::shared_ptr<const schema::TableVersion>(std::move(version));
}

void RowAppender::append(RowKind kind, const std::shared_ptr<const schema::TableVersion>& table,
                         std::span<const Value> new_row, std::span<const Value> old_row) {
  const auto [place, is_new] =
      tables_.emplace(table.get(), static_cast<uint32_t>(txn_.tables.size()));
  if (is_new) txn_.tables.push_back(table);
  RowChange row{.kind = kind,
                .table = place->second,
                .new_begin = static_cast<uint32_t>(txn_.values.size()),
                .old_begin = static_cast<uint32_t>(txn_.values.size())};
  txn_.values.insert(txn_.values.end(), new_row.begin(), new_row.end());
  if (kind == RowKind::kUpdate) {
    row.old_begin = static_cast<uint32_t>(txn_.values.size());
    txn_.values.insert(txn_.values.end(), old_row.begin(), old_row.end());
  }
  txn_.rows.push_back(row);
}

Value value_of_text(ByteView text, const tidb::FieldType& type, const ZonePair& zones) {
  switch (type.type) {
    case ColumnType::kTinyBlob:
    case ColumnType::kBlob:
    case ColumnType::kMediumBlob:
    case ColumnType::kLongBlob:
    case ColumnType::kVarchar:
    case ColumnType::kString:
    case ColumnType::kVarString:
      return Value::of_bytes(text, type.is_binary() ? ValueKind::kBinary : ValueKind::kString);
    case ColumnType::kTimestamp:
      if (zones.written.name() != zones.wanted.name()) {
        if (const std::optional<Value> converted = convert_timestamp(text, zones)) {
          return *converted;
        }
      }
      break;
    case ColumnType::kYear: {
      // The text '0' means 2000 to MySQL, the number 0 the year 0.
      if (const auto year = parse_whole<int64_t>(text)) return Value::of_int(*year);
      break;
    }
    default:
      break;
  }
  return Value::of_bytes(text, ValueKind::kText);
}

Ddl ddl_of_text(std::string text, std::string_view schema, std::string_view table) {
  Ddl ddl;
  ddl.effect.action = schema::DdlEffect::Action::kExecute;
  ddl.effect.use_schema = schema;
  ddl.effect.name = {std::string(schema), std::string(table)};
  const tidb::SqlMode mode = tidb::guess_sql_mode(text);
  // A batch of CREATE TABLEs is several statements.
  for (const std::string_view part : tidb::split_statements(text)) {
    const tidb::DdlStatement statement = tidb::parse_ddl(part, mode);
    const tidb::NameInText* subject = subject_of(statement);
    if (!table.empty() || subject == nullptr) continue;
    ddl.effect.name.table = subject->table;
    if (subject->is_qualified()) ddl.effect.name.schema = subject->schema;
  }
  ddl.text = std::move(text);
  return ddl;
}

}  // namespace drainer
