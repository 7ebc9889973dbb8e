#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/base/retry.h"
#include "syncer/mysql/in_hand.h"
#include "syncer/mysql/order/dispatcher.h"
#include "syncer/mysql/progress_row.h"
#include "syncer/mysql/rows/plan_cache.h"
#include "syncer/mysql/session/failure.h"
#include "syncer/mysql/session/session.h"
#include "syncer/mysql/step_writer.h"

namespace drainer::mysql {

struct WorkerOptions {
  SessionOptions session;
  StepWriterOptions writer;
  bool safe_mode = false;
  CommitTs safe_until{};  ///< transactions up to it may have been applied already: safe mode
  int attempts_max = 100;
  /// An upstream transaction above this is cut into several downstream transactions.
  size_t txn_bytes_max = 0;
  /// Where the groups are from; null in tests of one worker.
  Dispatcher* dispatcher = nullptr;
  /// Commits wait for their turn in the order of the stream.
  bool is_commit_ordered = false;
  OnRetry on_retry = {};  ///< may be empty
};

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
  /// How the next attempt is made; set by the failures before it.
  struct Approach {
    bool is_careful = false;  ///< statement by statement, to find the one that fails
    bool is_safe = false;
    bool is_refreshed = false;
    bool is_in_turn = false;  ///< for a row that exists: what comes before may remove it
    bool had_guard = false;
    bool waits_first = false;  ///< for its turn, before it takes any lock
    CarefulFindings findings;  ///< of the last careful attempt
    Backoff backoff{kRetryPauses};
    int32_t last_logged = 0;
  };

  Result<void> apply_one(const Group& group, const PlannedTxn& planned, const StopToken& stop);
  /// Until the step may commit; false when locks are held for too long meanwhile.
  Result<bool> wait_turn(const Step& step, TurnWait how, const StopToken& stop);
  AppliedState state_at(CommitTs low_water) const;
  Result<void> run_step(const Step& step, const StopToken& stop);
  Result<Written> attempt(const Step& step, Approach& approach, const StopToken& stop);
  /// Decides how to go on after `error`, which is returned when there is no way.
  Result<void> recover(Error error, const Step& step, Approach& approach, const StopToken& stop);
  /// Ends what the server still runs for the lost session.
  void kill_lost_session(Session& session);
  /// A session that may write. True when it turns out that `step` has been committed already.
  Result<bool> connect(const Step& step);
  void roll_back();
  WriteMode mode_of(const Step& step, const Approach& approach) const;

  WorkerOptions options_;
  ProgressRow progress_;
  Clock& clock_;
  std::unique_ptr<Session> session_;  ///< null after a lost connection
  SessionIdentity lost_session_;      ///< to be killed; id 0 when there is none
  AppliedState state_;
  PlanCache& plans_;
  StepWriter writer_;
  std::optional<TimePoint> exists_at_;  ///< when a row existed in the turn of its transaction
};

}  // namespace drainer::mysql
