#pragma once

#include <optional>
#include <string>

#include "drainer/base/bytes.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/base/reverse_writer.h"

namespace drainer::relay {

// Each record of ours names the commit ts of the one before it in the stream, so that one sees
// where a log has lost files: a downstream that was restored from a backup may need them.

/// Adds it to a record (README.md).
void put_previous_ts(ReverseWriter& out, CommitTs previous);
/// Nothing in records of the original, and of ours of old.
std::optional<CommitTs> find_previous_ts(ByteView payload);

/// Between `held` and `previous` something is missing, which stood before the record at `begins`.
struct Gap {
  CommitTs held;
  CommitTs previous;
  CommitTs begins;
};
/// The first gap of the log in `directory` behind `held`, up to which the downstream has
/// everything. A log whose records do not tell has none that one could know of; a warning where its
/// first files have been removed and it begins behind `held`.
Result<std::optional<Gap>> find_gap(const std::string& directory, CommitTs held);

}  // namespace drainer::relay
