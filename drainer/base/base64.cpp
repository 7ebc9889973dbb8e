#include "drainer/base/base64.h"

#include <algorithm>
#include <cstdint>

namespace drainer {
namespace {

constexpr std::string_view kStandardDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

void append_base64(std::string& out, ByteView bytes, Base64Alphabet alphabet) {
  const bool is_url = alphabet == Base64Alphabet::kUrl;
  const std::string_view digits = is_url ? kUrlDigits : kStandardDigits;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (j < count ? static_cast<uint8_t>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j <= count; ++j) out += digits[bits >> (18 - 6 * j) & 63];
    if (!is_url) out.append(3 - count, '=');
  }
}

std::optional<size_t> decode_base64(std::string_view text, Bytes& out) {
  uint32_t bits = 0;
  size_t digits = 0;
  size_t padding = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' || text[i] == '\r') continue;
    const bool is_padding = text[i] == '=' && digits % 4 >= 2;
    const int value = value_of(text[i]);
    const bool is_after_end = padding > 0 && (!is_padding || digits % 4 + padding >= 4);
    if (is_after_end || (!is_padding && value < 0)) return i;
    if (is_padding) {
      ++padding;
      continue;
    }
    bits = bits << 6 | static_cast<uint32_t>(value);
    if (++digits % 4 != 0) continue;
    for (const int shift : {16, 8, 0}) out += static_cast<char>(bits >> shift);
  }
  if ((digits + padding) % 4 != 0) return text.size();
  if (digits % 4 == 2) out += static_cast<char>(bits >> 4);
  if (digits % 4 == 3) {
    out += static_cast<char>(bits >> 10);
    out += static_cast<char>(bits >> 2);
  }
  return std::nullopt;
}

}  // namespace drainer
