#include "drainer/tidb/codec.h"

#include "drainer/tidb/decimal.h"
#include "drainer/tidb/json_binary.h"

namespace drainer::tidb {
namespace {

constexpr size_t kGroupBytes = 8;
constexpr uint64_t kSignBit = uint64_t{1} << 63;
constexpr uint32_t kVarintBytesMax = 10;

size_t room(const char* p, const char* end) {
  return static_cast<size_t>(end - p);
}

/// The bits of the number that these order-preserving bits stand for.
uint64_t float_bits(uint64_t ordered) {
  return (ordered & kSignBit) != 0 ? ordered ^ kSignBit : ~ordered;
}

/// Number of padding bytes that a group's marker tells; more than 8 is malformed.
uint32_t padding_of(char marker) {
  return 0xffu - static_cast<uint8_t>(marker);
}

/// A group's padding must be zeros.
bool has_zero_padding(const char* group, uint32_t padding) {
  for (uint32_t i = 0; i < padding; ++i) {
    if (group[kGroupBytes - 1 - i] != 0) return false;
  }
  return true;
}

const char* decode_one_group(const char* p, const char* end, Value& out) {
  if (room(p, end) <= kGroupBytes) return nullptr;
  const uint32_t padding = padding_of(p[kGroupBytes]);
  if (padding == 0) {
    // Eight bytes end with a group of padding only.
    constexpr char kNoMore[] = "\0\0\0\0\0\0\0\0\xf7";
    if (ByteView(p, room(p, end)).substr(kGroupBytes + 1, 9) != ByteView(kNoMore, 9)) {
      return nullptr;
    }
    put_bytes(out, ValueKind::kBinary, p, kGroupBytes);
    return p + 2 * (kGroupBytes + 1);
  }
  if (padding > kGroupBytes || !has_zero_padding(p, padding)) return nullptr;
  put_bytes(out, ValueKind::kBinary, p, kGroupBytes - padding);
  return p + kGroupBytes + 1;
}

const char* skip_groups(const char* p, const char* end) {
  while (room(p, end) > kGroupBytes) {
    const char marker = p[kGroupBytes];
    p += kGroupBytes + 1;
    if (padding_of(marker) != 0) return p;
  }
  return nullptr;
}

/// Go's %q for bytes that are hardly ever text.
std::string quoted(ByteView bytes) {
  std::string out = "\"";
  for (const char c : bytes) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    }
  }
  return out + '"';
}

template <class... Args>
Error corrupt(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::kCorrupt, format, std::forward<Args>(args)...);
}

Error insufficient() {
  return corrupt("insufficient bytes to decode value");
}

/// A base-128 number as Go's encoding/binary reads it: its length, 0 if bytes run out, -1 if it has
/// more than 64 bits.
int32_t varint_length(ByteView in, uint64_t& value) {
  value = 0;
  for (uint32_t i = 0; i < in.size(); ++i) {
    const auto byte = static_cast<uint8_t>(in[i]);
    if (i == kVarintBytesMax - 1 && byte > 1) return -1;
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) return static_cast<int32_t>(i + 1);
  }
  return 0;
}

std::optional<Error> group_fault(ByteView in) {
  while (in.size() > kGroupBytes) {
    const ByteView group = in.substr(0, kGroupBytes + 1);
    const uint32_t padding = padding_of(group.back());
    if (padding > kGroupBytes) return corrupt("invalid marker byte, group bytes {}", quoted(group));
    if (!has_zero_padding(group.data(), padding)) {
      return corrupt("invalid padding byte, group bytes {}", quoted(group));
    }
    if (padding != 0) return std::nullopt;
    in.remove_prefix(kGroupBytes + 1);
  }
  return insufficient();
}

