#pragma once

#include <span>
#include <string>
#include <string_view>

#include "drainer/base/result.h"
#include "drainer/tidb/value.h"
#include "syncer/mysql/rows/table_plan.h"
#include "syncer/mysql/session/literal.h"

namespace drainer::mysql {

// Texts of single row changes (spec/mysql-sink.md 2.8, with the FIXes of 6.4 and 6.8 in the WHERE).
// `row` spans all columns of the upstream table. Append to `sql`, no final semicolon. Pure.

/// `verb` is INSERT or REPLACE.
Result<void> append_insert(std::string& sql, std::string_view verb, const TablePlan& plan,
                           std::span<const tidb::Value> row, QuoteStyle style);
/// A further `(…)` of values; only for rows without absent columns.
Result<void> append_tuple(std::string& sql, const TablePlan& plan, std::span<const tidb::Value> row,
                          QuoteStyle style);
/// What may be repeated: REPLACE, or an INSERT with the upsert_tail (TablePlan::keeps_own_columns).
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

}  // namespace drainer::mysql
