#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace drainer {

/// Bytes of the well-formed UTF-8 sequence at the front of `text`, which must not be empty; 0 where
/// there is none: cut off, overlong, a surrogate, beyond U+10FFFF.
inline size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto is_tail = [&](size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4 || !is_tail(1)) return 0;
  if (first < 0xe0) return 2;
  if (!is_tail(2)) return 0;
  if (first < 0xf0) {
    const bool is_overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool is_surrogate = first == 0xed && byte(1) > 0x9f;
    return is_overlong || is_surrogate ? 0 : 3;
  }
  const bool is_overlong = first == 0xf0 && byte(1) < 0x90;
  const bool is_beyond = first == 0xf4 && byte(1) > 0x8f;
  return !is_tail(3) || is_overlong || is_beyond ? 0 : 4;
}

}  // namespace drainer
