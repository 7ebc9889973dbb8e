#pragma once

#include "drainer/base/error.h"
#include "drainer/tidb/table_info.h"
#include "drainer/tidb/value.h"

#include <cstdint>

namespace drainer::tidb {

// Gives a datum the meaning of its column (spec/row-codec.md 6.1, 6.8). Pure functions, any thread.

/// Turns the kind that the datum codec gave into the kind of the column. NULL stays NULL. False if
/// the datum cannot belong to such a column; retype_fault() then says why.
[[nodiscard]] bool retype(Value& value, const FieldType& type);

/// The reason why retype() refused `value`, as decoded.
Error retype_fault(const Value& value, const ColumnInfo& column);

/// Bytes that a BIT column of this width takes, 0 if no such column exists.
uint8_t bit_width_bytes(const FieldType& type);

/// Bits of a SET that its member list knows.
uint64_t set_mask(const FieldType& type);

}  // namespace drainer::tidb
