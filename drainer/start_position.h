#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "conf/options.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "syncer/checkpoint/checkpoint.h"

namespace drainer {

/// Where a run begins. Plain data.
struct StartPosition {
  SavePoint save_point;
  bool has_checkpoint = false;  ///< an earlier run has saved it
  /// Somebody has said where to start, whether a checkpoint stands above it or not.
  bool is_start_given = false;
};

/// The checkpoint's position; without one what the options say, by themselves or by the files of a
/// dump; else `now`, PD's time (spec/drainer-process.md 2.1). An error when it lies ahead of `now`.
Result<StartPosition> find_start(const Options& options, Checkpoint& checkpoint, CommitTs now);

/// Where an earlier run with this data directory had come to at least, by the schema that it kept;
/// nothing when there was none of this cluster.
std::optional<CommitTs> find_reached(const std::string& data_dir, uint64_t cluster_id);

/// For a run that has no checkpoint and starts at the cluster's time because nobody has said where:
/// an error when an earlier run had come to `reached`, since what lies between would be missing. It
/// is a warning when `-1` was written down.
Result<void> check_left_out(const Options& options, std::optional<CommitTs> reached);

}  // namespace drainer
