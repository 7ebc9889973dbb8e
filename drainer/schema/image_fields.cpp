#include "drainer/schema/image_fields.h"

namespace drainer::schema {

namespace {

using tidb::ColumnInfo;
using tidb::DefaultValue;
using tidb::IndexInfo;
using tidb::TableInfo;

// Bits of a column's or table's yes-and-no members.
enum ColumnBits : uint64_t { kGenerated = 1, kStored = 2, kHidden = 4 };
enum TableBits : uint64_t { kPkIsHandle = 1, kCommonHandle = 2, kView = 4, kSequence = 8 };
enum IndexBits : uint64_t { kUnique = 1, kPrimary = 2 };

uint64_t bit(bool is_set, uint64_t value) {
  return is_set ? value : 0;
}

void put_default(FieldWriter& out, const ColumnInfo& column) {
  const DefaultValue& value = *column.origin_default;
  out.put_uint(value.index());
  if (const auto* text = std::get_if<std::string>(&value)) out.put_bytes(*text);
  if (const auto* number = std::get_if<double>(&value)) out.put_double(*number);
  if (const auto* truth = std::get_if<bool>(&value)) out.put_uint(*truth ? 1 : 0);
  if (const auto* bits = std::get_if<tidb::BitDefault>(&value)) out.put_bytes(bits->bytes);
}

void take_default(FieldReader& in, ColumnInfo& column) {
  switch (in.take_uint()) {
    case 0:
      break;
    case 1:
      column.origin_default = DefaultValue(std::string(in.take_bytes()));
      break;
    case 2:
      column.origin_default = DefaultValue(in.take_double());
      break;
    case 3:
      column.origin_default = DefaultValue(in.take_uint() != 0);
      break;
    case 4:
      column.origin_default = DefaultValue(tidb::BitDefault{Bytes(in.take_bytes())});
      break;
    default:
      in.fail();
  }
}

void put_column(FieldWriter& out, const ColumnInfo& column) {
  out.put_int(column.id.value);
  out.put_bytes(column.name);
  out.put_uint(static_cast<uint64_t>(column.state));
  out.put_uint(bit(column.is_generated, kGenerated) | bit(column.is_stored, kStored) |
               bit(column.is_hidden, kHidden));
  out.put_uint(static_cast<uint64_t>(column.type.type));
  out.put_uint(static_cast<uint64_t>(column.type.charset.kind()));
  out.put_int(column.type.decimal);
  out.put_uint(column.type.flags);
  out.put_int(column.type.flen);
  out.put_uint(column.type.elems->size());
  for (const std::string& elem : *column.type.elems) out.put_bytes(elem);
  put_default(out, column);
}

ColumnInfo take_column(FieldReader& in) {
  ColumnInfo column;
  column.id = ColumnId(in.take_int());
  column.name = in.take_bytes();
  column.state = static_cast<tidb::SchemaState>(in.take_uint());
  const uint64_t bits = in.take_uint();
  column.is_generated = (bits & kGenerated) != 0;
  column.is_stored = (bits & kStored) != 0;
  column.is_hidden = (bits & kHidden) != 0;
  column.type.type = static_cast<tidb::ColumnType>(in.take_uint());
  const uint64_t charset = in.take_uint();
  if (charset > static_cast<uint64_t>(tidb::Charset::Kind::kOther)) in.fail();
  column.type.charset = tidb::Charset(static_cast<tidb::Charset::Kind>(charset));
  column.type.decimal = static_cast<int16_t>(in.take_int());
  column.type.flags = static_cast<uint32_t>(in.take_uint());
  column.type.flen = in.take_int();
  if (const uint64_t count = in.take_count(); count > 0) {
    std::vector<std::string> elems;
    elems.reserve(count);
    for (uint64_t i = 0; i < count; ++i) elems.emplace_back(in.take_bytes());
    column.type.elems = std::move(elems);
  }
  take_default(in, column);
  return column;
}

void put_index(FieldWriter& out, const IndexInfo& index) {
  out.put_bytes(index.name);
  out.put_uint(bit(index.is_unique, kUnique) | bit(index.is_primary, kPrimary));
  out.put_uint(static_cast<uint64_t>(index.state));
  out.put_uint(index.columns.size());
  for (const tidb::IndexColumn& column : index.columns) {
    out.put_bytes(column.name);
    out.put_uint(column.offset);
    out.put_int(column.length);
  }
}

IndexInfo take_index(FieldReader& in) {
  IndexInfo index;
  index.name = in.take_bytes();
  const uint64_t bits = in.take_uint();
  index.is_unique = (bits & kUnique) != 0;
  index.is_primary = (bits & kPrimary) != 0;
  index.state = static_cast<tidb::SchemaState>(in.take_uint());
  const uint64_t count = in.take_count();
  for (uint64_t i = 0; i < count; ++i) {
    tidb::IndexColumn column;
    column.name = in.take_bytes();
    column.offset = static_cast<uint32_t>(in.take_uint());
    column.length = in.take_int();
    index.columns.push_back(std::move(column));
  }
  return index;
}

void put_info(FieldWriter& out, const TableInfo& info) {
  out.put_int(info.id.value);
  out.put_bytes(info.name);
  out.put_uint(bit(info.pk_is_handle, kPkIsHandle) | bit(info.is_common_handle, kCommonHandle) |
               bit(info.is_view, kView) | bit(info.is_sequence, kSequence));
  out.put_int(info.max_column_id);
  out.put_uint(info.columns.size());
  for (const ColumnInfo& column : info.columns) put_column(out, column);
  out.put_uint(info.indices.size());
  for (const IndexInfo& index : info.indices) put_index(out, index);
  out.put_uint(info.partition_ids.size());
  for (const int64_t id : info.partition_ids) out.put_int(id);
}

Result<std::shared_ptr<const TableInfo>> take_info(FieldReader& in) {
  auto info = std::make_shared<TableInfo>();
  info->id = TableId(in.take_int());
  info->name = in.take_bytes();
  const uint64_t bits = in.take_uint();
  info->pk_is_handle = (bits & kPkIsHandle) != 0;
  info->is_common_handle = (bits & kCommonHandle) != 0;
  info->is_view = (bits & kView) != 0;
  info->is_sequence = (bits & kSequence) != 0;
  info->max_column_id = in.take_int();
  const uint64_t columns = in.take_count();
  info->columns.reserve(columns);
  for (uint64_t i = 0; i < columns && in.is_good(); ++i) info->columns.push_back(take_column(in));
  const uint64_t indices = in.take_count();
  for (uint64_t i = 0; i < indices && in.is_good(); ++i) info->indices.push_back(take_index(in));
  const uint64_t partitions = in.take_count();
  for (uint64_t i = 0; i < partitions; ++i) info->partition_ids.push_back(in.take_int());
  if (!in.is_good()) return make_error(ErrorCode::kCorrupt, "table cut off");
  TRY(info->index_columns());
  return std::shared_ptr<const TableInfo>(std::move(info));
}

void put_name(FieldWriter& out, const TableName& name) {
  out.put_bytes(name.schema);
  out.put_bytes(name.table);
}

TableName take_name(FieldReader& in) {
  TableName name;
  name.schema = in.take_bytes();
  name.table = in.take_bytes();
  return name;
}

// Without the version before it.
void put_version(FieldWriter& out, const TableVersion& version) {
  put_name(out, version.name);
  out.put_int(version.since.value);
  put_info(out, *version.info);
}

Result<std::shared_ptr<TableVersion>> take_version(FieldReader& in) {
  auto version = std::make_shared<TableVersion>();
  version->name = take_name(in);
  version->since = SchemaVersion(in.take_int());
  ASSIGN_OR_RETURN(version->info, take_info(in));
  return version;
}

}  // namespace

void put_table(FieldWriter& out, const SchemaImage::Table& table) {
  const TableVersion& version = *table.version;
  out.put_int(table.id.value);
  out.put_int(table.schema.value);
  put_version(out, version);
  out.put_uint(version.previous ? 1 : 0);
  if (version.previous) put_version(out, *version.previous);
  out.put_uint(version.original_errors ? 1 : 0);
  if (version.original_errors) {
    put_name(out, version.original_errors->name);
    put_name(out, version.original_errors->rule_name);
    out.put_uint(version.original_errors->drops_rows ? 1 : 0);
  }
}

Result<SchemaImage::Table> take_table(FieldReader& in) {
  SchemaImage::Table table;
  table.id = TableId(in.take_int());
  table.schema = SchemaId(in.take_int());
  ASSIGN_OR_RETURN(const std::shared_ptr<TableVersion> version, take_version(in));
  if (in.take_uint() != 0) {
    ASSIGN_OR_RETURN(version->previous, take_version(in));
  }
  if (in.take_uint() != 0) {
    OriginalErrors errors;
    errors.name = take_name(in);
    errors.rule_name = take_name(in);
    errors.drops_rows = in.take_uint() != 0;
    version->original_errors = std::make_shared<const OriginalErrors>(std::move(errors));
  }
  table.version = version;
  return table;
}

void put_effect(FieldWriter& out, const DdlEffect& effect) {
  out.put_uint(effect.action == DdlEffect::Action::kExecute ? 1 : 0);
  out.put_bytes(effect.reason);
  put_name(out, effect.name);
  out.put_bytes(effect.use_schema);
  out.put_uint(effect.ignores_checks ? 1 : 0);
  out.put_uint(effect.touched.size());
  for (const TableName& name : effect.touched) put_name(out, name);
}

DdlEffect take_effect(FieldReader& in) {
  DdlEffect effect;
  effect.action = in.take_uint() != 0 ? DdlEffect::Action::kExecute : DdlEffect::Action::kIgnore;
  effect.reason = in.take_bytes();
  effect.name = take_name(in);
  effect.use_schema = in.take_bytes();
  effect.ignores_checks = in.take_uint() != 0;
  const uint64_t count = in.take_count();
  for (uint64_t i = 0; i < count && in.is_good(); ++i) effect.touched.push_back(take_name(in));
  return effect;
}

// Sorted ids as their distances.
void put_jobs(FieldWriter& out, const std::vector<DdlJobId>& jobs) {
  out.put_uint(jobs.size());
  int64_t last = 0;
  for (const DdlJobId job : jobs) {
    out.put_int(job.value - last);
    last = job.value;
  }
}

void take_jobs(FieldReader& in, std::vector<DdlJobId>& jobs) {
  const uint64_t count = in.take_count();
  jobs.reserve(jobs.size() + count);
  uint64_t last = 0;
  for (uint64_t i = 0; i < count; ++i) {
    last += static_cast<uint64_t>(in.take_int());
    jobs.emplace_back(static_cast<int64_t>(last));
  }
}

}  // namespace drainer::schema
