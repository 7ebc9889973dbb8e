// The fast datum readers against the slow account of what is wrong: they must agree, byte for byte.

#include "drainer/base/check.h"
#include "drainer/tidb/codec.h"
#include "drainer/tidb/decimal.h"
#include "drainer/tidb/value_text.h"

#include <cstdint>
#include <string>

using namespace drainer;
using namespace drainer::tidb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(reinterpret_cast<const char*>(data), size);
  const char* const begin = bytes.data();
  const char* const end = begin + size;
  std::string text;

  Value value;
  const char* const after = decode_datum(begin, end, value);
  const auto fault = decode_fault(bytes);
  CHECK((after != nullptr) == !fault.has_value(), "decode and decode_fault disagree");
  if (after != nullptr) {
    CHECK(after > begin && after <= end, "datum leaves its bytes");
    CHECK(!cut_fault(bytes).has_value(), "decoded, but cannot be cut");
    CHECK(skip_datum(begin, end) == after, "skip and decode disagree");
    const auto appended = append_text(text, value);
    CHECK(appended.ok() || text.empty(), "text left by a failure");
    // What follows a datum has no say in it.
    Value alone;
    CHECK(decode_datum(begin, after, alone) == after && alone.kind == value.kind &&
              alone.u == value.u && alone.size == value.size,
          "value depends on what follows");
  }

  ByteView rest = bytes;
  Bytes out;
  if (decode_comparable_bytes(rest, out).ok()) {
    CHECK(skip_datum(begin, end) == rest.data(), "skip and decode of comparable bytes disagree");
  }

  text.clear();
  const auto printed = append_decimal(text, bytes);
  CHECK(printed.ok() == !text.empty(), "decimal without text");
  return 0;
}
