#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drainer/base/ids.h"
#include "drainer/tidb/table_info.h"

namespace drainer::schema {

struct TableName {
  std::string schema;  ///< original spelling
  std::string table;   ///< empty for a DDL of a whole database

  friend auto operator<=>(const TableName&, const TableName&) = default;
};

/// A table as the original has it where it errs (spec/schema-and-ddl.md 2.6); its messages and pb
/// files are like that. Immutable.
struct OriginalErrors {
  /// In its rows. A RENAME TABLE of several tables leaves the schema as it was; the name, too,
  /// which the next change of the table puts right, and for the last of them at once.
  TableName name;
  /// By which rules judge its rows: that of before, until it is renamed by itself.
  TableName rule_name;
  /// FLASHBACK TABLE brought it back after a TRUNCATE: its rows are taken for late ones of before.
  bool drops_rows = false;
};

/// A table as it is from one schema version on. Immutable snapshot; any thread.
struct TableVersion {
  TableName name;
  /// Its own id is an older one of the table after an exchange of partitions.
  std::shared_ptr<const tidb::TableInfo> info;
  SchemaVersion since;
  /// The structure before the last change, for the defaults of columns that old rows lack; at most
  /// one step back (its own `previous` is null).
  std::shared_ptr<const TableVersion> previous;
  /// Null where the original has it right, as nearly always.
  std::shared_ptr<const OriginalErrors> original_errors;
};

/// How a table id came to its end.
enum class EndOfTable : uint8_t { kDropped, kTruncated };

/// What a DDL job means for the output (spec/schema-and-ddl.md 2.4–2.6, 3.5).
struct DdlEffect {
  enum class Action : uint8_t {
    kExecute,  ///< send the text downstream
    kIgnore,   ///< nothing to send; progress may advance
  };
  Action action = Action::kIgnore;
  /// Why it is ignored, in the words of the original's log lines (drainer-process.md 8.3); empty if
  /// executed.
  std::string reason;
  /// The table the DDL is about, after the change; `table` empty for databases. Filters judge it.
  TableName name;
  /// Database to `use` for the text: where its unqualified names live, else name.schema (2.6).
  std::string use_schema;
  /// TiDB has taken none of the text's CHECK constraints: before 7.2, and later by default, it
  /// reads them and forgets them.
  bool ignores_checks = false;
  /// All tables whose downstream description may have changed: old and new names. Of a batch of
  /// CREATE TABLEs the i-th statement makes the i-th of them.
  std::vector<TableName> touched;
  /// Of renames some are about tables that the filter leaves out, others about replicated ones: a
  /// downstream that lacks a table, or has it already, is no sign that they have been done.
  bool must_fit = false;
};

}  // namespace drainer::schema
