#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/tidb/ddl_lexer.h"

namespace drainer::tidb {

// What a DDL text is and which tables it names, answered without a parser (spec/schema-and-ddl.md
// 4.4, 4.6). Pure functions. Text that falls into no tokens, or into several statements, has kind
// kOther and no names.

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
DdlStatement parse_ddl(std::string_view text, SqlMode mode);

/// The same of a user's own text, in the mode that guess_sql_mode() finds it to be in.
DdlStatement parse_user_ddl(std::string_view text);

/// The same of tokens without markers of special comments and semicolons.
DdlStatement parse_ddl(const TokenList& tokens);

inline DdlKind classify_ddl(std::string_view text, SqlMode mode) {
  return parse_ddl(text, mode).kind;
}
inline DdlKind classify_user_ddl(std::string_view text) {
  return parse_user_ddl(text).kind;
}
inline bool is_create_database(std::string_view text) {
  return classify_user_ddl(text) == DdlKind::kCreateDatabase;
}
/// ALTER TABLE or (FIX) ALTER DATABASE … SET TIFLASH REPLICA and nothing else: its failure
/// downstream does not matter.
bool is_only_tiflash_replica(std::string_view text);

}  // namespace drainer::tidb
