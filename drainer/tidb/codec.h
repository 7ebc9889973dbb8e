#pragma once

#include "drainer/base/bytes.h"
#include "drainer/base/error.h"
#include "drainer/base/result.h"
#include "drainer/tidb/value.h"

#include <bit>
#include <cstdint>
#include <optional>

namespace drainer::tidb {

// The datum codec (spec/row-codec.md 1; grammar in README.md). Pure functions, any thread.
//
// The readers take a range and return the first byte after the datum, or null if it is malformed;
// no byte outside the range is read. Why it is malformed is found out afterwards by decode_fault():
// the good path builds no error.

/// First byte of a datum.
enum class DatumFlag : uint8_t {
  kNil = 0,
  kComparableBytes = 1,
  kCompactBytes = 2,
  kComparableInt = 3,
  kComparableUint = 4,
  kFloat = 5,
  kDecimal = 6,
  kDuration = 7,
  kVarint = 8,
  kUvarint = 9,
  kJson = 10,
};

/// Base-128, low 7 bits first, at most 64 bits.
inline const char* read_uvarint(const char* p, const char* end, uint64_t& value);

/// Reads one datum into a Value that borrows from it. Kinds: kNull, kInt, kUint, kDouble, kBinary,
/// kDecimal (P F body), kDuration (fsp 6), kJson (type code and value). The insides of decimals and
/// JSON are checked when they are printed. Comparable bytes longer than one group lie scattered and
/// cannot be borrowed: they count as malformed here (no TiDB writes them into rows), see
/// decode_comparable_bytes().
inline const char* decode_datum(const char* p, const char* end, Value& out);

/// Passes over one datum.
const char* skip_datum(const char* p, const char* end);

/// Takes one datum of comparable bytes, flag included, off `in` and appends its content to `out`.
Result<void> decode_comparable_bytes(ByteView& in, Bytes& out);

/// The order-preserving bits of a float64 (flag 05, rows of format 2) back into the number.
double decode_ordered_double(uint64_t bits);

/// What the original says when it measures (`cut`) or decodes the datum at the start of `in`;
/// nothing if it does not object. For messages, and as the reference of the readers above.
std::optional<Error> cut_fault(ByteView in);
std::optional<Error> decode_fault(ByteView in);

// Only definitions follow.

const char* read_long_uvarint(const char* p, const char* end, uint64_t& value);
const char* decode_wide_datum(const char* p, const char* end, Value& out);

inline const char* read_uvarint(const char* p, const char* end, uint64_t& value) {
  if (p != end && (static_cast<uint8_t>(*p) & 0x80) == 0) [[likely]] {
    value = static_cast<uint8_t>(*p);
    return p + 1;
  }
  return read_long_uvarint(p, end, value);
}

inline int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1 ^ (0 - (value & 1)));
}

/// Writes a value field by field: a Value built aside and copied as a whole stalls on its parts,
/// which is most of what decoding costs.
inline void put_number(Value& out, ValueKind kind, uint64_t bits) {
  out.kind = kind;
  out.fsp = 0;
  out.width = 0;
  out.size = 0;
  out.u = bits;
}

inline void put_bytes(Value& out, ValueKind kind, const char* data, uint64_t size) {
  out.kind = kind;
  out.fsp = 0;
  out.width = 0;
  out.size = static_cast<uint32_t>(size);
  out.data = data;
}

[[gnu::always_inline]] inline const char* decode_datum(const char* p, const char* end, Value& out) {
  if (p == end) return nullptr;
  uint64_t number;
  switch (static_cast<DatumFlag>(*p++)) {
    case DatumFlag::kNil:
      put_number(out, ValueKind::kNull, 0);
      return p;
    case DatumFlag::kVarint:
      p = read_uvarint(p, end, number);
      if (p != nullptr) put_number(out, ValueKind::kInt, static_cast<uint64_t>(unzigzag(number)));
      return p;
    case DatumFlag::kUvarint:
      p = read_uvarint(p, end, number);
      if (p != nullptr) put_number(out, ValueKind::kUint, number);
      return p;
    case DatumFlag::kCompactBytes: {
      p = read_uvarint(p, end, number);
      if (p == nullptr) return nullptr;
      // The length is a zig-zag number; a negative one is huge here.
      const auto size = static_cast<uint64_t>(unzigzag(number));
      if (size > static_cast<uint64_t>(end - p) || size > UINT32_MAX) return nullptr;
      put_bytes(out, ValueKind::kBinary, p, size);
      return p + size;
    }
    default:
      return decode_wide_datum(p - 1, end, out);
  }
}

}  // namespace drainer::tidb
