#pragma once

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"

#include <cstdint>
#include <string>

namespace drainer::tidb {

// DECIMAL as datums and JSON carry it (spec/row-codec.md 1.4): precision byte P, fraction byte F,
// body. Pure functions, any thread.

/// Largest body that a decimal may have.
inline constexpr uint32_t kDecimalBodyBytesMax = 40;

/// Bytes of the body for these header bytes; 0 if no decimal has them (F > P, P = 0, too large).
uint32_t decimal_body_size(uint8_t precision, uint8_t frac);

/// Appends the text: `-`, integer digits, `.` and exactly F digits. `bytes` = P F body.
/// kCorrupt "Bad Number" if digit groups or length break the format; `out` is then unchanged.
Result<void> append_decimal(std::string& out, ByteView bytes);

}  // namespace drainer::tidb
