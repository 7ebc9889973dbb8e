#pragma once

#include <string>
#include <vector>

#include "drainer/base/result.h"
#include "syncer/mysql/session/session.h"

namespace drainer::integration {

/// The data of databases in one canonical text, for comparing two servers: per table in byte order
/// a line `# db.table column,…`, then each row on a line: columns as upper-case hex of their text
/// (character columns as utf8mb4; FLOAT and DOUBLE to 12 significant digits; ZEROFILL without the
/// zeros) or NULL, joined by tabs, rows in byte order. Views: `# db.view (view) column,…`.
Result<std::string> dump_tables(mysql::Session& session, std::vector<std::string> databases);

/// The databases that a dump tells of.
std::vector<std::string> databases_in(const std::string& dump);

/// One sentence per difference, at most `most`; empty when equal.
std::vector<std::string> compare_dumps(const std::string& expected, const std::string& found,
                                       size_t most);

}  // namespace drainer::integration
