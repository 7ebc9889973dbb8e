#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "drainer/base/ids.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"

namespace drainer {

/// What a checkpoint holds (spec/drainer-process.md 4.3). Plain data.
struct SavePoint {
  CommitTs commit_ts;            ///< everything up to it is applied
  SchemaVersion schema_version;  ///< largest version met so far; 0 in rows of old drainers
  bool consistent = false;       ///< true only after a clean stop
  std::map<std::string, int64_t> ts_map;
};

/// The JSON of the checkpoint row, byte for byte as Go writes it; and back, with Go's leniency.
std::string to_json(const SavePoint& point);
Result<SavePoint> parse_save_point(std::string_view json);

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
