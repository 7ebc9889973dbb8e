#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/base/retry.h"
#include "loopback/mark_table.h"
#include "syncer/mysql/dispatcher.h"
#include "syncer/mysql/packet.h"
#include "syncer/mysql/plan_cache.h"
#include "syncer/mysql/progress_table.h"
#include "syncer/mysql/row_writer.h"
#include "syncer/mysql/session.h"
#include "syncer/txn.h"

namespace drainer::mysql {

struct WorkerOptions {
  SessionOptions session;
  MismatchPolicy mismatch = MismatchPolicy::kStop;
  /// Where conflicts are noted; empty: nowhere.
  std::string conflict_table{};
  uint64_t cluster_id = 0;  ///< of the upstream
  bool safe_mode = false;
  CommitTs safe_until{};  ///< transactions up to it may have been applied already: safe mode
  int attempts_max = 100;
  size_t max_allowed_packet = 16 << 20;
  /// An upstream transaction above this is cut into several downstream transactions.
  size_t txn_bytes_max = 0;
  /// Where the groups are from; null in tests of one worker.
  Dispatcher* dispatcher = nullptr;
  /// Commits wait for their turn in the order of the stream.
  bool is_commit_ordered = false;
  /// They begin each transaction (3.1); nothing without loopback control.
  std::optional<loopback::WriterMarks> marks;
};

/// Pauses between attempts at one downstream transaction or DDL.
inline constexpr Backoff::Limits kRetryPauses{std::chrono::milliseconds(100),
                                              std::chrono::seconds(10)};

/// Applies upstream transactions through one session, each downstream transaction together with the
/// worker's progress row, so that every row is written exactly once whatever connections do.
///
/// One thread.
class Worker {
 public:
  /// `state` is what the progress row holds. Connects when there is something to write.
  Worker(WorkerOptions options, ProgressRow progress, const AppliedState& state, PlanCache& plans,
         Clock& clock);

  /// Writes whole transactions, in order, as one downstream transaction and notes their commit ts;
  /// without rows only that. Retries what may be retried (6.10); an error is final.
  Result<void> apply(const Group& group, const StopToken& stop);

  /// Notes that the DDL is about to run, and what the downstream shows before it.
  Result<void> begin_ddl(const Group& group, std::string facts, const StopToken& stop);
  /// Notes that it is done.
  Result<void> finish_ddl(const Group& group, const StopToken& stop);

 private:
  /// What one downstream transaction does.
  struct Step {
    const Group* group = nullptr;
    std::span<const PlannedTxn> txns;
    size_t first_row = 0;       ///< of txns[0]
    size_t end_row = SIZE_MAX;  ///< of txns[0] when it is the only one
    AppliedState after;

    CommitTs last_ts() const { return txns.empty() ? after.commit_ts : txns.back().txn.commit_ts; }
  };
  /// How the next attempt is made; set by the failures before it.
  struct Approach {
    bool is_careful = false;  ///< statement by statement, to find the one that fails
    bool is_safe = false;
    bool is_refreshed = false;
    bool is_in_turn = false;  ///< for a row that exists: what comes before may remove it
    bool had_guard = false;
    bool has_new_mark = false;  ///< found by the last careful attempt
    Deviations deviations;      ///< so are these
    bool waits_first = false;   ///< for its turn, before it takes any lock
    Backoff backoff{kRetryPauses};
    int32_t last_logged = 0;
  };

  Result<void> apply_one(const Group& group, const PlannedTxn& planned, const StopToken& stop);
  /// Until the step may commit; kOutOfTurn when that takes long.
  Result<void> wait_turn(const Step& step, Duration limit, const StopToken& stop);
  AppliedState state_at(CommitTs low_water) const;
  Result<void> run_step(const Step& step, const StopToken& stop);
  Result<void> attempt(const Step& step, Approach& approach, const StopToken& stop);
  /// Decides how to go on after `error`, which is returned when there is no way.
  Result<void> recover(Error error, const Step& step, Approach& approach, const StopToken& stop);
  /// Ends what the server still runs for the lost session.
  void kill_lost_session(Session& session);
  /// A session that may write. True when it turns out that `step` has been committed already.
  Result<bool> connect(const Step& step);
  void roll_back();
  Result<void> write(const Step& step, WriteMode mode, const StopToken& stop);
  Result<void> write_carefully(const Step& step, WriteMode mode, Approach& approach,
                               const StopToken& stop);
  /// What the step's downstream transaction begins with.
  std::vector<loopback::Mark> marks_of(const Step& step) const;
  /// A mark of a transaction just begun, whose row is inserted when it is not there: true.
  Result<bool> write_mark_carefully(const loopback::Mark& mark);
  /// Of each transaction of the step, by the position of the table in it.
  using Plans = std::vector<std::vector<PlanCache::Plan>>;
  Result<Plans> find_plans(const Step& step, const StopToken& stop);
  /// After a guard that has failed: writes the tables that made it fail row by row from now on.
  void keep_order(const Step& step, const Approach& approach, const StopToken& stop);
  Result<void> send(std::string_view packet);
  WriteMode mode_of(const Step& step, const Approach& approach) const;

  WorkerOptions options_;
  ProgressRow progress_;
  Clock& clock_;
  std::unique_ptr<Session> session_;  ///< null after a lost connection
  SessionIdentity lost_session_;      ///< to be killed; id 0 when there is none
  AppliedState state_;
  PlanCache& plans_;
  std::optional<TimePoint> exists_at_;  ///< when a row existed in the turn of its transaction
  /// Tables whose rows did not change as their upstream rows do, which made a guard fail: they are
  /// written row by row. As long as their plan is in use.
  PlanSet ordered_;
};

}  // namespace drainer::mysql
