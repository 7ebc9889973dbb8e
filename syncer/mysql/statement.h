#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/result.h"
#include "drainer/schema/schema.h"
#include "drainer/tidb/value.h"
#include "syncer/mysql/conflict_keys.h"
#include "syncer/mysql/conflict_policy.h"
#include "syncer/mysql/literal.h"
#include "syncer/mysql/table_keys.h"

namespace drainer::mysql {

/// A column that exists on both sides and is written.
struct PlannedColumn {
  uint32_t offset = 0;  ///< into the upstream row
  std::string quoted;   ///< `` `name` `` in the upstream's spelling
  DownstreamColumn downstream;
  bool is_binary = false;  ///< upstream type is of binary character set
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
  ConflictKeys hashes;   ///< of the unique keys; without foreign keys
  /// Changes of one row may be put together, and those of different rows be written in any order:
  /// all columns and unique keys are known and there are no triggers to see the difference.
  bool can_combine = false;
  /// There is no unique key but the first, so that REPLACE meets one row only.
  bool has_single_key = false;
  bool may_have_triggers = false;
  /// " ON DUPLICATE KEY UPDATE …" of all columns, which leaves those alone that only the downstream
  /// has. Empty without such columns, and where a row may meet several others.
  std::string upsert_tail;
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

// Texts of single row changes (spec/mysql-sink.md 2.8, with the FIXes of 6.4 and 6.8 in the WHERE).
// `row` spans all columns of the upstream table. Append to `sql`, no final semicolon. Pure.

/// `verb` is INSERT or REPLACE.
Result<void> append_insert(std::string& sql, std::string_view verb, const TablePlan& plan,
                           std::span<const tidb::Value> row, QuoteStyle style);
/// A further `(…)` of values; only for rows without absent columns.
Result<void> append_tuple(std::string& sql, const TablePlan& plan, std::span<const tidb::Value> row,
                          QuoteStyle style);
/// REPLACE, or an INSERT with the upsert_tail.
Result<void> append_replace(std::string& sql, const TablePlan& plan,
                            std::span<const tidb::Value> row, QuoteStyle style);
Result<void> append_update(std::string& sql, const TablePlan& plan,
                           std::span<const tidb::Value> new_row,
                           std::span<const tidb::Value> old_row, QuoteStyle style);
Result<void> append_delete(std::string& sql, const TablePlan& plan,
                           std::span<const tidb::Value> row, QuoteStyle style);

/// The same whatever else the row downstream holds, where it has a key: in safe mode, and where a
/// policy overwrites.
Result<void> append_update_by_key(std::string& sql, const TablePlan& plan,
                                  std::span<const tidb::Value> new_row,
                                  std::span<const tidb::Value> old_row, QuoteStyle style);
Result<void> append_delete_by_key(std::string& sql, const TablePlan& plan,
                                  std::span<const tidb::Value> row, QuoteStyle style);

/// ` WHERE ` by the first usable key alone, whatever else the row holds; by all columns without
/// one.
Result<void> append_where_key(std::string& sql, const TablePlan& plan,
                              std::span<const tidb::Value> row, QuoteStyle style);

/// What one element of a key list looks like: a value for `IN (…)`, or `(… AND …)` for `… OR …`.
Result<void> append_key_element(std::string& sql, const TablePlan& plan, const PlannedKey& key,
                                std::span<const tidb::Value> row, QuoteStyle style);

/// `column = value` pairs of the first usable key, for messages.
std::string describe_row(const TablePlan& plan, std::span<const tidb::Value> row);

}  // namespace drainer::mysql
