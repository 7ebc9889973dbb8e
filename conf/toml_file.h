#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/key_table.h"
#include "drainer/base/result.h"

namespace drainer::conf {

/// Sets options from the TOML text of the file at `path` (spec/drainer-process.md 1.6).
///
/// Returns everything that is wrong with it, one line each, in the order of the file: values of a
/// wrong type in the words of the original; then its sentence about unknown keys and, for each of
/// them, the line and the nearest known key. Error: the text is no TOML; nothing was set then.
/// Keys match without regard to case; an exact match wins.
Result<std::vector<std::string>> apply_toml(std::string_view path, std::string_view text,
                                            Draft& draft);

/// The bytes of a file. Errors as Go's: `open <path>: no such file or directory`.
Result<std::string> read_file(const std::string& path);

}  // namespace drainer::conf
