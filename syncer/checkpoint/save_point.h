#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "drainer/base/ids.h"
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

}  // namespace drainer
