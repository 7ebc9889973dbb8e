#include "drainer/tidb/decimal.h"

#include "drainer/tidb/digits.h"

#include <array>

namespace drainer::tidb {
namespace {

constexpr uint32_t kDigitsPerGroup = 9;
/// TiDB's decimals are nine words of nine digits.
constexpr uint32_t kGroupsMax = 9;
constexpr std::array<uint8_t, 10> kBytesOfDigits = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
constexpr std::array<uint32_t, 10> kPowersOfTen = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

uint32_t bytes_of(uint32_t digits) {
  return digits / kDigitsPerGroup * 4 + kBytesOfDigits[digits % kDigitsPerGroup];
}

Error bad_number() {
  return Error(ErrorCode::kCorrupt, "Bad Number", 8029);
}

/// Takes digit groups off a body, undoing the sign's inversion. The caller has checked the length.
class GroupReader {
 public:
  explicit GroupReader(const char* body)
      : p_(body), invert_((static_cast<uint8_t>(*body) & 0x80) == 0 ? 0xff : 0), flip_(0x80) {}

  bool is_negative() const { return invert_ != 0; }

  /// The next group of `digits` digits; false if it holds more than that.
  bool read(uint32_t digits, uint32_t& value) {
    value = 0;
    for (uint32_t left = kBytesOfDigits[digits]; left > 0; --left) {
      value = value << 8 | ((static_cast<uint8_t>(*p_++) ^ invert_ ^ flip_) & 0xffu);
      flip_ = 0;
    }
    return value < kPowersOfTen[digits];
  }

 private:
  const char* p_;
  uint8_t invert_;
  uint8_t flip_;  ///< the sign bit in the first byte
};

/// Integer digits without leading zeros; null if a group is malformed.
char* put_integer(char* out, GroupReader& groups, uint32_t digits) {
  char* const begin = out;
  for (uint32_t left = digits; left > 0;) {
    const uint32_t width = left % kDigitsPerGroup != 0 ? left % kDigitsPerGroup : kDigitsPerGroup;
    uint32_t value;
    if (!groups.read(width, value)) return nullptr;
    left -= width;
    if (out != begin) {
      out = put_digits(out, value, width);
    } else if (value != 0) {
      out = put_digits(out, value, count_digits(value));
    }
  }
  if (out == begin) *out++ = '0';
  return out;
}

char* put_fraction(char* out, GroupReader& groups, uint32_t digits) {
  for (uint32_t left = digits; left > 0;) {
    const uint32_t width = left < kDigitsPerGroup ? left : kDigitsPerGroup;
    uint32_t value;
    if (!groups.read(width, value)) return nullptr;
    left -= width;
    out = put_digits(out, value, width);
  }
  return out;
}

}  // namespace

uint32_t decimal_body_size(uint8_t precision, uint8_t frac) {
  if (precision == 0 || frac > precision) return 0;
  const uint32_t size = bytes_of(static_cast<uint32_t>(precision - frac)) + bytes_of(frac);
  return size > kDecimalBodyBytesMax ? 0 : size;
}

Result<void> append_decimal(std::string& out, ByteView bytes) {
  if (bytes.size() < 3) return bad_number();
  const auto precision = static_cast<uint8_t>(bytes[0]);
  const auto frac = static_cast<uint8_t>(bytes[1]);
  const uint32_t size = decimal_body_size(precision, frac);
  if (size == 0 || bytes.size() < 2 + size) return bad_number();
  const uint32_t integer = static_cast<uint32_t>(precision - frac);
  if ((integer + 8) / kDigitsPerGroup + (frac + 8u) / kDigitsPerGroup > kGroupsMax) {
    return make_error(ErrorCode::kCorrupt, "Data Truncated");
  }
  std::array<char, 2 + 2 * kGroupsMax * kDigitsPerGroup> buffer;
  GroupReader groups(bytes.data() + 2);
  char* p = buffer.data();
  *p++ = '-';
  char* const first_digit = p;
  p = put_integer(p, groups, integer);
  if (p != nullptr && frac > 0) {
    *p++ = '.';
    p = put_fraction(p, groups, frac);
  }
  if (p == nullptr) return bad_number();
  const bool is_plain_zero = frac == 0 && *first_digit == '0';
  char* const begin = groups.is_negative() && !is_plain_zero ? buffer.data() : first_digit;
  out.append(begin, static_cast<size_t>(p - begin));
  return {};
}

}  // namespace drainer::tidb
