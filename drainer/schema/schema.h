#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "conf/options.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/schema/schema_image.h"
#include "drainer/schema/table_version.h"
#include "drainer/tidb/ddl_job.h"
#include "drainer/tidb/ddl_statement.h"
#include "drainer/tidb/schema_snapshot.h"
#include "drainer/tidb/table_info.h"

namespace drainer::schema {

/// Outcome of a look-up by table id.
struct TableLookup {
  enum class State : uint8_t {
    kFound,
    kTruncated,  ///< rows of a table that has been truncated or dropped since: drop them (2.7)
    kUnknown,
  };
  State state = State::kUnknown;
  std::shared_ptr<const TableVersion> table;
  /// By which rules judge its rows. Lives as long as `table`; null if not found.
  const TableName* rule_name = nullptr;
  TableId id;  ///< of the table now
  SchemaId schema;
};

/// Databases and tables at a point of the stream (spec/schema-and-ddl.md 2).
///
/// Fed with jobs from the history (pending until their version is reached) and from the stream.
/// Jobs are known by id, so each is applied once, whatever the order of versions (3.4 FIX).
/// One thread; the TableVersions it hands out may go anywhere.
class Schema {
 public:
  Schema();

  /// What to do with job types that this build does not know: stop is the default. With the
  /// others their text is sent or left out, and the schema follows what the job shows.
  void set_unknown_ddl_action(UnknownDdlAction action) { unknown_ddl_action_ = action; }

  /// True: find_table() and the names in effects show what the original makes of it, errors
  /// included (OriginalErrors), for outputs that repeat its messages byte for byte. May change at
  /// any time.
  void set_shows_original_errors(bool shows) { shows_original_errors_ = shows; }
  bool shows_original_errors() const { return shows_original_errors_; }

  /// The tables of a database that came back by FLASHBACK DATABASE, as of job.finished_ts; asked
  /// only when the drop was not seen or is more than a week old.
  using FindTables = std::function<Result<std::vector<std::shared_ptr<const tidb::TableInfo>>>(
      const tidb::DdlJob&)>;
  void set_find_recovered_tables(FindTables find) { find_recovered_tables_ = std::move(find); }

  /// Starts from all databases and tables as of the start (loader B, 2.9), without columns that are
  /// not public yet or any more. The schema is empty.
  Result<void> load(const tidb::SchemaSnapshot& snapshot, SchemaVersion version);

  /// A finished job that the stream may still bring or that lies before its start. Jobs come in any
  /// order; unfinished, failed and system-table jobs are dropped here.
  void add_pending(std::shared_ptr<const tidb::DdlJob> job);
  /// The same, parsed only when its version is reached. `outline` need not have its texts.
  void add_pending_json(const tidb::DdlJob& outline, Bytes json);
  size_t pending_count() const { return pending_.size(); }

  /// Applies pending jobs with version <= `version` in order of (version, id); before a DML.
  Result<void> advance_to(SchemaVersion version);
  /// The same for what the operator does not want (`ignore-txn-commit-ts`): jobs that do not fit
  /// are left out, with a warning.
  void advance_past_misfits(SchemaVersion version);

  /// Applies the job of a DDL binlog (after all pending ones below its version) and says what to do
  /// with its text. A job that was applied early by advance_to() keeps its effect; one that comes a
  /// second time is ignored. kUnsupported for types that stop the drainer; the caller adds the
  /// commit ts.
  Result<DdlEffect> apply_ddl(const std::shared_ptr<const tidb::DdlJob>& job);
  /// The same for one of early_changes(), up to whose version other jobs may still be to come: the
  /// stream has only come to where rows have what it adds.
  Result<DdlEffect> apply_early(const std::shared_ptr<const tidb::DdlJob>& job);

  /// Applies the job of a DDL binlog whose text the operator does not want (`ignore-txn-commit-ts`,
  /// 5.1 FIX). Nothing stops us here: no type, and no job that does not fit.
  void skip_ddl(const std::shared_ptr<const tidb::DdlJob>& job);

