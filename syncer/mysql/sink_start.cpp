#include "syncer/mysql/sink_start.h"

#include <algorithm>
#include <string_view>

#include "drainer/base/log.h"
#include "drainer/base/retry.h"
#include "syncer/mysql/ddl_lock.h"
#include "syncer/mysql/mark_setup.h"
#include "syncer/mysql/mysql_sink.h"
#include "syncer/mysql/session/failure.h"

namespace drainer::mysql {
namespace {

/// Drainers that start at the same time on one downstream may lock each other out.
constexpr int kStartAttempts = 10;

template <class Run>
auto run_retried(Session& session, Clock& clock, const StopToken& stop, Run run)
    -> decltype(run()) {
  Backoff backoff(kRetryPauses);
  while (true) {
    auto result = run();
    if (result.ok() || classify_failure(result.error()) != FailureClass::kRetry ||
        backoff.attempts() + 1 >= kStartAttempts) {
      return result;
    }
    log_warn("the progress table is busy, trying again", {{"error", result.error()}});
    TRY(session.rollback());
    if (!backoff.pause(clock, stop)) return stopped();
  }
}

// Empty where all is as it should be.
std::string_view warning_of(StartReason reason) {
  switch (reason) {
    case StartReason::kInitialBehind:
      return "there is no checkpoint, and the downstream holds more than initial-commit-ts; "
             "starting there in safe mode";
    case StartReason::kMovedBack:
      return "the checkpoint has been moved back since the last start; starting there";
    case StartReason::kOtherDrainer:
      return "another drainer has saved the checkpoint since the last start; starting there";
    case StartReason::kCheckpoint:
    case StartReason::kProgress:
    case StartReason::kNoCheckpoint:
      break;
  }
  return {};
}

void tell(const SinkStart& start, const ProgressTable::Previous& previous) {
  if (start.reason == StartReason::kNoCheckpoint) {
    log_info("there is no checkpoint, going on where the downstream is",
             {{"applied", start.checkpoint_ts}});
  }
  const std::string_view warning = warning_of(start.reason);
  if (warning.empty()) return;
  log_warn(warning, {{"checkpoint", start.checkpoint_ts},
                     {"checkpoint of the last start", previous.checkpoint_ts},
                     {"applied", previous.state.commit_ts}});
}

}  // namespace

SinkStart decide_start(const MysqlSinkOptions& options,
                       const std::optional<ProgressTable::Previous>& previous) {
  CommitTs checkpoint = options.checkpoint_ts;
  const auto start_at_checkpoint = [&](StartReason why, bool is_safe) {
    return SinkStart{.reason = why,
                     .state = {.commit_ts = checkpoint},
                     .checkpoint_ts = checkpoint,
                     .safe_until = is_safe ? options.safe_until : CommitTs()};
  };
  // Without our own progress the checkpoint is a Go drainer's or none; after its crash the
  // downstream may hold more.
  const bool is_torn = options.has_checkpoint && !options.is_consistent;
  if (!previous) return start_at_checkpoint(StartReason::kCheckpoint, is_torn);
  const CommitTs applied = previous->state.commit_ts;
  StartReason reason = StartReason::kProgress;
  if (!options.has_checkpoint && !options.is_start_given && checkpoint > applied) {
    checkpoint = applied;
    reason = StartReason::kNoCheckpoint;
  }
  const bool is_behind = checkpoint < applied;
  if (!options.has_checkpoint && options.is_start_given && is_behind) {
    return start_at_checkpoint(StartReason::kInitialBehind, true);
  }
  if (checkpoint < previous->checkpoint_ts) {
    return start_at_checkpoint(StartReason::kMovedBack, true);
  }
  const bool is_ours = checkpoint == previous->announced_ts || checkpoint == previous->saved_ts ||
                       checkpoint == previous->late_ts;
  SinkStart start{.reason = reason, .state = previous->state, .checkpoint_ts = checkpoint};
  if (checkpoint > applied) {
    if (!options.has_checkpoint || !is_ours) {
      return start_at_checkpoint(StartReason::kCheckpoint,
                                 is_torn || checkpoint < previous->state.last_ts());
    }
    // Transactions without rows are not written, only the checkpoint tells of them.
    start.state.raise(checkpoint);
  }
  // A Go drainer has gone over the rest of a crashed run and ended before where that was, by a stop
  // or a crash: what it wrote is older than the progress says. A clean stop of ours never leaves
  // the progress ahead.
  if (options.has_checkpoint && (!is_ours || (options.is_consistent && is_behind))) {
    return start_at_checkpoint(StartReason::kOtherDrainer, is_behind || !options.is_consistent);
  }
  // A run in safe mode ended before the place from which the downstream has nothing newer. (A
  // recovery without PD does not know the place, but it is not above what PD says now.)
  const CommitTs safe_until = std::min(previous->safe_until, options.safe_until);
  if (!options.is_consistent && start.state.commit_ts < safe_until) start.safe_until = safe_until;
  return start;
}

Result<SinkStart> take_over(Session& session, MysqlSinkOptions& options,
                            const ProgressTable::Id& id, size_t workers, Clock& clock,
                            const StopToken& stop) {
  ProgressTable progress(id);
  TRY(progress.create(session));
  ASSIGN_OR_RETURN(const auto previous, run_retried(session, clock, stop, [&] {
                     return progress.take_over(session, workers);
                   }));
  // It may come back to life before our first DDL.
  if (auto ended = DdlLock(id).end_idle_holder(session); !ended.ok()) {
    log_warn("cannot look for a ddl session of the run before", {{"error", ended.error()}});
  }
  // Not before: the run that is replaced may hold rows of the mark table.
  if (options.syncer.loopback_control) {
    TRY(run_retried(session, clock, stop, [&] { return set_up_marks(options.syncer, session); }));
    if (!options.is_replay) {
      TRY(run_retried(session, clock, stop,
                      [&] { return note_sync_ddl(options.syncer, session); }));
    }
  }
  if (options.read_checkpoint) TRY(options.read_checkpoint(options));
  const SinkStart start = decide_start(options, previous);
  if (previous) tell(start, *previous);
  TRY(run_retried(session, clock, stop, [&] {
    return progress.start_at(session, workers,
                             {.state = start.state,
                              .checkpoint_ts = start.checkpoint_ts,
                              .late_ts = previous ? previous->announced_ts : CommitTs(),
                              .safe_until = start.safe_until});
  }));
  return start;
}

}  // namespace drainer::mysql
