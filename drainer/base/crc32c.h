#pragma once

#include <cstdint>

#include "drainer/base/bytes.h"

namespace drainer {

/// CRC-32C (Castagnoli, reflected, initial value and final xor all ones) of `bytes`. Continue with
/// `previous`: crc32c(b, crc32c(a)) is that of a and b together.
uint32_t crc32c(ByteView bytes, uint32_t previous = 0);

/// The same without the processor's instruction: what crc32c() does where that is missing.
uint32_t crc32c_portable(ByteView bytes, uint32_t previous = 0);

}  // namespace drainer