/// Length of the payload after the flag, without looking whether so many bytes are there.
Result<uint64_t> payload_length(DatumFlag flag, ByteView payload) {
  uint64_t number;
  switch (flag) {
    case DatumFlag::kNil:
      return uint64_t{0};
    case DatumFlag::kComparableBytes: {
      const char* const begin = payload.data();
      const char* const after = skip_groups(begin, begin + payload.size());
      if (after == nullptr) return insufficient();
      return static_cast<uint64_t>(after - begin);
    }
    case DatumFlag::kCompactBytes: {
      const int32_t length = varint_length(payload, number);
      if (length < 0) return corrupt("value larger than 64 bits");
      if (length == 0) return insufficient();
      const uint64_t size = static_cast<uint64_t>(unzigzag(number));
      if (size > payload.size() - static_cast<size_t>(length)) {
        return corrupt("insufficient bytes to decode value, expected length: {}", length);
      }
      return static_cast<uint64_t>(length) + size;
    }
    case DatumFlag::kComparableInt:
    case DatumFlag::kComparableUint:
    case DatumFlag::kFloat:
    case DatumFlag::kDuration:
      return uint64_t{8};
    case DatumFlag::kDecimal: {
      const uint32_t size = payload.size() < 3
                                ? 0
                                : decimal_body_size(static_cast<uint8_t>(payload[0]),
                                                    static_cast<uint8_t>(payload[1]));
      if (size == 0) return Error(ErrorCode::kCorrupt, "Bad Number", 8029);
      return uint64_t{2} + size;
    }
    case DatumFlag::kVarint:
    case DatumFlag::kUvarint: {
      const int32_t length = varint_length(payload, number);
      if (length < 0) return corrupt("value larger than 64 bits");
      return static_cast<uint64_t>(length);
    }
    case DatumFlag::kJson: {
      if (payload.empty()) return corrupt("Cant peek from empty bytes");
      const uint64_t size = json_size(payload);
      if (size == 0) return corrupt("Invalid JSON bytes");
      return size;
    }
  }
  return corrupt("invalid encoded key flag {}", static_cast<uint8_t>(flag));
}

}  // namespace

double decode_ordered_double(uint64_t bits) {
  return std::bit_cast<double>(float_bits(bits));
}

const char* read_long_uvarint(const char* p, const char* end, uint64_t& value) {
  if (end - p >= 10) {
    // Eight bytes at once: the first byte without the top bit ends the number.
    uint64_t bytes = load_le64(p);
    const uint64_t ends = ~bytes & 0x8080808080808080;
    if (ends != 0) {
      const int last_bit = std::countr_zero(ends);
      bytes &= ~uint64_t{0} >> (63 - last_bit);
      p += (last_bit + 1) / 8;
      end = p;
    }
    bytes &= 0x7f7f7f7f7f7f7f7f;
    bytes = (bytes & 0x007f007f007f007f) | (bytes & 0x7f007f007f007f00) >> 1;
    bytes = (bytes & 0x00003fff00003fff) | (bytes & 0x3fff00003fff0000) >> 2;
    value = (bytes & 0x000000000fffffff) | (bytes & 0x0fffffff00000000) >> 4;
    if (ends != 0) return p;
    const auto ninth = static_cast<uint8_t>(p[8]);
    value |= static_cast<uint64_t>(ninth & 0x7f) << 56;
    if (ninth < 0x80) return p + 9;
    const auto tenth = static_cast<uint8_t>(p[9]);
    value |= static_cast<uint64_t>(tenth) << 63;
    return tenth <= 1 ? p + 10 : nullptr;
  }
  const int32_t length = varint_length({p, room(p, end)}, value);
  return length > 0 ? p + length : nullptr;
}

