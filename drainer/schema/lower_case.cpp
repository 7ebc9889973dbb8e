#include "drainer/schema/lower_case.h"

#include <clocale>
#include <cstddef>
#include <cstdint>
#include <cwctype>

#include "drainer/base/check.h"

namespace drainer::schema {

namespace {

// glibc has this locale built in.
locale_t unicode_locale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  CHECK(locale != nullptr, "the C library has no locale C.UTF-8");
  return locale;
}

// Length of the well-formed UTF-8 sequence at `at`, 0 if there is none; its code point in `rune`.
size_t decode(std::string_view text, size_t at, uint32_t& rune) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const uint32_t first = byte(at);
  const size_t size = first < 0x80   ? 1
                      : first < 0xC2 ? 0
                      : first < 0xE0 ? 2
                      : first < 0xF0 ? 3
                      : first < 0xF5 ? 4
                                     : 0;
  if (size == 0 || at + size > text.size()) return 0;
  rune = size == 1 ? first : first & (0x7FU >> size);
  for (size_t i = at + 1; i < at + size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    rune = rune << 6 | (byte(i) & 0x3FU);
  }
  return size;
}

void append(std::string& out, uint32_t rune) {
  if (rune < 0x80) return out.push_back(static_cast<char>(rune));
  const int tail = rune < 0x800 ? 1 : rune < 0x10000 ? 2 : 3;
  constexpr uint32_t kLead[] = {0, 0xC0, 0xE0, 0xF0};
  out.push_back(static_cast<char>(kLead[tail] | rune >> (6 * tail)));
  for (int i = tail - 1; i >= 0; --i) {
    out.push_back(static_cast<char>(0x80 | (rune >> (6 * i) & 0x3F)));
  }
}

}  // namespace

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    uint32_t rune = 0;
    const size_t size = decode(text, at, rune);
    if (size == 0) {
      out.push_back(text[at++]);
      continue;
    }
    append(out, static_cast<uint32_t>(towlower_l(static_cast<wint_t>(rune), unicode_locale())));
    at += size;
  }
  return out;
}

}  // namespace drainer::schema
