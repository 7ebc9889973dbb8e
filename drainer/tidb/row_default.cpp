#include "drainer/tidb/row_default.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>

#include "drainer/base/ascii.h"
#include "drainer/base/parse_number.h"
#include "drainer/tidb/retype.h"

namespace drainer::tidb {

namespace {

constexpr int64_t kYearMin = 1901;
constexpr int64_t kYearMax = 2155;

std::string_view without_plus(std::string_view text) {
  text = trim_blanks(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  return text;
}

// The number that the text begins with, else 0, as TiDB cuts it off.
double to_double(std::string_view text) {
  text = without_plus(text);
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

template <class Integer>
Integer round_to(double number) {
  using Limits = std::numeric_limits<Integer>;
  const double rounded = std::round(number);
  if (rounded <= static_cast<double>(Limits::min())) return Limits::min();
  // The largest one rounds up to a power of two, which does not fit.
  if (rounded >= static_cast<double>(Limits::max())) return Limits::max();
  return static_cast<Integer>(rounded);
}

template <class Integer>
Integer to_integer(const Value& value) {
  if (value.kind != ValueKind::kText) return round_to<Integer>(value.d);
  const std::string_view text = without_plus(value.bytes());
  const auto number = parse_whole<Integer>(text);
  return number ? *number : round_to<Integer>(to_double(text));
}

// Two digits are a year of 1970 to 2069. A text of nothing but zeros is 2000, unless it has four.
int64_t to_year(const Value& value) {
  const auto year = to_integer<int64_t>(value);
  if (year == 0) {
    const bool is_two_digits = value.kind == ValueKind::kText && value.size != 4 &&
                               trim_blanks(value.bytes()).starts_with('0');
    return is_two_digits ? 2000 : 0;
  }
  if (year < 0) return 0;
  if (year < 100) return year + (year < 70 ? 2000 : 1900);
  return std::clamp(year, kYearMin, kYearMax);
}

Value to_bit(ByteView bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return Value::of_uint(number, ValueKind::kBit);
}

}  // namespace

Value row_default(Value value, const FieldType& type) {
  const bool is_text = value.kind == ValueKind::kText;
  const bool is_number = value.kind == ValueKind::kDouble;
  switch (type.type) {
    case ColumnType::kTiny:
    case ColumnType::kShort:
    case ColumnType::kInt24:
    case ColumnType::kLong:
    case ColumnType::kLongLong:
      if (!is_text && !is_number) return value;
      return type.is_unsigned() ? Value::of_uint(to_integer<uint64_t>(value))
                                : Value::of_int(to_integer<int64_t>(value));
    case ColumnType::kYear:
      return is_text || is_number ? Value::of_int(to_year(value)) : value;
    case ColumnType::kFloat:
    case ColumnType::kDouble: {
      if (!is_text && !is_number) return value;
      const double number = is_text ? to_double(value.bytes()) : value.d;
      return type.type == ColumnType::kFloat
                 ? Value::of_double(static_cast<float>(number), ValueKind::kFloat)
                 : Value::of_double(number);
    }
    case ColumnType::kBit:
      if (is_text) value = to_bit(value.bytes());
      if (value.kind == ValueKind::kBit) value.width = bit_width_bytes(type);
      return value;
    default:
      break;
  }
  if (value.kind == ValueKind::kDatetime || value.kind == ValueKind::kDuration) {
    value.fsp = type.fsp();
  }
  return value;
}

}  // namespace drainer::tidb
