#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/schema/table_version.h"
#include "syncer/mysql/applied_state.h"
#include "syncer/mysql/session/session.h"

namespace drainer::mysql {

inline constexpr std::string_view kProgressTableName = "drainer_progress";
/// Where the progress is unless somebody says otherwise.
inline schema::TableName default_progress_table() {
  return {"tidb_binlog", std::string(kProgressTableName)};
}
/// In place of a worker's number.
inline constexpr uint32_t kCheckpointRow = UINT32_MAX;

/// Exactly-once progress (spec/mysql-sink.md 6.2): each worker has a row in the downstream that
/// each of its transactions updates together with its rows, so that after a crash or a lost answer
/// the downstream itself tells what it holds.
///
///     CREATE TABLE IF NOT EXISTS `<checkpoint schema>`.`drainer_progress` (
///       cluster_id    of the upstream
///       worker        number of the worker that owns the row, from 0
///       owner         names the process that may write: host, pid, random
///       epoch         raised by every connection that starts to write
///       commit_ts, applied, ddl_ts      AppliedState; `applied` is encode_spans(). In the row
///                     kCheckpointRow commit_ts is where the run's safe mode ends, 0 without
///       checkpoint_ts the checkpoint with which the owner started, in row 0; the one that it has
///                     announced last, in the row kCheckpointRow
///       saved_ts      in kCheckpointRow the one before that; in row 0 the one that the run before
///                     had announced last
///       PRIMARY KEY (cluster_id, worker))
///
/// A drainer announces each checkpoint before it saves it. So a checkpoint that is neither of the
/// last two has been saved by somebody else, such as a Go drainer that went over what a crashed run
/// had applied already. (One that crashed before its first save, within seconds, cannot be seen.)
/// The last one of the run before counts as ours, too: that run may have been stopped (SIGSTOP)
/// between the two and save it long after it was replaced.
///
/// All rows together are the truth: the largest commit_ts, and what any of them holds above it.
///
/// Fencing: a process that starts puts its name into `owner` and raises `epoch` in all rows; a
/// connection that replaces a lost one raises the `epoch` of its row if the process still is the
/// owner. Each transaction's update asks for its own epoch and must match one row. So neither an
/// older process nor a packet of our own that is still on its way to the server can commit any more
/// once the epoch has been raised, and what a raise reads is final. Rows are only made at a start.
///
/// A transaction of an older process that was stopped or cut off keeps its row locked. So each
/// session that writes a row holds a NamedLock of its process, by which a start finds and ends
/// those that are idle.
///
/// One thread; works on the session it is given.
class ProgressTable {
 public:
  struct Id {
    schema::TableName table = default_progress_table();
    uint64_t cluster_id = 0;
    std::string owner;
  };

  explicit ProgressTable(Id id);

  /// Creates schema and table. kDenied names the privileges that are missing; kInvalid a table
  /// without transactions.
  Result<void> create(Session& session);

  struct Previous {
    AppliedState state;
    CommitTs checkpoint_ts;  ///< of the run before, at its start
    CommitTs announced_ts;   ///< its last checkpoint, which may not have been saved any more
    CommitTs saved_ts;       ///< the one before
    CommitTs late_ts;        ///< announced last by the run before that one
    CommitTs safe_until;     ///< where its safe mode was to end
  };
  /// What a take_over() would give, as far as can be seen, without taking over.
  Result<std::optional<Previous>> find(Session& session) const;
  /// Clusters whose drainer has started with this checkpoint, or announced it as one of its last
  /// two; runs that did not know their cluster, 0, are left out.
  static Result<std::vector<uint64_t>> find_clusters(Session& session,
                                                     const schema::TableName& table,
                                                     CommitTs checkpoint);
  /// Who has progress here: drainers by their clusters, and replays by their tasks.
  static Result<std::vector<uint64_t>> find_all(Session& session, const schema::TableName& table);
  /// Ends idle sessions of the owner before and makes this process the owner of the rows 0 …
  /// workers-1 and of all that there are; what the runs before have left, nothing where there was
  /// none.
  Result<std::optional<Previous>> take_over(Session& session, size_t workers);
  struct Begin {
    AppliedState state;  ///< goes into row 0; there is nothing in the others
    CommitTs checkpoint_ts;
    CommitTs late_ts;  ///< what the run before had announced last
    CommitTs safe_until;
  };
  /// Records where this run starts.
  Result<void> start_at(Session& session, size_t workers, const Begin& begin);

 private:
  Result<void> end_idle_workers(Session& session);
  std::string select_text() const;
  Result<void> check_engine(Session& session) const;

  Id id_;
  std::string table_;  ///< quoted
};

/// "<host>:<pid>:<random>", different for every call.
std::string make_owner_name();

}  // namespace drainer::mysql
