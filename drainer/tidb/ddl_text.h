#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/tidb/ddl_lexer.h"

namespace drainer::tidb {

// All that a drainer asks of DDL text, answered without a parser (spec/schema-and-ddl.md 4.4–4.6,
// mysql-sink.md 2.11). Pure functions. Text that falls into no tokens, or into several statements,
// has kind kOther and no names, and is returned as it is by those that rewrite.

enum class DdlKind : uint8_t {
  kOther,
  kCreateDatabase,
  kDropDatabase,
  kAlterDatabase,
  kCreateTable,
  kCreateView,
  kCreateIndex,
  kDropTable,
  kDropView,
  kDropIndex,
  kDropSequence,
  kTruncateTable,
  kRenameTable,
  kAlterTable,
};

/// The event name of the binlog filter, e.g. "create table"; "" for kOther and kDropSequence, which
/// the filter does not know.
std::string_view event_name(DdlKind kind);

/// A table's name as a text has it, without quotes.
struct NameInText {
  std::string schema;  ///< empty: not qualified, the session's database is meant
  std::string table;
  size_t begin = 0;  ///< bytes in the text
  size_t end = 0;

  bool is_qualified() const { return !schema.empty(); }
};

/// What a statement is and which tables it names, in the order of the text:
/// RENAME TABLE old, new, old, new …; ALTER TABLE the table, then the target of RENAME or the table
/// of EXCHANGE PARTITION; CREATE TABLE the table, then the source of LIKE; DROP TABLE, VIEW and
/// SEQUENCE all; databases none.
struct DdlStatement {
  DdlKind kind = DdlKind::kOther;
  std::vector<NameInText> tables;
};
DdlStatement parse_ddl(std::string_view text, SqlMode mode = {});

inline DdlKind classify_ddl(std::string_view text, SqlMode mode = {}) {
  return parse_ddl(text, mode).kind;
}
inline bool is_create_database(std::string_view text) {
  return classify_ddl(text) == DdlKind::kCreateDatabase;
}
/// ALTER TABLE or (FIX) ALTER DATABASE … SET TIFLASH REPLICA and nothing else: its failure
/// downstream does not matter.
bool is_only_tiflash_replica(std::string_view text);

/// The statements of `text` without their ';', empty ones left out. Borrows it. Text that does not
/// fall into tokens is one statement.
std::vector<std::string_view> split_statements(std::string_view text);

/// Without placement options, with every TTL switched off, `/*!90000 ` as `/*T! ` (4.5). Byte for
/// byte the same if there is nothing of that; else without the final ';'. Empty: do not send it.
std::string process_ddl_text(std::string_view text);

/// DROP TABLE (VIEW, SEQUENCE) of several tables as the DROP of `schema`.`table` alone: TiDB logs
/// one job, with the whole text, per table that existed. Run as it is, the text would drop
/// namesakes in the used database that upstream never touched, and tables that a filter protects
/// (2.6).
std::string drop_only(std::string_view text, std::string_view schema, std::string_view table);

/// RENAME TABLE with only those of its clauses that `keeps` says (a flag per clause). Anything
/// else, or another number of clauses, comes back as it is.
std::string rename_only(std::string_view text, const std::vector<bool>& keeps);

/// The text with `schema` before each name of parse_ddl() that is not qualified.
std::string qualify_names(std::string_view text, std::string_view schema);

/// The SQL mode in which a user's text makes sense: the default one, unless a string does not end
/// in it, or double quotes stand around names.
SqlMode guess_sql_mode(std::string_view text);

/// The text as it has to read in the default SQL mode.
///
/// TiDB prints strings of DDL with quotes doubled; backslashes it doubles only in expressions
/// (defaults, column comments), not in members of ENUM and SET, comments of tables, indices and
/// partitions, and other options: COMMENT='t\\' becomes 't\', which swallows what follows. Those
/// get their backslashes doubled here. Text not printed by TiDB (TiDB < 5.4, or kept because TiDB
/// could not parse it in the default mode) is rewritten from the mode that it seems to be in:
/// "name" to `name`, \ in strings to \\.
std::string to_default_sql_mode(std::string_view text);

/// What becomes of CHECK constraints: those that TiDB ignored are for a TiDB only. Others would
/// refuse rows that are there upstream, or to drop columns that they name.
enum class Checks : uint8_t { kKept, kIgnored };

/// The text as TiDB, MySQL and MariaDB all take it and mean the same by it, as far as that can be:
/// what only some of them know stands in comments that only those execute, or goes where it says
/// nothing (CHECK (…) ENFORCED); engines without transactions become InnoDB. A text that only TiDB
/// can run is a single comment, for which other servers have error 1065. In the default SQL mode;
/// byte for byte the same if all is common.
std::string to_common_dialect(std::string_view text, Checks checks = Checks::kKept);

/// A DDL about `schema`.`table` in TiDB's words: default mode, drop_only(), process_ddl_text().
/// Empty: nothing to send.
std::string ddl_for_tidb(std::string_view text, std::string_view schema, std::string_view table);

/// What to send to TiDB, MySQL or MariaDB for it: ddl_for_tidb(), to_common_dialect(). The session
/// must not have NO_BACKSLASH_ESCAPES in its sql_mode. Before it, `use` DdlEffect::use_schema
/// unless is_create_database(). Empty: nothing to send.
std::string ddl_for_mysql(std::string_view text, std::string_view schema, std::string_view table,
                          Checks checks = Checks::kKept);

}  // namespace drainer::tidb
