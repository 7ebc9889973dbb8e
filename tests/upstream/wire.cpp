#include "tests/upstream/wire.h"

namespace drainer::upstream {

namespace {

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

}  // namespace

bool read_varint(ByteView& bytes, uint64_t& value) {
  value = 0;
  for (size_t i = 0; i < bytes.size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool WireReader::next(WireField& field) {
  if (rest_.empty() || !ok_) return false;
  ok_ = false;
  const ByteView whole = rest_;
  uint64_t key = 0;
  if (!read_varint(rest_, key)) return false;
  field = WireField{.number = static_cast<uint32_t>(key >> 3)};
  switch (key & 7) {
    case kVarint:
      if (!read_varint(rest_, field.value)) return false;
      break;
    case kBytes: {
      uint64_t size = 0;
      if (!read_varint(rest_, size) || size > rest_.size()) return false;
      field.is_bytes = true;
      field.bytes = rest_.substr(0, size);
      rest_.remove_prefix(size);
      break;
    }
    case kFixed64:
      if (rest_.size() < 8) return false;
      field.value = load_le64(rest_.data());
      rest_.remove_prefix(8);
      break;
    case kFixed32:
      if (rest_.size() < 4) return false;
      field.value = load_le32(rest_.data());
      rest_.remove_prefix(4);
      break;
    default:
      return false;
  }
  field.raw = whole.substr(0, whole.size() - rest_.size());
  ok_ = true;
  return true;
}

void append_varint(Bytes& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void append_varint_field(Bytes& out, uint32_t number, uint64_t value) {
  append_varint(out, number << 3 | kVarint);
  append_varint(out, value);
}

void append_bytes_field(Bytes& out, uint32_t number, ByteView value) {
  append_varint(out, number << 3 | kBytes);
  append_varint(out, value.size());
  out.append(value);
}

}  // namespace drainer::upstream
