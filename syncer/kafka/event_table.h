#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "drainer/base/result.h"
#include "drainer/tidb/time_zone.h"
#include "syncer/txn.h"

namespace drainer::kafka {

/// A column that events carry: public, neither hidden nor virtual.
struct EventColumn {
  uint32_t offset;  ///< into the row
  const tidb::ColumnInfo* info;
};

/// What the JSON formats need to know of a table (spec/kafka-and-file-sinks.md 5.2). Immutable.
struct EventTable {
  std::shared_ptr<const schema::TableVersion> version;
  std::vector<EventColumn> columns;  ///< in table order
  /// Into `columns`: primary key, else a unique not-null one; without generated columns.
  std::vector<uint32_t> handle_columns;
  bool has_primary_key = false;  ///< the handle columns are it
  /// Into the row: all columns of primary and unique indices, whatever the state of the index.
  std::vector<uint32_t> unique_offsets;
};

/// One row change on its way out: an update that changes a unique key is two of them.
struct RowEvent {
  const Txn& txn;
  const EventTable& table;
  RowKind kind;
  /// One value per column of the table's description; `old_values` only of updates.
  std::span<const tidb::Value> values;
  std::span<const tidb::Value> old_values;
  /// An update or a half of one: without stored generated columns, which the binlog lacks.
  bool is_of_update = false;
};

/// Descriptions by table version; references stay valid until clear(), at a DDL. One thread.
class EventTables {
 public:
  const EventTable& find(const std::shared_ptr<const schema::TableVersion>& version);
  void clear() { tables_.clear(); }

 private:
  std::unordered_map<const schema::TableVersion*, EventTable> tables_;
};

/// The value of a column in a row: what it lacks is the default. kAbsent only for stored generated
/// columns of updates and their halves.
Result<tidb::Value> event_value(const RowEvent& row, std::span<const tidb::Value> values,
                                const EventColumn& column, const tidb::TimeZone& zone);

/// The text of a value as the JSON formats write it: floats without exponent, enum, set and bit as
/// numbers.
Result<void> append_event_text(std::string& out, const tidb::Value& value);

/// True when an update changes a column of any primary or unique key: at another row's old value a
/// consumer would stumble. What the row lacks, generated columns above all, counts as unchanged.
bool changes_unique_key(const EventTable& table, std::span<const tidb::Value> new_values,
                        std::span<const tidb::Value> old_values);

}  // namespace drainer::kafka
