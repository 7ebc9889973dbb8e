#pragma once

#include <span>

#include "drainer/base/result.h"
#include "drainer/tidb/table_info.h"
#include "drainer/tidb/value.h"

namespace drainer::tidb {

// Row decoding (spec/row-codec.md 3–5). Each function fills one Value per entry of `table.columns`,
// by offset: columns that the row does not carry become kAbsent, TIMESTAMPs stay kTimestampUtc.
// Values borrow from `row` (and ENUM/SET checks from `table`). Column ids that the table does not
// know are skipped; the highest of them raises `*unknown_id`, if given. Malformed bytes give
// kCorrupt with the offset in the row; no function ever reads outside `row`. `out`, `old_row`,
// `new_row` have table.columns.size() elements.

/// An element of inserted_rows: handle part, then a v1 (or, defensively, v2) row. Clustered key
/// columns are filled from the handle where the row lacks them (4.1).
Result<void> decode_insert_row(ByteView row, const TableInfo& table, std::span<Value> out,
                               int64_t* unknown_id = nullptr);

/// An element of updated_rows: v1(old) ++ v1(new) (4.2). Only writable columns are filled; a column
/// is present in both images or absent in both (FIX: no default, no error), else kCorrupt "row data
/// is corrupted cols num: …", also if there are no columns at all.
Result<void> decode_update_row(ByteView row, const TableInfo& table, std::span<Value> old_row,
                               std::span<Value> new_row, int64_t* unknown_id = nullptr);

/// An element of deleted_rows (4.3): generated and hidden columns may be present.
Result<void> decode_delete_row(ByteView row, const TableInfo& table, std::span<Value> out);

/// True when an element of updated_rows or deleted_rows has TiDB's row id (column id -1), which
/// tells equal rows of a table without key apart (4.2, 4.3). False for malformed rows.
bool has_row_id(ByteView row);

}  // namespace drainer::tidb
