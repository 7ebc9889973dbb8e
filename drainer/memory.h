#pragma once

#include <cstddef>
#include <cstdint>

namespace drainer {

/// What each station between pumps and downstream may hold of `memory-limit-mib`. Plain data.
///
/// A station that is empty takes one binlog of any size: a transaction must come through whole.
struct MemoryShares {
  size_t pumps_bytes;    ///< received, waiting for the other pumps; all pumps together
  size_t binlogs_bytes;  ///< merged, waiting for the syncer
  size_t sink_bytes;     ///< translated, until applied; for the sink to divide
};

/// What the program needs beside binlogs: code, threads, connections, descriptions of tables.
inline constexpr int64_t kOwnMemoryMib = 32;

/// Of what the program leaves over (a quarter of the limit, if that is more) an eighth waits in
/// front of the syncer, a quarter at the pumps, the rest is the sink's.
constexpr MemoryShares share_memory(int64_t limit_mib) {
  const int64_t left_mib = limit_mib - kOwnMemoryMib;
  const size_t binlogs_bytes = left_mib * 4 > limit_mib ? static_cast<size_t>(left_mib) << 20
                                                        : static_cast<size_t>(limit_mib) << 18;
  const size_t eighth_bytes = binlogs_bytes / 8;
  return {.pumps_bytes = 2 * eighth_bytes,
          .binlogs_bytes = eighth_bytes,
          .sink_bytes = 5 * eighth_bytes};
}

static_assert(share_memory(64).pumps_bytes + share_memory(64).binlogs_bytes +
                  share_memory(64).sink_bytes ==
              32u << 20);
static_assert(share_memory(1).sink_bytes > 0);

}  // namespace drainer
