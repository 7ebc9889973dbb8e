#pragma once

#include <cstdint>
#include <optional>

#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "syncer/checkpoint/save_point.h"

namespace drainer {

/// Where progress is kept between runs. One thread.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;
  /// Nothing when no drainer has saved here yet for this cluster.
  virtual Result<std::optional<SavePoint>> load() = 0;
  /// Tries several times; from `stop` on not once more: then kStopped.
  virtual Result<void> save(const SavePoint& point, const StopToken& stop) = 0;
  /// Of the cluster whose progress this is; 0 where a checkpoint does not tell.
  virtual uint64_t cluster_id() const { return 0; }
};

}  // namespace drainer
