#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/base/retry.h"
#include "syncer/mysql/ddl_lock.h"
#include "syncer/mysql/in_hand.h"
#include "syncer/mysql/session/session.h"
#include "syncer/txn.h"

namespace drainer::mysql {

/// One statement of a DDL and what goes before it; either may be empty.
struct DdlStep {
  std::string use;
  /// Sets CURRENT_TIMESTAMP to what it was upstream, or the rows that an added column finds would
  /// differ. The original does not.
  std::string set_clock;
  std::string text;
};
/// What is sent for a DDL. FIX: of a batch of CREATE TABLEs, which the original leaves out, each is
/// a step of its own. Empty when there is nothing to send. Pure.
std::vector<DdlStep> ddl_steps(const Ddl& ddl);

/// Runs upstream DDL downstream on a connection of its own, which waits as long as the DDL takes
/// (spec/mysql-sink.md 2.11 with the FIXes of 6.5).
///
/// A DDL is not part of a transaction. Whoever calls notes it in a journal before and after,
/// together with what the downstream showed before. When an attempt may have happened, in an
/// earlier run or before a connection was lost, what it shows then decides whether it has; where
/// that is not known, a DDL that must not be repeated ends with an error. One thread.
class DdlRunner {
 public:
  /// Each of its sessions takes `lock` first.
  DdlRunner(SessionOptions session, DdlLock lock, int attempts_max, Clock& clock,
            OnRetry on_retry = {})
      : options_(std::move(session)),
        lock_(std::move(lock)),
        attempts_max_(attempts_max),
        clock_(clock),
        on_retry_(std::move(on_retry)) {}

  struct Journal {
    std::string facts;         ///< read before the first attempt; empty when not known
    bool may_be_done = false;  ///< an earlier run has begun it
  };
  /// For the journal; empty when the downstream does not tell.
  std::string read_facts(const Ddl& ddl, const StopToken& stop);
  /// Done, ignored ("exists already" and the like), or a final error that names the statement, the
  /// cause and the remedy; kConflict when another process has become the owner of `lock`;
  /// kStopped, with an outcome that the journal's facts will tell.
  Result<void> run(const Ddl& ddl, CommitTs commit_ts, Journal journal, const StopToken& stop);

 private:
  Result<void> run_step(const Ddl& ddl, const DdlStep& step, CommitTs commit_ts, Journal journal,
                        const StopToken& stop);
  /// False on `stop`.
  bool pause(Backoff& backoff, const Error& error, const StopToken& stop) const;
  Result<void> open_session(const StopToken& stop);
  /// Decides about an attempt that may have happened. True when it has.
  Result<bool> is_done(const Ddl& ddl, const std::string& text, Journal& journal);
  Result<void> attempt(const DdlStep& step, const StopToken& stop);
  Result<void> execute(const std::string& text, const StopToken& stop);
  /// Some time after a stop, until `done`; ends the connection where the server does not do it.
  Result<void> end_statement(const Session& session, const std::string& kill,
                             const StopToken& done) const;
  /// After a lost connection: blocks while the server still works on its statement, also where
  /// there are no named locks.
  Result<void> wait_for_lost_session(const StopToken& stop);

  const SessionOptions options_;
  const DdlLock lock_;
  const int attempts_max_;
  Clock& clock_;
  const OnRetry on_retry_;            ///< may be empty
  std::unique_ptr<Session> session_;  ///< while a DDL runs: one may be hours after the last
  SessionIdentity lost_session_;
};

}  // namespace drainer::mysql
