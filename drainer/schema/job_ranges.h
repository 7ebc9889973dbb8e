#pragma once

#include <vector>

#include "drainer/base/ids.h"

namespace drainer::schema {

/// A run of neighbouring entries of the history.
struct JobRange {
  DdlJobId first;
  DdlJobId last;

  friend bool operator==(const JobRange&, const JobRange&) = default;
};

/// The entries among `ids` that are not `known`, as ranges without known entries in between. Both
/// are sorted. Pure.
inline std::vector<JobRange> unknown_ranges(const std::vector<DdlJobId>& ids,
                                            const std::vector<DdlJobId>& known) {
  std::vector<JobRange> ranges;
  auto next_known = known.begin();
  bool is_open = false;
  for (const DdlJobId id : ids) {
    while (next_known != known.end() && *next_known < id) ++next_known;
    if (next_known != known.end() && *next_known == id) {
      is_open = false;
    } else if (is_open) {
      ranges.back().last = id;
    } else {
      ranges.push_back({id, id});
      is_open = true;
    }
  }
  return ranges;
}

}  // namespace drainer::schema
