#include "tests/upstream/row_events.h"

#include <bit>
#include <ctime>

#include "tests/upstream/wire.h"

namespace drainer::upstream {

namespace {

enum ColumnType : uint8_t {
  kTiny = 1,
  kShort = 2,
  kLong = 3,
  kDouble = 5,
  kLongLong = 8,
  kInt24 = 9,
  kVarchar = 15,
  kTimestamp2 = 17,
  kDatetime2 = 18,
  kBlob = 252,
  kString = 254,
};

/// Takes things off the front of an event; once something was missing, everything is.
class Cursor {
 public:
  explicit Cursor(ByteView rest) : rest_(rest) {}

  ByteView bytes(size_t count) {
    if (count > rest_.size()) {
      is_ok_ = false;
      rest_ = {};
      return {};
    }
    const ByteView out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return out;
  }
  uint64_t le(size_t count) {
    uint64_t out = 0;
    const ByteView from = bytes(count);
    for (size_t i = from.size(); i > 0; --i) out = out << 8 | static_cast<uint8_t>(from[i - 1]);
    return out;
  }
  uint64_t be(size_t count) {
    uint64_t out = 0;
    for (const char byte : bytes(count)) out = out << 8 | static_cast<uint8_t>(byte);
    return out;
  }
  /// A length-encoded number; the large forms do not come up.
  uint64_t packed() {
    const uint64_t first = le(1);
    if (first < 251) return first;
    if (first == 252) return le(2);
    is_ok_ = false;
    return 0;
  }
  bool empty() const { return rest_.empty(); }
  bool is_ok() const { return is_ok_; }

 private:
  ByteView rest_;
  bool is_ok_ = true;
};

size_t meta_bytes(uint8_t type) {
  switch (type) {
    case kVarchar:
    case kString:
      return 2;
    case kDouble:
    case kBlob:
    case kTimestamp2:
    case kDatetime2:
      return 1;
    default:
      return 0;
  }
}

void append_double_datum(Bytes& out, double value) {
  auto bits = std::bit_cast<uint64_t>(value);
  bits = (bits >> 63) != 0 ? ~bits : bits | uint64_t{1} << 63;
  out.push_back('\x05');
  append_be64(out, bits);
}

uint64_t microseconds(Cursor& cursor, uint16_t fsp) {
  const size_t bytes = (fsp + 1U) / 2;
  uint64_t value = cursor.be(bytes);
  for (size_t i = bytes; i < 3; ++i) value *= 100;
  return value;
}

/// TIMESTAMP as packed time in UTC, the layout that DATETIME2 has by itself.
uint64_t packed_utc(uint64_t seconds) {
  if (seconds == 0) return 0;
  const auto time = static_cast<time_t>(seconds);
  tm utc{};
  gmtime_r(&time, &utc);
  const auto part = [](int value) { return static_cast<uint64_t>(value); };
  const uint64_t month = part(utc.tm_year + 1900) * 13 + part(utc.tm_mon + 1);
  return (month << 5 | part(utc.tm_mday)) << 17 | part(utc.tm_hour) << 12 | part(utc.tm_min) << 6 |
         part(utc.tm_sec);
}

void append_integer(Bytes& out, Cursor& cursor, size_t size, bool is_unsigned) {
  const uint64_t value = cursor.le(size);
  if (is_unsigned) return append_uint_datum(out, value);
  const auto unused = static_cast<int>(64 - 8 * size);
  append_int_datum(out, static_cast<int64_t>(value << unused) >> unused);
}

Result<void> append_value(Bytes& out, Cursor& cursor, uint8_t type, uint16_t meta,
                          bool is_unsigned) {
  switch (type) {
    case kTiny:
      append_integer(out, cursor, 1, is_unsigned);
      return {};
    case kShort:
      append_integer(out, cursor, 2, is_unsigned);
      return {};
    case kInt24:
      append_integer(out, cursor, 3, is_unsigned);
      return {};
    case kLong:
      append_integer(out, cursor, 4, is_unsigned);
      return {};
    case kLongLong:
      append_integer(out, cursor, 8, is_unsigned);
      return {};
    case kDouble:
      append_double_datum(out, std::bit_cast<double>(cursor.le(8)));
      return {};
    case kVarchar:
      append_bytes_datum(out, cursor.bytes(cursor.le(meta < 256 ? 1 : 2)));
      return {};
    case kBlob:
      append_bytes_datum(out, cursor.bytes(cursor.le(meta)));
      return {};
    case kString: {
      // The first byte is the real type, with bits of a length above 255 in it.
      const auto real_type = static_cast<uint8_t>((meta & 0xff) | 0x30);
      if (real_type != kString) break;
      const size_t length_max =
          static_cast<size_t>(meta >> 8) | (((static_cast<size_t>(meta) & 0x30) ^ 0x30) << 4);
      append_bytes_datum(out, cursor.bytes(cursor.le(length_max < 256 ? 1 : 2)));
      return {};
    }
    case kTimestamp2: {
      const uint64_t time = packed_utc(cursor.be(4));
      append_uint_datum(out, time << 24 | microseconds(cursor, meta));
      return {};
    }
    case kDatetime2: {
      const uint64_t time = cursor.be(5) - (uint64_t{1} << 39);
      append_uint_datum(out, time << 24 | microseconds(cursor, meta));
      return {};
    }
    default:
      break;
  }
  return make_error(ErrorCode::kUnsupported, "column type {} with {:#x}", type, meta);
}

}  // namespace

void append_int_datum(Bytes& out, int64_t value) {
  out.push_back('\x08');
  append_varint(out, static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63));
}

