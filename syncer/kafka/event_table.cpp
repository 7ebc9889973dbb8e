#include "syncer/kafka/event_table.h"

#include <algorithm>
#include <utility>

#include "drainer/tidb/row_default.h"
#include "drainer/tidb/value_text.h"
#include "syncer/kafka/json_text.h"
#include "syncer/missing_value.h"

namespace drainer::kafka {

namespace {

using tidb::Value;
using tidb::ValueKind;

bool is_event_column(const tidb::ColumnInfo& column) {
  const bool is_virtual = column.is_generated && !column.is_stored;
  return column.state == tidb::SchemaState::kPublic && !column.is_hidden && !is_virtual;
}

// A public unique index without NULLs: the first of those with the fewest columns.
const tidb::IndexInfo* find_unique_index(const tidb::TableInfo& info) {
  const tidb::IndexInfo* found = nullptr;
  for (const tidb::IndexInfo& index : info.indices) {
    if (!index.is_unique || index.state != tidb::SchemaState::kPublic) continue;
    const bool is_key = std::ranges::all_of(index.columns, [&](const tidb::IndexColumn& column) {
      const tidb::ColumnInfo& described = info.columns[column.offset];
      return described.type.is_not_null() && described.is_writable() && !described.is_hidden &&
             column.length < 0;
    });
    const bool is_shorter = found == nullptr || index.columns.size() < found->columns.size();
    if (is_key && is_shorter) found = &index;
  }
  return found;
}

bool is_without_text(const Value& value) {
  return value.is_null() || value.is_absent();
}

EventTable describe(std::shared_ptr<const schema::TableVersion> version) {
  EventTable out;
  const tidb::TableInfo& info = *version->info;
  std::vector<bool> is_key(info.columns.size());
  for (size_t i = 0; i < info.columns.size(); ++i) {
    is_key[i] = info.columns[i].type.is_primary_key();
    out.has_primary_key |= is_key[i];
  }
  if (!out.has_primary_key) {
    if (const tidb::IndexInfo* index = find_unique_index(info)) {
      for (const tidb::IndexColumn& column : index->columns) is_key[column.offset] = true;
    }
  }
  std::vector<bool> is_unique = is_key;
  for (const tidb::IndexInfo& index : info.indices) {
    if (!index.is_unique && !index.is_primary) continue;
    for (const tidb::IndexColumn& column : index.columns) is_unique[column.offset] = true;
  }
  for (uint32_t i = 0; i < info.columns.size(); ++i) {
    if (is_unique[i]) out.unique_offsets.push_back(i);
    if (!is_event_column(info.columns[i])) continue;
    // A key that updates lack would not be that of the row's other events.
    const bool is_always_there = info.columns[i].is_writable();
    if (is_key[i] && is_always_there) {
      out.handle_columns.push_back(static_cast<uint32_t>(out.columns.size()));
    }
    out.columns.push_back({i, &info.columns[i]});
  }
  out.version = std::move(version);
  return out;
}

}  // namespace

const EventTable& EventTables::find(const std::shared_ptr<const schema::TableVersion>& version) {
  if (const auto known = tables_.find(version.get()); known != tables_.end()) return known->second;
  return tables_.emplace(version.get(), describe(version)).first->second;
}

Result<Value> event_value(const RowEvent& row, std::span<const Value> values,
                          const EventColumn& column, const tidb::TimeZone& zone) {
  const Value& value = values[column.offset];
  if (!value.is_absent()) return value;
  if (row.is_of_update && !column.info->is_writable()) return value;
  ASSIGN_OR_RETURN(const Value missing,
                   missing_value(*row.table.version, row.txn.schema_version, column.offset, zone));
  return tidb::row_default(missing, column.info->type);
}

Result<void> append_event_text(std::string& out, const Value& value) {
  if (value.kind == ValueKind::kFloat || value.kind == ValueKind::kDouble) {
    append_plain_double(out, value.d, value.kind == ValueKind::kFloat);
    return {};
  }
  return tidb::append_text(out, value);
}

bool changes_unique_key(const EventTable& table, std::span<const Value> new_values,
                        std::span<const Value> old_values) {
  std::string before;
  std::string after;
  return std::ranges::any_of(table.unique_offsets, [&](uint32_t offset) {
    const Value& old_value = old_values[offset];
    const Value& new_value = new_values[offset];
    if (is_without_text(old_value) || is_without_text(new_value)) {
      return old_value.kind != new_value.kind;
    }
    before.clear();
    after.clear();
    // Text that cannot be made is met again when the row is encoded.
    (void)append_event_text(before, old_value);
    (void)append_event_text(after, new_value);
    return before != after;
  });
}

}  // namespace drainer::kafka
