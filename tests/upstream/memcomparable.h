#pragma once

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"

namespace drainer::upstream {

/// TiKV's order-preserving form of bytes: groups of 8, each with a marker byte
/// (spec/upstream-protocols.md 6.3).
void append_memcomparable(Bytes& out, ByteView raw);
Bytes memcomparable(ByteView raw);

/// Takes one encoded value off the front of `rest` and returns the raw bytes.
Result<Bytes> take_memcomparable(ByteView& rest);

}  // namespace drainer::upstream
