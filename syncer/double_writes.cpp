#include "syncer/double_writes.h"

#include <algorithm>

#include "drainer/tidb/row.h"

namespace drainer {

namespace {

using tidb::Value;
using tidb::ValueKind;

// No two rows are equal in such a table.
bool has_key(const tidb::TableInfo& table) {
  if (table.pk_is_handle || table.is_common_handle) return true;
  const auto is_not_null = [&table](const tidb::IndexColumn& part) {
    return part.offset < table.columns.size() && table.columns[part.offset].type.is_not_null();
  };
  return std::ranges::any_of(table.indices, [&](const tidb::IndexInfo& index) {
    return index.is_unique && index.state == tidb::SchemaState::kPublic &&
           std::ranges::all_of(index.columns, is_not_null);
  });
}

bool is_same(const Value& a, const Value& b) {
  // Not every kind of change carries every column.
  if (a.is_absent() || b.is_absent()) return true;
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case ValueKind::kDecimal:
    case ValueKind::kString:
    case ValueKind::kBinary:
    case ValueKind::kJson:
    case ValueKind::kText:
      return a.bytes() == b.bytes();
    case ValueKind::kNull:
      return true;
    default:
      return a.u == b.u;
  }
}

}  // namespace

DoubleWrites::DoubleWrites(const tidb::TableInfo& table)
    : columns_(table.columns.size()), has_key_(has_key(table)) {}

bool DoubleWrites::has_same_row(uint32_t begin, std::optional<uint32_t> other,
                                const std::vector<Value>& values) const {
  return other && std::equal(values.begin() + begin, values.begin() + begin + columns_,
                             values.begin() + *other, is_same);
}

bool DoubleWrites::is_repeated(const RowChange& change, ByteView row,
                               const std::vector<Value>& values) {
  if (!has_key_) {
    if (change.kind != RowKind::kInsert && change.kind == last_kind_ && row == last_row_ &&
        tidb::has_row_id(row)) {
      return true;
    }
    last_kind_ = change.kind;
    last_row_ = row;
    return false;
  }
  const uint32_t begin = change.new_begin;
  switch (change.kind) {
    case RowKind::kInsert:
      if (has_same_row(begin, after_, values)) return true;
      if (after_) before_.reset();  // else it may be the second half of an update
      after_ = begin;
      return false;
    case RowKind::kUpdate:
      if (has_same_row(change.old_begin, before_, values) && has_same_row(begin, after_, values)) {
        return !has_same_row(begin, change.old_begin, values);
      }
      before_ = change.old_begin;
      after_ = begin;
      return false;
    case RowKind::kDelete:
      if (has_same_row(begin, before_, values) && !has_same_row(begin, after_, values)) return true;
      before_ = begin;
      after_.reset();
      return false;
  }
  return false;
}

}  // namespace drainer
