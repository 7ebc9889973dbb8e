#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "syncer/txn.h"

namespace drainer {

/// Finds the row changes of a binlog that are there a second time (FIX; spec/schema-and-ddl.md,
/// "points not verified").
///
/// While TiDB (6.6 to 8.3) reorganizes partitions, it writes each row into its old and into its new
/// partition, and both into the binlog, right behind each other: an insert twice, a delete twice,
/// an update twice or followed by the delete of its old row, with or without the insert of the new
/// one; an update that moves the row to another partition is a delete and an insert, followed by
/// any of these. None of the second ones can happen to a row of a table with a key, for the row is
/// not, or no more, what they say. Rows of tables without key are told apart by TiDB's row id;
/// their inserts cannot be, since TiDB gives the second one a new id.
///
/// For the mutations of one table in one binlog. One thread.
class DoubleWrites {
 public:
  explicit DoubleWrites(const tidb::TableInfo& table);

  /// True when `change`, whose values lie in `values` and whose bytes in the binlog are `row`,
  /// repeats what the changes before it have done; else it is remembered. The values of those
  /// stay where they are as long as this lives.
  bool is_repeated(const RowChange& change, ByteView row, const std::vector<tidb::Value>& values);

 private:
  bool has_same_row(uint32_t begin, std::optional<uint32_t> other,
                    const std::vector<tidb::Value>& values) const;

  const size_t columns_;
  const bool has_key_;
  /// What became of the last row: where its values begin, nothing where there is no row.
  std::optional<uint32_t> before_;
  std::optional<uint32_t> after_;
  RowKind last_kind_ = RowKind::kInsert;
  ByteView last_row_;
};

}  // namespace drainer
