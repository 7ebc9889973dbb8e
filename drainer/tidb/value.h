#pragma once

#include <cstdint>
#include <string>

#include "drainer/base/bytes.h"

namespace drainer::tidb {

/// What a Value holds and so how it is written. See append_text() in value_text.h.
enum class ValueKind : uint8_t {
  kAbsent,  ///< the row does not carry the column (generated, filtered, not written)
  kNull,
  kInt,    ///< int64: signed integers, YEAR
  kUint,   ///< uint64: unsigned integers
  kFloat,  ///< double that holds a 32-bit float exactly
  kDouble,
  kDecimal,       ///< bytes: precision, frac, body (spec/row-codec.md 1.4)
  kDate,          ///< uint64 packed
  kDatetime,      ///< uint64 packed, also TIMESTAMP after conversion to the output zone; fsp
  kTimestampUtc,  ///< uint64 packed, UTC: not yet converted; never leaves translate
  kDuration,      ///< int64 nanoseconds; fsp
  kEnum,          ///< uint64 index, 0 = invalid value
  kSet,           ///< uint64 mask
  kBit,           ///< uint64; `width` bytes (maybe none) on output as binary
  kString,        ///< bytes: character data (UTF-8)
  kBinary,        ///< bytes: binary data
  kJson,          ///< bytes: type code and value (6.11)
  kText,          ///< bytes: ready text of a default value for a column of any type
};

/// One column value of a row: a small handle that borrows its bytes from the binlog's buffer or
/// from the table's description. Plain data; whoever keeps it keeps the owner.
struct Value {
  ValueKind kind = ValueKind::kAbsent;
  uint8_t fsp = 0;    ///< kDatetime, kDuration: digits after the second
  uint8_t width = 0;  ///< kBit: (flen + 7) / 8; of a default, bytes stored
  uint32_t size = 0;  ///< length of the bytes kinds
  union {
    int64_t i;
    uint64_t u;
    double d;
    const char* data;
  };

  Value() : u(0) {}
  ByteView bytes() const { return {data, size}; }
  bool is_null() const { return kind == ValueKind::kNull; }
  bool is_absent() const { return kind == ValueKind::kAbsent; }

  static Value null() { return with(ValueKind::kNull); }
  static Value of_int(int64_t v) {
    Value out = with(ValueKind::kInt);
    out.i = v;
    return out;
  }
  static Value of_uint(uint64_t v, ValueKind kind = ValueKind::kUint) {
    Value out = with(kind);
    out.u = v;
    return out;
  }
  static Value of_double(double v, ValueKind kind = ValueKind::kDouble) {
    Value out = with(kind);
    out.d = v;
    return out;
  }
  static Value of_bytes(ByteView v, ValueKind kind) {
    Value out = with(kind);
    out.data = v.data();
    out.size = static_cast<uint32_t>(v.size());
    return out;
  }

 private:
  static Value with(ValueKind kind) {
    Value out;
    out.kind = kind;
    return out;
  }
};
static_assert(sizeof(Value) == 16);

}  // namespace drainer::tidb
