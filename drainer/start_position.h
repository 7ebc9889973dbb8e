#pragma once

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

}  // namespace drainer
