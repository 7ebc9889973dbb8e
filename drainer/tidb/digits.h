#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>

namespace drainer::tidb {

// Decimal digits. Pure functions; those that put them into a buffer return the byte after, and the
// caller answers for the room.

inline constexpr std::array<char, 200> kDigitPairs = [] {
  std::array<char, 200> pairs{};
  for (uint32_t i = 0; i < 100; ++i) {
    pairs[i * 2] = static_cast<char>('0' + i / 10);
    pairs[i * 2 + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

/// Two digits of a number below 100.
inline char* put_two_digits(char* out, uint32_t value) {
  std::memcpy(out, &kDigitPairs[value * 2], 2);
  return out + 2;
}

/// Exactly `count` digits (1 to 10), zeros in front; higher digits are lost.
inline char* put_digits(char* out, uint32_t value, uint32_t count) {
  char* p = out + count;
  while (p - out >= 2) {
    p -= 2;
    put_two_digits(p, value % 100);
    value /= 100;
  }
  if (p != out) *out = static_cast<char>('0' + value % 10);
  return out + count;
}

/// The number's decimal text behind `out`.
template <class Integer>
void append_integer(std::string& out, Integer value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

/// Number of digits of `value`, 1 to 10.
inline uint32_t count_digits(uint32_t value) {
  uint32_t count = 1;
  for (uint64_t limit = 10; value >= limit; limit *= 10) ++count;
  return count;
}

}  // namespace drainer::tidb
