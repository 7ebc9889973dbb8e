#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/result.h"

namespace drainer::file {

/// One pb file: `binlog-%016d-%s`, index and local time of creation (spec 3.1). Plain data.
struct Segment {
  uint64_t index = 0;
  std::string name;
};

/// The name of a file created now.
std::string segment_name(uint64_t index, int64_t unix_ms);
/// The index in a file's name; nothing for names of other files.
std::optional<uint64_t> parse_segment_index(std::string_view name);

/// The pb files of a directory by name. kCorrupt when an index is missing between them.
Result<std::vector<Segment>> list_segments(const std::string& directory);

/// Removes the files but for the newest that nobody has written to for `days`, however many.
void remove_old_segments(const std::string& directory, int64_t days, int64_t now_unix_ms);

/// Removes the files with a smaller index than `index`.
void remove_segments_before(const std::string& directory, uint64_t index);

}  // namespace drainer::file