  /// Pending multi-schema changes that rows of schema version `version`, committed at `commit_ts`,
  /// are already written for although their DDL binlog comes later (3.4). Before such a DML, give
  /// each to apply_early(), execute its query, and go on; the later binlog is then ignored.
  Result<std::vector<std::shared_ptr<const tidb::DdlJob>>> early_changes(SchemaVersion version,
                                                                         CommitTs commit_ts) const;

  /// A pending job of the table leaves it as `test` wants it.
  using TestTable = std::function<bool(const tidb::TableInfo&)>;
  Result<bool> any_pending(TableId table, const TestTable& test) const;
  /// A row of `version` proves that a pending multi-schema change of the table which leaves it as
  /// `test` wants it is public, whatever its sub-jobs tell: early_changes() gives it from now on.
  /// False when there is none.
  Result<bool> bring_forward(TableId table, const TestTable& test, SchemaVersion version);

  TableLookup find_table(TableId id) const;
  SchemaVersion version() const { return version_; }

  /// Number of live tables and databases, for the log and for tests.
  size_t table_count() const { return tables_.size(); }
  size_t database_count() const { return databases_.size(); }
  /// All live tables, in no order.
  std::vector<std::pair<TableId, std::shared_ptr<const TableVersion>>> tables() const;

  /// All of it but pending jobs, to be kept; `commit_ts` is that of the newest binlog handled.
  SchemaImage image(CommitTs commit_ts) const;
  /// Jobs of the history that were applied, are pending or change nothing; sorted.
  std::vector<DdlJobId> known_jobs() const;
  /// Counts the jobs that were applied: while it stays the same, so does image().
  uint64_t change_count() const { return change_count_; }

  // For the start (history.h).

  /// Goes on from an image. The schema is empty.
  void restore(const SchemaImage& image);
  /// True: tables of dropped databases are remembered for longer than a week.
  void set_keeps_dropped(bool keeps) { keeps_dropped_ = keeps; }
  /// An entry of the history that has been dealt with.
  void note_known(DdlJobId job) { known_jobs_.push_back(job); }

  /// Applies a job that lies before the start. Its effect is kept for its binlog may still come.
  Result<void> apply_past(const std::shared_ptr<const tidb::DdlJob>& job);
  /// A job of the time before load(): late rows under ids that it ended are dropped, or belong to
  /// the table's new id. FIX (2.6): to the original they are unknown.
  void note_ended_ids(const tidb::DdlJob& job);
  /// Forgets what only helps against late rows and repeated binlogs: ids of gone tables, effects.
  void forget_past();
  /// Replaces every description by what `resolve` makes of it. Null: there is none, which is an
  /// error for live tables only.
  using Resolve = std::function<Result<std::shared_ptr<const tidb::TableInfo>>(
      const std::shared_ptr<const tidb::TableInfo>&)>;
  Result<void> resolve_infos(const Resolve& resolve);

 private:
  using TablePtr = std::shared_ptr<const TableVersion>;
  using InfoPtr = std::shared_ptr<const tidb::TableInfo>;
  struct Database {
    std::string name;
    std::unordered_set<TableId> tables;
  };
  struct Table {
    SchemaId schema;
    TablePtr version;
    TablePtr in_original;  ///< the same where the original does not err about its name
  };
  struct Pending {
    SchemaVersion public_since;
    TableId table;
    int64_t finished_ts;
    std::shared_ptr<const tidb::DdlJob> job;  ///< null: still `json`
    Bytes json;
  };
  using JobKey = std::pair<SchemaVersion, DdlJobId>;
  struct DroppedDatabase {
    int64_t finished_ts;
    std::vector<std::pair<TableId, TablePtr>> tables;
  };
  struct Rename {
    TableId table;
    SchemaId schema;
    std::string name;
  };
  using PendingJobs = std::map<JobKey, Pending>;

  void put_pending(const tidb::DdlJob& outline, std::shared_ptr<const tidb::DdlJob> job,
                   Bytes json);
  void erase_pending(JobKey key);
  Result<std::optional<JobKey>> find_pending(TableId table, const TestTable& test) const;
  static Result<std::shared_ptr<const tidb::DdlJob>> job_of(const Pending& pending);
  Result<void> apply_first_pending();
  Result<DdlEffect> apply_stream_job(const std::shared_ptr<const tidb::DdlJob>& job,
                                     SchemaVersion reached);
  Result<DdlEffect> apply_job(const std::shared_ptr<const tidb::DdlJob>& job,
                              SchemaVersion reached);

