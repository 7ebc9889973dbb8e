#pragma once

#include <bit>
#include <cstdint>

#include "drainer/base/bytes.h"

namespace drainer::schema {

inline void append_le32(Bytes& out, uint32_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
inline void append_le64(Bytes& out, uint64_t value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Appends the fields of a record. One thread.
class FieldWriter {
 public:
  explicit FieldWriter(Bytes& out) : out_(out) {}

  void put_uint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>(value | 0x80));
    out_.push_back(static_cast<char>(value));
  }
  void put_int(int64_t value) {
    put_uint(static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63));
  }
  void put_double(double value) { append_le64(out_, std::bit_cast<uint64_t>(value)); }
  void put_bytes(ByteView bytes) {
    put_uint(bytes.size());
    out_ += bytes;
  }

 private:
  Bytes& out_;
};

/// Takes the fields of a record off its front. After the first malformed one all are zero or empty;
/// only is_good() needs to be looked at. Borrows the record. One thread.
class FieldReader {
 public:
  explicit FieldReader(ByteView bytes) : left_(bytes) {}

  bool is_good() const { return is_good_; }
  bool is_at_end() const { return left_.empty(); }
  void fail() {
    is_good_ = false;
    left_ = {};
  }

  uint64_t take_uint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (left_.empty()) break;
      const auto byte = static_cast<unsigned char>(left_.front());
      left_.remove_prefix(1);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    fail();
    return 0;
  }
  int64_t take_int() {
    const uint64_t value = take_uint();
    return static_cast<int64_t>(value >> 1 ^ (0 - (value & 1)));
  }
  double take_double() {
    if (left_.size() < sizeof(uint64_t)) {
      fail();
      return 0;
    }
    const uint64_t bits = load_le64(left_.data());
    left_.remove_prefix(sizeof bits);
    return std::bit_cast<double>(bits);
  }
  ByteView take_bytes() {
    const uint64_t size = take_uint();
    if (size > left_.size()) {
      fail();
      return {};
    }
    const ByteView bytes = left_.substr(0, size);
    left_.remove_prefix(size);
    return bytes;
  }
  /// A number of elements, each of which takes at least one byte.
  uint64_t take_count() {
    const uint64_t count = take_uint();
    if (count <= left_.size()) return count;
    fail();
    return 0;
  }

 private:
  ByteView left_;
  bool is_good_ = true;
};

}  // namespace drainer::schema
