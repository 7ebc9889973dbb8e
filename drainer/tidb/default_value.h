#pragma once

#include "drainer/base/result.h"
#include "drainer/tidb/table_info.h"
#include "drainer/tidb/value.h"

namespace drainer::tidb {

/// The value of a column that an inserted row lacks (8.1, with its FIXes): origin default of
/// `origin` (the column as the writer knew it, may be `column` itself), NULL, or the type's zero.
/// Text is borrowed from `origin`; TIMESTAMP (kTimestampUtc), ENUM, SET and BIT texts are parsed
/// into their numbers; zeros that need bytes (BINARY(n), DECIMAL, JSON) lie in static memory. A
/// name that ENUM or SET does not have becomes 0, a TIMESTAMP text that is no instant stays kText.
/// The zero of BIT has width 0. kCorrupt only for a BIT default of more than 64 bits.
Result<Value> default_value(const ColumnInfo& column, const ColumnInfo& origin);

}  // namespace drainer::tidb
