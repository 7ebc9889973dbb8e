#pragma once

#include <cstddef>
#include <cstdint>

#include "drainer/base/bytes.h"
#include "drainer/base/error.h"
#include "drainer/base/result.h"

namespace drainer {

/// How a field of a protobuf message is written.
enum class WireType : uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kLengthDelimited = 2,
  kGroupStart = 3,
  kGroupEnd = 4,
  kFixed32 = 5,
};

/// Walks the fields of one message.
///
///   for (reader.next(); reader.field() != 0; reader.next()) …take one value…
///
/// After a fault field() is 0 and fault() is set, so loops end by themselves. One thread.
class FieldReader {
 public:
  /// `origin` is the start of the whole buffer, for offsets in errors.
  FieldReader(ByteView message, const char* origin)
      : origin_(origin), at_(message.data()), end_(message.data() + message.size()) {}

  /// Number of the field at hand; 0 at the end of the message and after a fault.
  uint32_t field() const { return field_; }
  WireType wire_type() const { return wire_type_; }

  void next() {
    field_ = 0;
    if (at_ == end_ || fault_ != nullptr) return;
    const uint64_t tag = read_varint();
    const uint64_t number = tag >> 3;
    if (fault_ != nullptr) return;
    if (number == 0 || number > kFieldNumberMax) return fail("illegal field number");
    wire_type_ = static_cast<WireType>(tag & 7);
    field_ = static_cast<uint32_t>(number);
  }

  uint64_t take_varint() {
    if (wire_type_ != WireType::kVarint) return fail("wrong wire type"), 0;
    return read_varint();
  }
  int64_t take_int64() { return static_cast<int64_t>(take_varint()); }

  ByteView take_bytes() {
    if (wire_type_ != WireType::kLengthDelimited) return fail("wrong wire type"), ByteView();
    const uint64_t size = read_varint();
    if (size > static_cast<uint64_t>(end_ - at_)) return fail("field cut off"), ByteView();
    const ByteView bytes(at_, size);
    at_ += size;
    return bytes;
  }

  uint64_t take_fixed64() {
    if (wire_type_ != WireType::kFixed64) return fail("wrong wire type"), 0;
    if (end_ - at_ < 8) return fail("field cut off"), 0;
    const uint64_t value = load_le64(at_);
    at_ += 8;
    return value;
  }

  /// A repeated number: one element, or many packed into one field.
  template <class Each>
  void take_varints(Each each) {
    if (wire_type_ == WireType::kVarint) return each(read_varint());
    const ByteView packed = take_bytes();
    FieldReader numbers(packed, origin_);
    while (numbers.at_ != numbers.end_) each(numbers.read_varint());
    if (!numbers.ok()) {
      at_ = numbers.at_;
      fail(numbers.fault_);
    }
  }

  void skip() {
    switch (wire_type_) {
      case WireType::kVarint:
        read_varint();
        return;
      case WireType::kFixed64:
        return skip_bytes(8);
      case WireType::kLengthDelimited:
        take_bytes();
        return;
      case WireType::kFixed32:
        return skip_bytes(4);
      case WireType::kGroupStart:
      case WireType::kGroupEnd:
        return fail("group");
    }
    fail("illegal wire type");
  }

  bool ok() const { return fault_ == nullptr; }
  Error fault() const {
    return make_error(ErrorCode::kCorrupt, "protobuf: {} at byte {}", fault_, at_ - origin_);
  }

 private:
  static constexpr uint32_t kVarintBytesMax = 10;
  static constexpr uint64_t kFieldNumberMax = (1 << 29) - 1;

  void fail(const char* what) {
    if (fault_ == nullptr) fault_ = what;
    field_ = 0;
    end_ = at_;
  }

  void skip_bytes(ptrdiff_t count) {
    if (end_ - at_ < count) return fail("field cut off");
    at_ += count;
  }

  /// Bits beyond the 64th are dropped, as protobuf readers do.
  uint64_t read_varint() {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) [[likely]]
      return static_cast<uint8_t>(*at_++);
    uint64_t value = 0;
    const char* p = at_;
    for (uint32_t i = 0; i < kVarintBytesMax && p != end_; ++i) {
      const auto byte = static_cast<uint8_t>(*p++);
      value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        at_ = p;
        return value;
      }
    }
    fail(p == end_ ? "number cut off" : "number larger than 64 bits");
    return 0;
  }

  const char* origin_;
  const char* at_;
  const char* end_;
  const char* fault_ = nullptr;
  uint32_t field_ = 0;
  WireType wire_type_ = WireType::kVarint;
};

}  // namespace drainer
