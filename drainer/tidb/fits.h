#pragma once

#include <cstdint>

#include "drainer/tidb/field_type.h"
#include "drainer/tidb/value.h"

namespace drainer::tidb {

/// False for a value that its column cannot hold: whoever wrote it knew a wider type, or wrote an
/// ENUM's invalid value. Looks at what TiDB widens without writing the rows anew: members of an
/// ENUM, bytes of integers, lengths of text and binary data, digits of seconds. Pure; inline
/// because every value of every row passes through.
[[nodiscard]] inline bool fits(const Value& value, const FieldType& type);

// Only definitions follow.

/// Bits of the integer type, 64 for others.
inline int integer_bits(ColumnType type) {
  switch (type) {
    case ColumnType::kTiny:
      return 8;
    case ColumnType::kShort:
      return 16;
    case ColumnType::kInt24:
      return 24;
    case ColumnType::kLong:
      return 32;
    default:
      return 64;
  }
}

inline bool is_blob(ColumnType type) {
  return type >= ColumnType::kTinyBlob && type <= ColumnType::kBlob;
}

/// Of UTF-8: all bytes but those that go on with a character.
inline int64_t count_characters(ByteView text) {
  int64_t count = 0;
  for (const char byte : text) count += (static_cast<uint8_t>(byte) & 0xc0) != 0x80 ? 1 : 0;
  return count;
}

/// Parts of a second whose last `digits` decimal digits are zero.
inline bool ends_with_zeros(uint64_t parts, int digits) {
  constexpr uint64_t kPowers[] = {1,       10,        100,        1'000,       10'000,
                                  100'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000};
  return parts == 0 || parts % kPowers[digits] == 0;
}

[[nodiscard]] inline bool fits(const Value& value, const FieldType& type) {
  switch (value.kind) {
    case ValueKind::kInt: {
      const int unused = 64 - integer_bits(type.type);
      return static_cast<int64_t>(value.u << unused) >> unused == value.i;
    }
    case ValueKind::kUint: {
      const int unused = 64 - integer_bits(type.type);
      return value.u << unused >> unused == value.u;
    }
    case ValueKind::kString:
    case ValueKind::kBinary:
      if (type.flen <= 0 || value.size <= type.flen) [[likely]]
        return true;
      return value.kind == ValueKind::kString && !is_blob(type.type) &&
             count_characters(value.bytes()) <= type.flen;
    case ValueKind::kDatetime:
    case ValueKind::kTimestampUtc:
      return ends_with_zeros(value.u & 0xfffff, 6 - type.fsp());
    case ValueKind::kDuration:
      return ends_with_zeros(value.i < 0 ? -value.u : value.u, 9 - type.fsp());
    case ValueKind::kEnum:
      return value.u != 0;
    default:
      return true;
  }
}

}  // namespace drainer::tidb
