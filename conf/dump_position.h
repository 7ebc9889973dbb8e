#pragma once

#include <string>
#include <string_view>

#include "drainer/base/ids.h"
#include "drainer/base/result.h"

namespace drainer::conf {

/// The commit ts of the snapshot that a downstream was filled with, out of what the tool that took
/// it has left behind:
///
///     Dumpling   the file `metadata`: below "SHOW MASTER STATUS:" the lines "Log: tidb-binlog" and
///                "Pos: <commit ts>"
///     BR         its log: "[BackupTS=<commit ts>]" on the line of the success summary
///     BR         what `br validate decode --field=end-version` printed: the last line is a number
///
/// Everything up to it is in the snapshot, everything after it is to be replicated. kInvalid says
/// what was looked for, and what is in the way: a dump of a MySQL server, a failed backup.
Result<CommitTs> parse_dump_position(std::string_view text);

/// As parse_dump_position(), of a file, which the error names.
Result<CommitTs> read_dump_position(const std::string& path);

}  // namespace drainer::conf
