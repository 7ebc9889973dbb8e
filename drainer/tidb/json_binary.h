#pragma once

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"

#include <cstdint>
#include <string>

namespace drainer::tidb {

// TiDB's binary JSON (spec/row-codec.md 6.11; grammar in README.md). Pure functions, any thread.

/// Containers inside containers. TiDB refuses more than 101 when they are written (before 6.4 more
/// than 10,000, which nobody has); the printer's stack grows with them.
inline constexpr uint32_t kJsonDepthMax = 1'000;

/// Bytes of the document at the start of `in` (type code and value), as its head tells; may be more
/// than `in` holds. 0 if the head is malformed.
uint64_t json_size(ByteView in);

/// Appends the text as TiDB prints it. `document` is type code and value. Every offset is checked
/// against its container and the work is bounded by depth times size. kCorrupt names the offset in
/// the document; `out` is then unchanged.
Result<void> append_json(std::string& out, ByteView document);

}  // namespace drainer::tidb
