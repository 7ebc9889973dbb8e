#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "drainer/base/ids.h"

/// The documents that the status port gives out, byte for byte as the original's
/// (spec/drainer-process.md 6.2). Pure functions.
namespace drainer::server {

/// What PD has said last about the GC safe point that this drainer holds. Plain data.
struct GcSafePoint {
  bool is_held = false;
  CommitTs wanted;
  CommitTs minimum;          ///< over all services of the cluster
  int64_t seconds_left = 0;  ///< until PD forgets it, if it is not renewed
};

/// What /status tells. Plain data.
struct Status {
  /// Last received ts by pump, as of the last look at the list of pumps; nothing before the first.
  std::optional<std::map<std::string, CommitTs>> pump_positions = {};
  bool synced = false;
  CommitTs last_ts = {};  ///< of the checkpoint
  /// Only with load-schema-snapshot. The original does not show it; its readers skip the member.
  std::optional<GcSafePoint> gc_safe_point = {};
};

/// One line of JSON.
std::string status_document(const Status& status);

/// The answer of /commit_ts, indented.
std::string commit_ts_document(CommitTs checkpoint_ts);

/// The answer of /state/…; a refused one has code 3, which is no HTTP status.
std::string action_document(std::string_view message, bool accepted);

}  // namespace drainer::server