/// Everything but nil, varints and compact bytes.
const char* decode_wide_datum(const char* p, const char* end, Value& out) {
  const auto flag = static_cast<DatumFlag>(*p++);
  switch (flag) {
    case DatumFlag::kComparableInt:
    case DatumFlag::kComparableUint:
    case DatumFlag::kFloat:
    case DatumFlag::kDuration: {
      if (room(p, end) < 8) return nullptr;
      const uint64_t bits = load_be64(p);
      if (flag == DatumFlag::kFloat) {
        put_number(out, ValueKind::kDouble, float_bits(bits));
      } else if (flag == DatumFlag::kComparableUint) {
        put_number(out, ValueKind::kUint, bits);
      } else if (flag == DatumFlag::kComparableInt) {
        put_number(out, ValueKind::kInt, bits ^ kSignBit);
      } else {
        put_number(out, ValueKind::kDuration, bits ^ kSignBit);
        out.fsp = 6;
      }
      return p + 8;
    }
    case DatumFlag::kDecimal: {
      if (room(p, end) < 3) return nullptr;
      const uint32_t size =
          decimal_body_size(static_cast<uint8_t>(p[0]), static_cast<uint8_t>(p[1]));
      if (size == 0 || room(p, end) < 2 + size) return nullptr;
      put_bytes(out, ValueKind::kDecimal, p, 2 + size);
      return p + 2 + size;
    }
    case DatumFlag::kJson: {
      const uint64_t size = json_size({p, room(p, end)});
      if (size == 0 || size > room(p, end) || size > UINT32_MAX) return nullptr;
      put_bytes(out, ValueKind::kJson, p, size);
      return p + size;
    }
    case DatumFlag::kComparableBytes:
      return decode_one_group(p, end, out);
    case DatumFlag::kNil:
    case DatumFlag::kCompactBytes:
    case DatumFlag::kVarint:
    case DatumFlag::kUvarint:
      break;
  }
  return nullptr;
}

const char* skip_datum(const char* p, const char* end) {
  if (p != end && static_cast<DatumFlag>(*p) == DatumFlag::kComparableBytes) {
    return skip_groups(p + 1, end);
  }
  Value ignored;
  return decode_datum(p, end, ignored);
}

Result<void> decode_comparable_bytes(ByteView& in, Bytes& out) {
  if (in.empty()) return corrupt("invalid encoded key");
  if (static_cast<DatumFlag>(in[0]) != DatumFlag::kComparableBytes) {
    return corrupt("invalid encoded key flag {}", static_cast<uint8_t>(in[0]));
  }
  if (auto fault = group_fault(in.substr(1))) return *std::move(fault);
  in.remove_prefix(1);
  uint32_t padding;
  do {
    padding = padding_of(in[kGroupBytes]);
    out.append(in.substr(0, kGroupBytes - padding));
    in.remove_prefix(kGroupBytes + 1);
  } while (padding == 0);
  return {};
}

std::optional<Error> cut_fault(ByteView in) {
  if (in.empty()) return corrupt("invalid encoded key");
  const auto length = payload_length(static_cast<DatumFlag>(in[0]), in.substr(1));
  if (!length.ok()) return length.error();
  if (*length > in.size() - 1) {
    return corrupt("invalid encoded key, expected length: {}, actual length: {}", *length + 1,
                   in.size());
  }
  return std::nullopt;
}

std::optional<Error> decode_fault(ByteView in) {
  if (in.empty()) return corrupt("invalid encoded key");
  const auto flag = static_cast<DatumFlag>(in[0]);
  const ByteView payload = in.substr(1);
  if (flag == DatumFlag::kComparableBytes) {
    if (auto fault = group_fault(payload)) return fault;
  }
  uint64_t number;
  if (flag == DatumFlag::kCompactBytes) {
    const int32_t length = varint_length(payload, number);
    if (length > 0 &&
        static_cast<uint64_t>(unzigzag(number)) > payload.size() - static_cast<size_t>(length)) {
      return corrupt("insufficient bytes to decode value, expected length: {}", unzigzag(number));
    }
  }
  const auto length = payload_length(flag, payload);
  if (!length.ok()) return length.error();
  const bool is_varint = flag == DatumFlag::kVarint || flag == DatumFlag::kUvarint;
  if (*length > payload.size() || (is_varint && *length == 0)) return insufficient();
  Value ignored;
  if (decode_datum(in.data(), in.data() + in.size(), ignored) == nullptr) {
    return Error(ErrorCode::kUnsupported, "comparable bytes of more than one group in a row");
  }
  return std::nullopt;
}

}  // namespace drainer::tidb
