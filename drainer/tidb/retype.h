#pragma once

#include "drainer/base/error.h"
#include "drainer/tidb/table_info.h"
#include "drainer/tidb/value.h"

#include <cstdint>

namespace drainer::tidb {

// Gives a datum the meaning of its column (spec/row-codec.md 6.1, 6.8). Pure functions, any thread.
// Defined here because every value of every row passes through.

/// Turns the kind that the datum codec gave into the kind of the column. NULL stays NULL. False if
/// the datum cannot belong to such a column: `value` is unchanged and retype_fault() says why.
[[nodiscard]] inline bool retype(Value& value, const FieldType& type);

/// The reason why retype() refused `value`, as decoded.
Error retype_fault(const Value& value, const ColumnInfo& column);

/// Bytes that a BIT column of this width takes, 0 if no such column exists.
inline uint8_t bit_width_bytes(const FieldType& type);

/// Bits of a SET that its member list knows.
inline uint64_t set_mask(const FieldType& type);

// Only definitions follow.

inline uint8_t bit_width_bytes(const FieldType& type) {
  return type.flen < 1 || type.flen > 64 ? uint8_t{0} : static_cast<uint8_t>((type.flen + 7) / 8);
}

inline uint64_t set_mask(const FieldType& type) {
  const size_t members = type.elems->size();
  return members >= 64 ? ~uint64_t{0} : (uint64_t{1} << members) - 1;
}

inline bool has_integer_payload(const Value& value) {
  return value.kind == ValueKind::kInt || value.kind == ValueKind::kUint;
}

inline bool retype_time(Value& value, ValueKind kind, uint8_t fsp) {
  if (!has_integer_payload(value)) return false;
  value.kind = kind;
  value.fsp = fsp;
  return true;
}

inline bool retype_duration(Value& value, uint8_t fsp) {
  if (!has_integer_payload(value) && value.kind != ValueKind::kDuration) return false;
  value.kind = ValueKind::kDuration;
  value.fsp = fsp;
  return true;
}

inline bool retype_bytes(Value& value, ValueKind kind) {
  if (value.kind != ValueKind::kBinary) return false;
  value.kind = kind;
  return true;
}

inline bool retype_enum(Value& value, const FieldType& type) {
  if (!has_integer_payload(value)) return false;
  value.kind = ValueKind::kEnum;
  // KEEP: an index beyond the members is the invalid value, without a word.
  if (value.u > type.elems->size()) value.u = 0;
  return true;
}

inline bool retype_set(Value& value, const FieldType& type) {
  if (!has_integer_payload(value) || (value.u & ~set_mask(type)) != 0) return false;
  value.kind = ValueKind::kSet;
  return true;
}

inline bool retype_bit(Value& value, const FieldType& type) {
  const uint8_t width = bit_width_bytes(type);
  if (!has_integer_payload(value) || width == 0) return false;
  value.kind = ValueKind::kBit;
  value.width = width;
  // KEEP: what does not fit the column's bytes is cut off at the top.
  value.u &= ~uint64_t{0} >> (64 - 8 * width);
  return true;
}

inline bool retype_float(Value& value) {
  if (value.kind != ValueKind::kDouble) return false;
  value.kind = ValueKind::kFloat;
  value.d = static_cast<float>(value.d);
  return true;
}

[[gnu::always_inline]] inline bool retype(Value& value, const FieldType& type) {
  if (value.is_null()) return true;
  switch (type.type) {
    case ColumnType::kTiny:
    case ColumnType::kShort:
    case ColumnType::kInt24:
    case ColumnType::kLong:
    case ColumnType::kLongLong:
    case ColumnType::kYear:
      return has_integer_payload(value);
    case ColumnType::kFloat:
      return retype_float(value);
    case ColumnType::kDouble:
      return value.kind == ValueKind::kDouble;
    case ColumnType::kNewDecimal:
      return value.kind == ValueKind::kDecimal;
    case ColumnType::kJson:
      return value.kind == ValueKind::kJson;
    case ColumnType::kDate:
      return retype_time(value, ValueKind::kDate, 0);
    case ColumnType::kDatetime:
      return retype_time(value, ValueKind::kDatetime, type.fsp());
    case ColumnType::kTimestamp:
      return retype_time(value, ValueKind::kTimestampUtc, type.fsp());
    case ColumnType::kDuration:
      return retype_duration(value, type.fsp());
    case ColumnType::kEnum:
      return retype_enum(value, type);
    case ColumnType::kSet:
      return retype_set(value, type);
    case ColumnType::kBit:
      return retype_bit(value, type);
    case ColumnType::kVarchar:
    case ColumnType::kString:
    case ColumnType::kTinyBlob:
    case ColumnType::kMediumBlob:
    case ColumnType::kLongBlob:
    case ColumnType::kBlob:
      return retype_bytes(value, type.is_binary() ? ValueKind::kBinary : ValueKind::kString);
    case ColumnType::kVarString:
      return retype_bytes(value, ValueKind::kString);
    case ColumnType::kUnspecified:
    case ColumnType::kNull:
    case ColumnType::kNewDate:
    case ColumnType::kGeometry:
      break;
  }
  // Types that no table has: the value stays what its datum says.
  if (value.kind == ValueKind::kBinary && !type.is_binary()) value.kind = ValueKind::kString;
  return true;
}

}  // namespace drainer::tidb
