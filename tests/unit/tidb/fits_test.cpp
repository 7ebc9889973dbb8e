#include "drainer/tidb/fits.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::tidb;

namespace {

FieldType type_of(ColumnType type, int64_t flen = -1, int16_t decimal = -1) {
  FieldType out;
  out.type = type;
  out.flen = flen;
  out.decimal = decimal;
  return out;
}

Value text(std::string_view bytes, ValueKind kind = ValueKind::kString) {
  return Value::of_bytes(bytes, kind);
}

Value duration(int64_t nanoseconds) {
  Value out = Value::of_int(nanoseconds);
  out.kind = ValueKind::kDuration;
  return out;
}

}  // namespace

TEST_CASE("fits: what a column cannot hold was written for a wider one") {
  struct Case {
    FieldType type;
    Value fitting;
    Value wider;
  };
  const auto datetime = [](uint64_t micro) {
    return Value::of_uint((uint64_t{123456} << 24) + micro, ValueKind::kDatetime);
  };
  const auto number = [](int64_t v) { return Value::of_int(v); };
  const auto natural = [](uint64_t v) { return Value::of_uint(v); };
  const std::string blob(256, 'x');
  for (const Case& c : {
           Case{type_of(ColumnType::kTiny), number(127), number(128)},
           Case{type_of(ColumnType::kTiny), number(-128), number(-129)},
           Case{type_of(ColumnType::kTiny), natural(255), natural(256)},
           Case{type_of(ColumnType::kShort), number(-32768), number(-32769)},
           Case{type_of(ColumnType::kInt24), natural(0xffffff), natural(0x1000000)},
           Case{type_of(ColumnType::kLong), number(INT32_MAX), number(int64_t{INT32_MAX} + 1)},
           Case{type_of(ColumnType::kLong), natural(UINT32_MAX), natural(uint64_t{1} << 32)},
           Case{type_of(ColumnType::kVarchar, 3), text("äöü"), text("äöüß")},
           Case{type_of(ColumnType::kString, 3), text("abc"), text("abcd")},
           Case{type_of(ColumnType::kVarchar, 3), text("abc", ValueKind::kBinary),
                text("\xc3\xa4\xc3\xa4", ValueKind::kBinary)},
           Case{type_of(ColumnType::kTinyBlob, 255), text(std::string_view(blob).substr(1)),
                text(blob)},
           Case{type_of(ColumnType::kDatetime, 19, 0), datetime(0), datetime(100'000)},
           Case{type_of(ColumnType::kDatetime, 23, 3), datetime(123'000), datetime(123'400)},
           Case{type_of(ColumnType::kDuration, 10, 0), duration(-5'000'000'000),
                duration(-5'100'000'000)},
           Case{type_of(ColumnType::kEnum), Value::of_uint(1, ValueKind::kEnum),
                Value::of_uint(0, ValueKind::kEnum)},
       }) {
    INFO(static_cast<int>(c.type.type) << " of " << c.type.flen);
    CHECK(fits(c.fitting, c.type));
    CHECK_FALSE(fits(c.wider, c.type));
  }
}

TEST_CASE("fits: types of which every value is one, and values that say nothing") {
  for (const Value& value :
       {Value(), Value::null(), Value::of_int(INT64_MIN), Value::of_uint(UINT64_MAX)}) {
    CHECK(fits(value, type_of(ColumnType::kLongLong)));
  }
  CHECK(fits(text("long"), type_of(ColumnType::kVarchar)));
  CHECK(fits(Value::of_uint(999'999, ValueKind::kDatetime), type_of(ColumnType::kDatetime, 26, 6)));
  CHECK(fits(duration(1'000), type_of(ColumnType::kDuration, 17, 6)));
}
