#pragma once

#include <string>

#include "drainer/base/ids.h"
#include "drainer/base/result.h"

namespace drainer {

// Commit timestamps as people write and read them. Local time is this process's.

/// The digits of a commit ts.
Result<CommitTs> parse_commit_ts(const std::string& text);

/// "YYYY-MM-DD hh:mm:ss" of local time, as its first commit ts.
Result<CommitTs> parse_local_time(const std::string& text);

/// The second of a commit ts in the same form.
std::string local_time_text(CommitTs ts);

}  // namespace drainer
