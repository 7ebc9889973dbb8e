#include "drainer/tidb/value_text.h"

#include "drainer/tidb/decimal.h"
#include "drainer/tidb/digits.h"
#include "drainer/tidb/float_text.h"
#include "drainer/tidb/json_binary.h"
#include "drainer/tidb/time.h"

#include <cmath>

namespace drainer::tidb {

Result<void> append_text(std::string& out, const Value& value) {
  switch (value.kind) {
    case ValueKind::kAbsent:
    case ValueKind::kNull:
      break;
    case ValueKind::kInt:
      append_integer(out, value.i);
      break;
    case ValueKind::kUint:
    case ValueKind::kEnum:
    case ValueKind::kSet:
    case ValueKind::kBit:
      append_integer(out, value.u);
      break;
    case ValueKind::kFloat:
    case ValueKind::kDouble:
      append_double(out, value.d);
      break;
    case ValueKind::kDecimal:
      return append_decimal(out, value.bytes());
    case ValueKind::kDate:
      append_date(out, unpack_time(value.u));
      break;
    case ValueKind::kDatetime:
    case ValueKind::kTimestampUtc:
      append_datetime(out, unpack_time(value.u), value.fsp);
      break;
    case ValueKind::kDuration:
      append_duration(out, value.i, value.fsp);
      break;
    case ValueKind::kString:
    case ValueKind::kBinary:
    case ValueKind::kText:
      out.append(value.bytes());
      break;
    case ValueKind::kJson:
      return append_json(out, value.bytes());
  }
  return {};
}

void append_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out.append(std::isnan(value) ? "NaN" : value < 0 ? "-Inf" : "+Inf");
    return;
  }
  const ShortestDigits number = shortest_digits(value);
  const int32_t exponent = number.point - 1;
  if (value == 0 || (exponent >= -4 && exponent < 6)) {
    append_positional(out, number);
  } else {
    append_scientific(out, number, 2);
  }
}

}  // namespace drainer::tidb
