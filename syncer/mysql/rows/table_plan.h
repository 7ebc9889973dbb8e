#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "drainer/base/result.h"
#include "drainer/schema/schema.h"
#include "drainer/tidb/value.h"
#include "syncer/mysql/rows/conflict_policy.h"
#include "syncer/mysql/rows/row_uses.h"
#include "syncer/mysql/rows/table_description.h"

namespace drainer::mysql {

/// A column that exists on both sides and is written.
struct PlannedColumn {
  uint32_t offset = 0;  ///< into the upstream row
  std::string quoted;   ///< `` `name` `` in the upstream's spelling
  DownstreamColumn downstream;
  bool is_binary = false;  ///< BINARY, VARBINARY or BLOB upstream; not numbers and times
};

/// A unique key that a WHERE may use: positions in TablePlan::columns, in index order.
struct PlannedKey {
  std::vector<uint32_t> columns{};
  /// All columns are of classes for which `IN (…)` compares like `=`.
  bool can_be_listed = false;
};

/// What to do when the downstream lacks a column of the upstream.
enum class MissingColumns : uint8_t {
  kFail,  ///< full-column mode
  kDrop,  ///< sync-mode 2
};

/// How the rows of one version of an upstream table are written to the downstream table: all that
/// does not depend on the row. Immutable; any thread.
struct TablePlan {
  std::string target;                  ///< `` `schema`.`table` ``
  std::vector<PlannedColumn> columns;  ///< sorted by the bytes of their names
  std::vector<PlannedKey> keys;        ///< PRIMARY first
  std::string column_list;             ///< "(`a`,`b`)"
  std::string left_out;  ///< columns that the downstream lacks, under kDrop: "`c`,`d`"
  RowUses row_uses;      ///< of the unique keys; without foreign keys
  /// Changes of one row may be put together, and those of different rows be written in any order:
  /// all columns and unique keys are known and there are no triggers to see the difference.
  bool can_combine = false;
  bool may_have_triggers = false;
  /// " ON DUPLICATE KEY UPDATE …" of all columns: leaves those alone that only the downstream has,
  /// some of which may have come since this plan was made.
  std::string upsert_tail;
  /// Such columns are known, and a row meets no other than that of its only key: repeated rows are
  /// written with upsert_tail, a REPLACE would reset these columns.
  bool keeps_own_columns = false;
  /// Set for tables whose conflicts are looked for: an UPDATE or DELETE finds its row only while
  /// that is as it was upstream.
  const ConflictPolicy* conflict = nullptr;

  /// kInvalid when a column is missing under kFail. Generated columns of either side are left out.
  static Result<TablePlan> make(const schema::TableVersion& table,
                                const TableDescription& downstream, MissingColumns missing);

  /// First key none of whose columns is NULL or absent in `row`; -1 when there is none.
  int32_t find_key(std::span<const tidb::Value> row) const;
  /// Some written column of `row` is absent, so that column_list does not fit it, or NULL where the
  /// downstream takes none, which several rows in one statement would hide.
  bool needs_own_statement(std::span<const tidb::Value> row) const;
  bool has_absent(std::span<const tidb::Value> row) const;
};

}  // namespace drainer::mysql
