#pragma once

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"
#include "drainer/tidb/table_info.h"
#include "drainer/tidb/value.h"

#include <span>

namespace drainer::tidb {

// Row format v2 (spec/row-codec.md 5; grammar in README.md). No TiDB writes it into a binlog; it is
// read to be on the safe side. Pure functions, any thread.

/// First byte of a v2 row; no datum flag.
inline constexpr char kRowV2Mark = '\x80';

/// Fills the columns that `row` (with its mark) carries; leaves the others alone.
Result<void> decode_row_v2(ByteView row, const TableInfo& table, std::span<Value> out);

}  // namespace drainer::tidb
