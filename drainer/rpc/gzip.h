#pragma once

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"

namespace drainer::rpc {

/// `plain` in gzip format. Any thread.
Bytes gzip(ByteView plain);

/// What the gzip members in `packed` hold, at most `size_bytes_max` of it: kUnsupported beyond,
/// kCorrupt for anything but gzip. Any thread.
Result<Bytes> gunzip(ByteView packed, size_t size_bytes_max);

}  // namespace drainer::rpc