  // schema_changes.cpp, schema_renames.cpp: what each SchemaChange does.
  Result<DdlEffect> apply(const tidb::DdlJob& job);
  Result<DdlEffect> apply_unknown(const tidb::DdlJob& job);
  Result<DdlEffect> create_database(const tidb::DdlJob& job);
  Result<DdlEffect> alter_database(const tidb::DdlJob& job);
  Result<DdlEffect> drop_database(const tidb::DdlJob& job);
  Result<DdlEffect> recover_database(const tidb::DdlJob& job);
  Result<DdlEffect> create_table(const tidb::DdlJob& job);
  Result<DdlEffect> create_tables(const tidb::DdlJob& job);
  Result<DdlEffect> alter_table(const tidb::DdlJob& job);
  Result<DdlEffect> drop_table(const tidb::DdlJob& job);
  Result<DdlEffect> truncate_table(const tidb::DdlJob& job);
  Result<DdlEffect> rekey_table(const tidb::DdlJob& job);
  Result<DdlEffect> rename_table(const tidb::DdlJob& job);
  Result<DdlEffect> rename_tables(const tidb::DdlJob& job);
  Result<DdlEffect> rename_by_text(const tidb::DdlJob& job);
  Result<DdlEffect> exchange_partition(const tidb::DdlJob& job);

  Result<Database*> find_database(SchemaId id);
  Result<Table*> find_live(TableId id);
  const Database* find_database_named(std::string_view name, SchemaId* id) const;
  bool has_table_named(const Database& database, std::string_view name) const;
  std::optional<std::vector<Rename>> find_renames(const std::vector<tidb::NameInText>& names,
                                                  const std::string& session) const;
  std::string like_schema(const DdlEffect& effect, const tidb::DdlJob& job) const;
  Result<void> add_table(SchemaId schema, TableId id, const std::string& name, InfoPtr info,
                         SchemaVersion since, const TablePtr& before);
  Result<void> add_new_table(SchemaId schema, const InfoPtr& info, SchemaVersion since);
  /// `errors`: what the original makes of it; null: it has it right.
  using ErrorsPtr = std::shared_ptr<const OriginalErrors>;
  void move_table(TableId id, SchemaId schema, const std::string& name, InfoPtr info,
                  SchemaVersion since, ErrorsPtr errors);
  void put_table(TableId id, SchemaId schema, TablePtr version);
  void warn_of_original_errors(const tidb::DdlJob& job, std::string_view what) const;
  /// Ends the table under this id.
  void end_table(TableId id, EndOfTable how);
  void remove_table(TableId id);
  void remove_replaced_views(SchemaId schema, const tidb::TableInfo& view);

  UnknownDdlAction unknown_ddl_action_ = UnknownDdlAction::kStop;
  bool shows_original_errors_ = false;
  bool keeps_dropped_ = false;
  FindTables find_recovered_tables_;

  SchemaVersion version_{0};
  std::unordered_map<SchemaId, Database> databases_;
  std::unordered_map<TableId, Table> tables_;
  std::unordered_map<TableId, TableId> aliases_;  ///< old id -> id of the same table now
  std::unordered_map<TableId, EndOfTable> gone_;
  std::unordered_map<SchemaId, DroppedDatabase> dropped_databases_;
  PendingJobs pending_;
  /// Multi-schema changes among them, by the version since when rows may need them.
  std::set<std::pair<SchemaVersion, JobKey>> pending_changes_;
  /// Effects of jobs that were applied before their binlog came.
  std::unordered_map<DdlJobId, DdlEffect> early_effects_;
  std::unordered_set<DdlJobId> done_;
  std::vector<DdlJobId> known_jobs_;  ///< in no order, with doubles
  uint64_t change_count_ = 0;
};

/// Ids above are system tables that TiDB makes without telling (2.4): 2^48 - 1 - 1000.
inline constexpr TableId kMaxTableId{281474976709655};

}  // namespace drainer::schema