void append_uint_datum(Bytes& out, uint64_t value) {
  out.push_back('\x09');
  append_varint(out, value);
}

void append_bytes_datum(Bytes& out, ByteView value) {
  out.push_back('\x02');
  append_varint(out, value.size() << 1);
  out.append(value);
}

Result<uint64_t> table_number(ByteView body) {
  Cursor cursor(body);
  const uint64_t number = cursor.le(6);
  if (!cursor.is_ok()) return make_error(ErrorCode::kCorrupt, "an event is cut off");
  return number;
}

Result<TableMap> parse_table_map(ByteView body) {
  Cursor cursor(body);
  TableMap map{.number = cursor.le(6), .schema = {}, .table = {}, .types = {}, .metas = {}};
  cursor.bytes(2);
  map.schema = cursor.bytes(cursor.le(1));
  cursor.bytes(1);
  map.table = cursor.bytes(cursor.le(1));
  cursor.bytes(1);
  for (const char type : cursor.bytes(cursor.packed())) {
    map.types.push_back(static_cast<uint8_t>(type));
  }
  Cursor metas(cursor.bytes(cursor.packed()));
  for (const uint8_t type : map.types) {
    map.metas.push_back(static_cast<uint16_t>(metas.le(meta_bytes(type))));
  }
  if (!cursor.is_ok() || !metas.is_ok() || !metas.empty()) {
    return make_error(ErrorCode::kUnsupported, "table map of {}.{}", map.schema, map.table);
  }
  return map;
}

Result<std::vector<DatumRow>> parse_rows(ByteView body, bool is_update, const TableMap& map,
                                         const std::vector<bool>& is_unsigned) {
  Cursor cursor(body);
  cursor.bytes(8);
  const size_t columns = cursor.packed();
  const size_t bitmap = (columns + 7) / 8;
  cursor.bytes(is_update ? 2 * bitmap : bitmap);  // full images: all are present
  if (columns != map.types.size() || columns != is_unsigned.size()) {
    return make_error(ErrorCode::kCorrupt, "rows of {} columns for {}.{}, which has {}", columns,
                      map.schema, map.table, is_unsigned.size());
  }
  std::vector<DatumRow> rows;
  while (cursor.is_ok() && !cursor.empty()) {
    const ByteView nulls = cursor.bytes(bitmap);
    DatumRow row(columns);
    for (size_t i = 0; i < columns && cursor.is_ok(); ++i) {
      if ((static_cast<uint8_t>(nulls[i / 8]) >> (i % 8) & 1) != 0) {
        row[i] = kNilDatum;
        continue;
      }
      TRY(append_value(row[i], cursor, map.types[i], map.metas[i], is_unsigned[i]));
    }
    rows.push_back(std::move(row));
  }
  if (!cursor.is_ok() || (is_update && rows.size() % 2 != 0)) {
    return make_error(ErrorCode::kCorrupt, "rows of {}.{} are cut off", map.schema, map.table);
  }
  return rows;
}

}  // namespace drainer::upstream
