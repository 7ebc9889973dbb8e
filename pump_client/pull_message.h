#pragma once

#include <cstddef>
#include <cstdint>

#include "drainer/base/bytes.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"

namespace drainer {

// The two messages of PullBinlogs (spec/upstream-protocols.md 2.1), by hand: a response may be
// 2 GiB long and is kept as it came.

/// PullBinlogReq: binlogs with commit ts above `after`. Negative positions are never sent.
Bytes encode_pull_request(uint64_t cluster_id, CommitTs after);

/// Where the Binlog lies in a PullBinlogResp.
struct PayloadRange {
  size_t offset = 0;
  size_t length = 0;
};

/// kCorrupt when the message is no PullBinlogResp. A response without payload is an empty range.
Result<PayloadRange> find_payload(ByteView message);

}  // namespace drainer
