#include "drainer/base/crc32c.h"

#include <array>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace drainer {

namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;

// kTable[k][b]: the effect of byte b followed by k zero bytes.
using Table = std::array<std::array<uint32_t, 256>, 8>;
constexpr Table kTable = [] {
  Table table{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[0][b] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t b = 0; b < 256; ++b) {
      const uint32_t before = table[k - 1][b];
      table[k][b] = (before >> 8) ^ table[0][before & 0xff];
    }
  }
  return table;
}();

uint32_t update_portable(uint32_t crc, const char* p, size_t size) {
  for (; size >= 8; p += 8, size -= 8) {
    const uint64_t word = load_le64(p) ^ crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= kTable[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; size > 0; ++p, --size) {
    crc = (crc >> 8) ^ kTable[0][(crc ^ static_cast<uint8_t>(*p)) & 0xff];
  }
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t update_sse42(uint32_t crc, const char* p, size_t size) {
  uint64_t wide = crc;
  for (; size >= 8; p += 8, size -= 8) wide = _mm_crc32_u64(wide, load_le64(p));
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; ++p, --size) crc = _mm_crc32_u8(crc, static_cast<uint8_t>(*p));
  return crc;
}
#endif

}  // namespace

uint32_t crc32c_portable(ByteView bytes, uint32_t previous) {
  return ~update_portable(~previous, bytes.data(), bytes.size());
}

uint32_t crc32c(ByteView bytes, uint32_t previous) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) {
    return ~update_sse42(~previous, bytes.data(), bytes.size());
  }
#endif
  return crc32c_portable(bytes, previous);
}

}  // namespace drainer
