#pragma once

#include <span>
#include <string>

#include "drainer/base/result.h"
#include "drainer/tidb/value.h"
#include "syncer/mysql/rows/table_plan.h"
#include "syncer/mysql/session/literal.h"

namespace drainer::mysql {

// How a row is found (spec/mysql-sink.md 6.4, 6.8). `row` spans all columns of the upstream table.
// Append to `sql`. Pure.

/// As append_where_key(), and in tables with a conflict policy only while all columns that the row
/// carries are as they were upstream.
Result<void> append_where(std::string& sql, const TablePlan& plan, std::span<const tidb::Value> row,
                          QuoteStyle style);

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
