#include "syncer/newer_column.h"

namespace drainer {

namespace {

// By what TiDB changes without writing the rows anew.
bool holds_the_same(const tidb::FieldType& a, const tidb::FieldType& b) {
  return a.type == b.type && a.flen == b.flen && a.decimal == b.decimal && *a.elems == *b.elems;
}

}  // namespace

const tidb::ColumnInfo* find_public(const tidb::TableInfo& table, ColumnId column) {
  const int32_t offset = table.find_column(column);
  if (offset < 0) return nullptr;
  const tidb::ColumnInfo& found = table.columns[static_cast<size_t>(offset)];
  return found.state == tidb::SchemaState::kPublic ? &found : nullptr;
}

bool explains(const tidb::TableInfo& table, const NewerColumn& column) {
  const tidb::ColumnInfo* const found = find_public(table, column.column);
  return found != nullptr && (!column.type || !holds_the_same(found->type, *column.type));
}

}  // namespace drainer
