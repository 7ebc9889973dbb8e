#include "drainer/tidb/default_value.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "drainer/tidb/retype.h"
#include "drainer/tidb/time.h"

namespace drainer::tidb {
namespace {

/// The longest BINARY(n).
constexpr size_t kBinaryBytesMax = 255;
constexpr std::array<char, kBinaryBytesMax> kZeroBytes{};
constexpr std::string_view kZeroDecimal("\x01\x00\x80", 3);  // P 1, F 0: printed as 0
constexpr std::string_view kJsonNull("\x04\x00", 2);

std::string_view without_trailing_spaces(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// Number of the member with this name, from 1; 0 if there is none.
uint64_t find_member(const FieldType& type, std::string_view name) {
  const std::string_view wanted = without_trailing_spaces(name);
  for (size_t i = 0; i < type.elems->size(); ++i) {
    if (without_trailing_spaces((*type.elems)[i]) == wanted) return i + 1;
  }
  return 0;
}

/// The mask of comma-separated members; 0 if one is unknown.
uint64_t parse_set(const FieldType& type, std::string_view text) {
  uint64_t mask = 0;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const uint64_t member = find_member(type, text.substr(0, comma));
    if (member == 0 || member > 64) return 0;
    mask |= uint64_t{1} << (member - 1);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return mask;
}

Value with_fsp(Value value, uint8_t fsp) {
  value.fsp = fsp;
  return value;
}

// KEEP: as many bytes as are stored, not those of the column: TiDB stores none for leading zeros,
// and the original's formats have them as they are.
Result<Value> bit_default(ByteView bytes) {
  const size_t stored = bytes.size();
  while (!bytes.empty() && bytes.front() == 0) bytes.remove_prefix(1);
  if (bytes.size() > 8) {
    return make_error(ErrorCode::kCorrupt, "bit default of {} bytes", bytes.size());
  }
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  Value value = Value::of_uint(number, ValueKind::kBit);
  value.width = static_cast<uint8_t>(std::min<size_t>(stored, 8));
  return value;
}

Value text_default(std::string_view text, const FieldType& type) {
  if (type.type == ColumnType::kEnum) {
    return Value::of_uint(find_member(type, text), ValueKind::kEnum);
  }
  if (type.type == ColumnType::kSet) return Value::of_uint(parse_set(type, text), ValueKind::kSet);
  if (type.type == ColumnType::kTimestamp) {
    // A text that is no instant, such as the zero date, is passed on as it is.
    if (const auto instant = parse_datetime(text)) {
      return with_fsp(Value::of_uint(pack_time(*instant), ValueKind::kTimestampUtc), type.fsp());
    }
  }
  return Value::of_bytes(text, ValueKind::kText);
}

Value zero_value(const FieldType& type) {
  const ValueKind bytes_kind = type.is_binary() ? ValueKind::kBinary : ValueKind::kString;
  switch (type.type) {
    case ColumnType::kTiny:
    case ColumnType::kShort:
    case ColumnType::kInt24:
    case ColumnType::kLong:
    case ColumnType::kLongLong:
      return type.is_unsigned() ? Value::of_uint(0) : Value::of_int(0);
    case ColumnType::kYear:
      return Value::of_int(0);
    case ColumnType::kFloat:
      return Value::of_double(0, ValueKind::kFloat);
    case ColumnType::kDouble:
      return Value::of_double(0);
    case ColumnType::kNewDecimal:
      return Value::of_bytes(kZeroDecimal, ValueKind::kDecimal);
    case ColumnType::kJson:
      return Value::of_bytes(kJsonNull, ValueKind::kJson);
    case ColumnType::kDate:
      return Value::of_uint(0, ValueKind::kDate);
    case ColumnType::kDatetime:
      return Value::of_uint(0, ValueKind::kDatetime);
    case ColumnType::kTimestamp:
      return Value::of_uint(0, ValueKind::kTimestampUtc);
    case ColumnType::kDuration: {
      Value zero = Value::of_int(0);
      zero.kind = ValueKind::kDuration;
      return zero;
    }
    case ColumnType::kEnum:
      // FIX: the first member; the original renders its name as the number 0.
      return Value::of_uint(1, ValueKind::kEnum);
    case ColumnType::kSet:
      return Value::of_uint(0, ValueKind::kSet);
    case ColumnType::kBit:
      return Value::of_uint(0, ValueKind::kBit);  // width 0: no bytes on output as binary
    case ColumnType::kString:
      if (type.is_binary() && type.flen > 0) {
        const auto size = std::min(static_cast<uint64_t>(type.flen), kBinaryBytesMax);
        return Value::of_bytes({kZeroBytes.data(), size}, ValueKind::kBinary);
      }
      return Value::of_bytes("", bytes_kind);
    case ColumnType::kVarchar:
    case ColumnType::kVarString:
    case ColumnType::kTinyBlob:
    case ColumnType::kMediumBlob:
    case ColumnType::kLongBlob:
    case ColumnType::kBlob:
      return Value::of_bytes("", bytes_kind);
    case ColumnType::kUnspecified:
    case ColumnType::kNull:
    case ColumnType::kNewDate:
    case ColumnType::kGeometry:
      break;
  }
  return Value::null();
}

}  // namespace

Result<Value> default_value(const ColumnInfo& column, const ColumnInfo& origin) {
  const auto* const bits = std::get_if<BitDefault>(&*origin.origin_default);
  if (bits != nullptr && origin.type.type == ColumnType::kBit) {
    return bit_default(bits->bytes);
  }
  if (const auto* text = std::get_if<std::string>(&*origin.origin_default)) {
    return text_default(*text, origin.type);
  }
  if (const auto* number = std::get_if<double>(&*origin.origin_default)) {
    return Value::of_double(*number);
  }
  if (const auto* truth = std::get_if<bool>(&*origin.origin_default)) {
    return Value::of_int(*truth ? 1 : 0);
  }
  return column.type.is_not_null() ? zero_value(column.type) : Value::null();
}

}  // namespace drainer::tidb
