#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "drainer/base/result.h"

namespace drainer::relay {

// Records do not tell their cluster. A file of ours, `cluster-id`, beside those of the log does, so
// that nobody takes a log for that of another cluster.

/// Nothing beside logs of the original, and of ours of old. kCorrupt when the file is no number.
Result<std::optional<uint64_t>> find_log_cluster(const std::string& directory);
/// On the disk on return.
Result<void> note_log_cluster(const std::string& directory, uint64_t cluster_id);

}  // namespace drainer::relay
