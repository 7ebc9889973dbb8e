#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace drainer::tidb {

/// What becomes of CHECK constraints: those that TiDB ignored are for a TiDB only. Others would
/// refuse rows that are there upstream, or to drop columns that they name.
enum class Checks : uint8_t { kKept, kIgnored };

/// The text as TiDB, MySQL and MariaDB all take it and mean the same by it, as far as that can be:
/// what only some of them know stands in comments that only those execute, or goes where it says
/// nothing (CHECK (…) ENFORCED); engines without transactions become InnoDB. A text that only TiDB
/// can run is a single comment, for which other servers have error 1065. In the default SQL mode;
/// byte for byte the same if all is common.
std::string to_common_dialect(std::string_view text, Checks checks = Checks::kKept);

/// What to send to TiDB, MySQL or MariaDB for it: ddl_for_tidb(), to_common_dialect(). The session
/// must not have NO_BACKSLASH_ESCAPES in its sql_mode. Before it, `use` DdlEffect::use_schema
/// unless is_create_database(). Empty: nothing to send.
std::string ddl_for_mysql(std::string_view text, std::string_view schema, std::string_view table,
                          Checks checks = Checks::kKept);

}  // namespace drainer::tidb
