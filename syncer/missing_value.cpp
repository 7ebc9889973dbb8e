#include "syncer/missing_value.h"

#include "drainer/tidb/default_value.h"

namespace drainer {

namespace {

using tidb::ColumnInfo;

// The description a writer with schema version `writer` had of the table, as far as it is kept.
// Null: the newest will do.
const tidb::TableInfo* find_origin(const schema::TableVersion& table, SchemaVersion writer) {
  if (table.previous && table.previous->since >= writer) return table.previous->info.get();
  return nullptr;
}

const ColumnInfo& origin_of(const schema::TableVersion& table, SchemaVersion writer,
                            const ColumnInfo& column) {
  const tidb::TableInfo* origin = find_origin(table, writer);
  if (origin == nullptr) return column;
  const int32_t offset = origin->find_column(column.id);
  return offset < 0 ? column : origin->columns[static_cast<size_t>(offset)];
}

}  // namespace

Result<tidb::Value> missing_value(const schema::TableVersion& table, SchemaVersion writer,
                                  size_t column, const tidb::TimeZone& zone) {
  const ColumnInfo& info = table.info->columns[column];
  ASSIGN_OR_RETURN(tidb::Value value, tidb::default_value(info, origin_of(table, writer, info)));
  if (value.kind == tidb::ValueKind::kTimestampUtc) {
    Result<uint64_t> local = zone.to_local(value.u);
    if (!local.ok()) return std::move(local).error().because("default of column `{}`", info.name);
    value.u = *local;
    value.kind = tidb::ValueKind::kDatetime;
  }
  return value;
}

}  // namespace drainer
