#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "drainer/tidb/ddl_lexer.h"

namespace drainer::tidb {

// DDL text without what a downstream must not see (spec/schema-and-ddl.md 4.5, mysql-sink.md 2.11).
// Pure functions. Text that falls into no tokens comes back as it is.

/// Without placement options, with every TTL switched off, `/*!90000 ` as `/*T! ` (4.5). Byte for
/// byte the same if there is nothing of that; else without the final ';'. Empty: do not send it.
std::string process_ddl_text(std::string_view text);

/// DROP TABLE (VIEW, SEQUENCE) of several tables, in the default SQL mode, as the DROP of
/// `schema`.`table` alone: TiDB logs one job, with the whole text, per table that existed. Run as
/// it is, the text would drop namesakes in the used database that upstream never touched, and
/// tables that a filter protects (2.6).
std::string drop_only(std::string_view text, std::string_view schema, std::string_view table);

/// RENAME TABLE, written in `mode`, with only those of its clauses that `keeps` says (a flag per
/// clause). Anything else, or another number of clauses, comes back as it is.
std::string rename_only(std::string_view text, SqlMode mode, const std::vector<bool>& keeps);

/// The text, in the default SQL mode, with `schema` before each name of parse_ddl() that is not
/// qualified.
std::string qualify_names(std::string_view text, std::string_view schema);

/// A DDL about `schema`.`table` in TiDB's words: default mode, drop_only(), process_ddl_text().
/// Empty: nothing to send.
std::string ddl_for_tidb(std::string_view text, std::string_view schema, std::string_view table);

}  // namespace drainer::tidb
