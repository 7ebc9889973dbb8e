#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "syncer/mysql/session.h"

namespace drainer::mysql {

inline constexpr std::string_view kProgressTableName = "drainer_progress";

/// What the downstream itself says about how far it is. Plain data.
struct AppliedState {
  /// Everything up to it is applied; 0 in a new row.
  CommitTs commit_ts{};
  /// A transaction too large for one downstream transaction: its first `part_rows` rows are
  /// applied.
  CommitTs part_ts{};
  uint64_t part_rows = 0;
  /// A DDL that has been begun and may or may not have happened; 0 when none is open.
  CommitTs ddl_ts{};

  friend bool operator==(const AppliedState&, const AppliedState&) = default;
};

/// Exactly-once progress (spec/mysql-sink.md 6.2): a row in the downstream that every downstream
/// transaction updates together with its rows, so that after a crash or a lost answer the
/// downstream itself tells what it holds.
///
///     CREATE TABLE IF NOT EXISTS `<checkpoint schema>`.`drainer_progress` (
///       cluster_id    of the upstream
///       worker        number of the worker that owns the row; one worker: 0
///       owner         names the process that may write: host, pid, random
///       epoch         raised by every connection that starts to write
///       commit_ts, part_ts, part_rows, ddl_ts      AppliedState
///       checkpoint_ts the checkpoint with which the owner started
///       PRIMARY KEY (cluster_id, worker))
///
/// Fencing: a process that starts puts its name into `owner` and raises `epoch`; a connection that
/// replaces a lost one raises `epoch` if the process still is the owner. Each transaction's update
/// asks for its own epoch and must match one row. So neither an older process nor a packet of our
/// own that is still on its way to the server can commit any more once the epoch has been raised,
/// and what a raise reads is final.
///
/// One thread; works on the session it is given.
class ProgressTable {
 public:
  struct Id {
    std::string schema;
    uint64_t cluster_id = 0;
    uint32_t worker = 0;
    std::string owner;
  };

  explicit ProgressTable(Id id);

  /// Creates schema and table. kDenied names the privileges that are missing.
  Result<void> create(Session& session);

  struct Previous {
    AppliedState state;
    CommitTs checkpoint_ts;  ///< of the run before
  };
  /// Makes this process the owner; what the runs before have left, nothing in a new row.
  Result<std::optional<Previous>> take_over(Session& session);
  /// Records where this run starts.
  Result<void> start_at(Session& session, const AppliedState& state, CommitTs checkpoint_ts);
  /// For a new connection: raises the epoch and reads the state. kConflict when another process
  /// has become the owner.
  Result<AppliedState> renew(Session& session);

  /// The UPDATE that goes into a transaction; must match exactly one row.
  std::string update_text(const AppliedState& state) const;
  /// Why such an update matched nothing: kConflict, naming the new owner.
  Error fenced_error(Session& session) const;

 private:
  std::string where() const;

  Id id_;
  std::string table_;  ///< quoted
  uint64_t epoch_ = 0;
};

/// "<host>:<pid>:<random>", different for every call.
std::string make_owner_name();

}  // namespace drainer::mysql
