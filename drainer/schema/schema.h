#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/tidb/ddl_job.h"
#include "drainer/tidb/table_info.h"

namespace drainer::schema {

struct TableName {
  std::string schema;  ///< original spelling
  std::string table;   ///< empty for a DDL of a whole database

  friend auto operator<=>(const TableName&, const TableName&) = default;
};

/// A table as it is from one schema version on. Immutable snapshot; any thread.
struct TableVersion {
  TableName name;
  std::shared_ptr<const tidb::TableInfo> info;
  SchemaVersion since;
  /// The structure before the last change, for the defaults of columns that old rows lack; at most
  /// one step back (its own `previous` is null).
  std::shared_ptr<const TableVersion> previous;
};

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
  /// Database to `use` for the text: that of the table before a rename, else name.schema (2.6).
  std::string use_schema;
  /// All tables whose downstream description may have changed: old and new names.
  std::vector<TableName> touched;
};

/// Outcome of a look-up by table id.
struct TableLookup {
  enum class State : uint8_t {
    kFound,
    kTruncated,  ///< rows of a table that has been truncated or dropped since: drop them (2.7)
    kUnknown,
  };
  State state = State::kUnknown;
  std::shared_ptr<const TableVersion> table;
};

/// Databases and tables at a point of the stream (spec/schema-and-ddl.md 2).
///
/// Fed with jobs from the history (pending until their version is reached) and from the stream.
/// Jobs are known by id, so each is applied once, whatever the order of versions (3.4 FIX).
/// One thread; the TableVersions it hands out may go anywhere.
class Schema {
 public:
  Schema();

  /// What to do with job types that this build does not know (issue 4): stop is the default.
  enum class UnknownJobPolicy : uint8_t { kStop, kPass, kSkip };
  void set_unknown_job_policy(UnknownJobPolicy policy) { unknown_job_policy_ = policy; }

  /// A finished job that the stream may still bring or that lies before its start. Jobs come in any
  /// order; unfinished, failed and system-table jobs are dropped here.
  void add_pending(std::shared_ptr<const tidb::DdlJob> job);

  /// Applies pending jobs with version <= `version` in order of (version, id); before a DML.
  Result<void> advance_to(SchemaVersion version);

  /// Applies the job of a DDL binlog (after all pending ones below its version) and says what to do
  /// with its text. `is_delete_only` is the early binlog of DROP COLUMN(S). A job that was applied
  /// early by advance_to() keeps its effect.
  Result<DdlEffect> apply_ddl(const std::shared_ptr<const tidb::DdlJob>& job, bool is_delete_only);

  TableLookup find_table(TableId id) const;
  SchemaVersion version() const { return version_; }

  /// Number of live tables and databases, for the log and for tests.
  size_t table_count() const { return tables_.size(); }
  size_t database_count() const { return databases_.size(); }

 private:
  struct Database {
    std::string name;
    std::vector<TableId> tables;
  };

  UnknownJobPolicy unknown_job_policy_ = UnknownJobPolicy::kStop;
  SchemaVersion version_{0};
  std::unordered_map<SchemaId, Database> databases_;
  std::unordered_map<TableId, std::shared_ptr<const TableVersion>> tables_;
};

}  // namespace drainer::schema
