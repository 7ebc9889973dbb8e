#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/queue.h"
#include "drainer/base/result.h"
#include "drainer/schema/event_filter.h"
#include "drainer/schema/schema.h"
#include "drainer/schema/table_filter.h"
#include "drainer/tidb/binlog_item.h"
#include "loopback/mark_filter.h"
#include "syncer/sink.h"
#include "syncer/translate.h"

namespace drainer {

/// What the syncer lets pass. Plain data but for the filters' regular expressions.
struct SyncerRules {
  schema::TableFilter table_filter;
  schema::EventFilter event_filter;
  loopback::MarkFilter mark_filter;
  std::unordered_set<int64_t> ignored_commit_ts;
  bool sync_ddl = true;
  /// Databases with what the drainer keeps downstream; they are not dropped there.
  std::vector<std::string> own_schemas{};
  /// The upstream's time when this drainer started: with loopback control, what notes after it say
  /// about others holds while we run.
  std::optional<CommitTs> started_at{};
  /// End in order when everything up to here is applied; 0: never.
  CommitTs until;
};

/// Which rows the rules let pass. `rules` must outlive it. Of one thread: it remembers what it has
/// found out of tables.
RowFilter row_filter_of(const SyncerRules& rules);

/// The main loop: brings the schema to the version of each binlog, filters, translates, and submits
/// to the sink in commit-ts order (spec/drainer-process.md 3.5, schema-and-ddl.md 3.5). One thread.
class Syncer {
 public:
  /// All must outlive it. Binlogs up to `start` are dropped: an earlier run has applied them.
  Syncer(BoundedQueue<tidb::BinlogItem>& input, schema::Schema& schema, const SyncerRules& rules,
         Sink& sink, CommitTs start, Clock& clock);

  /// Called after each binlog that was submitted, with the schema as of then.
  using OnHandled = std::function<void(const schema::Schema&, CommitTs)>;
  void set_on_handled(OnHandled on_handled) { on_handled_ = std::move(on_handled); }

  /// Finished multi-schema changes, not `known` (sorted) yet, that rows with this column are
  /// already written for (schema-and-ddl.md 3.4). May block while upstream finishes the change.
  /// Without it such columns are left out.
  using FindNewerJobs = std::function<Result<std::vector<std::shared_ptr<const tidb::DdlJob>>>(
      const NewerColumn& column, const std::vector<DdlJobId>& known, const StopToken& stop)>;
  void set_find_newer_jobs(FindNewerJobs find) { find_newer_jobs_ = std::move(find); }

  /// Until the input ends, a binlog lies beyond `until`, or `stop`; closes the sink at its end.
  Result<void> run(const StopToken& stop);

  /// What the sink got last; once run() has ended.
  CommitTs last_submitted() const { return last_submitted_; }
  /// The schema is as of last_submitted(): no binlog was given up half-way.
  bool is_schema_settled() const { return last_ == last_submitted_; }

 private:
  enum class Arrival : uint8_t { kWithBinlog, kEarly };

  Result<void> run_until_stopped(const StopToken& stop);
  Result<void> handle(tidb::BinlogItem item, const StopToken& stop);
  Result<void> handle_dml(tidb::BinlogItem item, const StopToken& stop);
  /// Multi-schema changes up to `version` whose binlog comes after this one (schema-and-ddl.md 3.4
  /// FIX).
  Result<void> submit_early_changes(const tidb::BinlogView& binlog, SchemaVersion version,
                                    const StopToken& stop);
  /// True when a change was found that has to go first, and has gone.
  Result<bool> find_newer_changes(const std::vector<NewerColumn>& columns,
                                  const tidb::BinlogView& binlog, SchemaVersion version,
                                  const StopToken& stop);
  Result<Txn> translate_ddl(const tidb::BinlogView& binlog,
                            const std::shared_ptr<const tidb::DdlJob>& job, std::string_view text,
                            Arrival arrival);
  /// As in passing_ddl.h, with what the schema knows of the job.
  std::optional<std::string> passing_text(tidb::DdlType type, schema::DdlEffect& effect,
                                          std::string_view text) const;
  /// kInvalid when a drainer that runs at the same time sends our DDL back.
  Result<void> check_note(CommitTs commit_ts) const;
  /// Once per channel.
  void warn_of_channel(int64_t channel, CommitTs commit_ts);
  Txn progress_only(const tidb::BinlogView& binlog) const;
  Result<void> submit(Txn txn, const StopToken& stop);

  BoundedQueue<tidb::BinlogItem>& input_;
  schema::Schema& schema_;
  const SyncerRules& rules_;
  Sink& sink_;
  Clock& clock_;
  RowFilter row_filter_;
  CommitTs last_;  ///< of the newest binlog taken
  CommitTs last_submitted_;
  OnHandled on_handled_;
  FindNewerJobs find_newer_jobs_;
  /// Schema versions up to which newer columns have been looked into.
  std::map<std::pair<TableId, ColumnId>, SchemaVersion> newer_checked_;
  std::unordered_set<int64_t> other_channels_;  ///< that we have warned of
};

}  // namespace drainer
