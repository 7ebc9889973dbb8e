#include "syncer/mysql/worker.h"

#include <algorithm>
#include <utility>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"
#include "syncer/mysql/session/failure.h"

namespace drainer::mysql {
namespace {

constexpr size_t kTxnBytesFloor = 1 << 20;  ///< a transaction is not cut into less
/// Where a row exists in its turn, more are expected for so long: an attempt less for each.
constexpr Duration kExistsSpan = std::chrono::seconds(10);

}  // namespace

Worker::Worker(WorkerOptions options, ProgressRow progress, const AppliedState& state,
               PlanCache& plans, Clock& clock)
    : options_(std::move(options)),
      progress_(std::move(progress)),
      clock_(clock),
      state_(state),
      plans_(plans),
      writer_(options_.writer, plans, clock) {}

AppliedState Worker::state_at(CommitTs low_water) const {
  AppliedState state = state_;
  state.raise(low_water);
  return state;
}

Result<void> Worker::apply(const Group& group, const StopToken& stop) {
  const auto has_part = [](const PlannedTxn& planned) { return planned.first_row > 0; };
  if (group.txns.size() > 1 && std::ranges::none_of(group.txns, has_part)) {
    Step step{.group = &group, .txns = group.txns, .after = state_at(group.low_water)};
    for (const PlannedTxn& planned : group.txns) {
      step.after.add(planned.previous_ts, planned.txn.commit_ts);
    }
    auto applied = run_step(step, stop);
    if (applied.ok() || classify_failure(applied.error()) != FailureClass::kTooLarge) {
      return applied;
    }
  }
  for (const PlannedTxn& planned : group.txns) TRY(apply_one(group, planned, stop));
  return {};
}

Result<void> Worker::apply_one(const Group& group, const PlannedTxn& planned,
                               const StopToken& stop) {
  const Txn& txn = planned.txn;
  const size_t rows = txn.rows.size();
  const size_t bytes = txn.size_bytes();
  size_t first = std::min<size_t>(planned.first_row, rows);
  while (true) {
    size_t end = rows;
    if (bytes > options_.txn_bytes_max) {
      const double share = static_cast<double>(options_.txn_bytes_max) / static_cast<double>(bytes);
      const auto piece = static_cast<size_t>(static_cast<double>(rows) * share);
      end = std::min(rows, first + std::max<size_t>(piece, 1));
    }
    Step step{.group = &group,
              .txns = {&planned, 1},
              .first_row = first,
              .end_row = end,
              .after = state_at(group.low_water)};
    if (end == rows) {
      step.after.add(planned.previous_ts, txn.commit_ts);
    } else {
      step.after.parts[txn.commit_ts] = end;
      metric::mysql_cut_transactions_total().add();
      log_warn("transaction is too large for one downstream transaction, it is cut",
               {{"commit ts", txn.commit_ts},
                {"bytes", bytes},
                {"limit bytes", options_.txn_bytes_max},
                {"rows", fmt::format("{}-{} of {}", first, end, rows)}});
    }
    auto applied = run_step(step, stop);
    if (!applied.ok()) {
      const bool can_cut = classify_failure(applied.error()) == FailureClass::kTooLarge &&
                           end - first > 1 && options_.txn_bytes_max > kTxnBytesFloor;
      if (!can_cut) return applied;
      options_.txn_bytes_max =
          std::max(kTxnBytesFloor, std::min(options_.txn_bytes_max, bytes) / 2);
      continue;
    }
    if (end == rows) return {};
    first = end;
  }
}

Result<void> Worker::begin_ddl(const Group& group, std::string facts, const StopToken& stop) {
  const PlannedTxn& planned = group.txns[0];
  Step step{.group = &group, .txns = {}, .after = state_at(group.low_water)};
  step.after.ddl_ts = planned.txn.commit_ts;
  step.after.ddl_facts = std::move(facts);
  return run_step(step, stop);
}

Result<void> Worker::finish_ddl(const Group& group, const StopToken& stop) {
  const PlannedTxn& planned = group.txns[0];
  Step step{.group = &group, .txns = {}, .after = state_at(group.low_water)};
  step.after.add(planned.previous_ts, planned.txn.commit_ts);
  return run_step(step, stop);
}

Result<void> Worker::run_step(const Step& step, const StopToken& stop) {
  Approach approach;
  while (true) {
    auto attempted = attempt(step, approach, stop);
    if (!attempted.ok()) {
      TRY(recover(std::move(attempted).error(), step, approach, stop));
      continue;
    }
    if (*attempted == Written::kOutOfTurn) {
      roll_back();
      approach.waits_first = true;
      continue;
    }
    if (approach.had_guard) {
      writer_.keep_order({*session_, progress_}, step, approach.findings, stop);
    }
    state_ = step.after;
    return {};
  }
}

Result<Written> Worker::attempt(const Step& step, Approach& approach, const StopToken& stop) {
  if (approach.waits_first) {
    ASSIGN_OR_RETURN(const bool is_in_turn, wait_turn(step, TurnWait::kEmptyHanded, stop));
    if (!is_in_turn) return Written::kOutOfTurn;
  }
  ASSIGN_OR_RETURN(const bool is_done, connect(step));
  if (is_done) return Written::kCommitted;
  const WriteMode mode = mode_of(step, approach);
  StepWriter::BeforeCommit before_commit;
  if (options_.is_commit_ordered) {
    before_commit = [&] { return wait_turn(step, TurnWait::kWithLocks, stop); };
  }
  const StepWriter::Target target{*session_, progress_};
  return approach.is_careful
             ? writer_.write_carefully(target, step, mode, before_commit, approach.findings, stop)
             : writer_.write(target, step, mode, before_commit, stop);
}

Result<bool> Worker::wait_turn(const Step& step, TurnWait how, const StopToken& stop) {
  if (options_.dispatcher == nullptr) return true;
  if (options_.dispatcher->wait_turn(*step.group, how, stop)) return true;
  if (stop.stop_requested()) return stopped();
  return false;
}

Result<bool> Worker::connect(const Step& step) {
  if (session_) return false;
  ASSIGN_OR_RETURN(auto session, Session::open(options_.session));
  kill_lost_session(*session);
  ASSIGN_OR_RETURN(const AppliedState found, progress_.renew(*session));
  session_ = std::move(session);
  if (found == step.after) {
    log_info("the answer to a commit was lost, but it had been done",
             {{"commit ts", found.commit_ts}});
    return true;
  }
  if (found != state_) {
    return make_error(ErrorCode::kConflict,
                      "progress row holds commit ts {}, this drainer has written {}",
                      found.commit_ts, state_.commit_ts);
  }
  return false;
}

void Worker::kill_lost_session(Session& session) {
  if (lost_session_.id == 0) return;
  // What it has open would block the progress row until it ends by itself. It may be gone already,
  // or not ours to kill: then the lock is waited for.
  auto found = session.query("SELECT 1 FROM information_schema.processlist WHERE " +
                             lost_session_.condition());
  if (found.ok() && !found->empty()) {
    (void)session.execute(fmt::format("KILL {}", lost_session_.id));
  }
  lost_session_ = {};
}

void Worker::roll_back() {
  if (!session_ || session_->rollback().ok()) return;
  lost_session_ = session_->identity();
  session_.reset();
}

Result<void> Worker::recover(Error error, const Step& step, Approach& approach,
                             const StopToken& stop) {
  const FailureClass failure = classify_failure(error);
  if (failure == FailureClass::kLost && session_) {
    lost_session_ = session_->identity();
    session_.reset();
  }
  roll_back();
  if (takes_no_writes(error)) session_.reset();
  if (stop.stop_requested()) return stopped();
  metric::mysql_retries_total().add();
  switch (failure) {
    case FailureClass::kTooLarge:
      return error;
    case FailureClass::kRefresh:
      if (approach.is_refreshed) break;
      approach.is_refreshed = true;
      log_warn("downstream table may have changed, reading it again", {{"error", error}});
      plans_.refresh();
      return {};
    case FailureClass::kSafeMode:
      if (mode_of(step, approach) == WriteMode::kSafe) break;
      if (!approach.is_in_turn) {
        // Transactions may conflict by what the plans do not know, such as a new unique key.
        approach.is_in_turn = approach.waits_first = true;
        if (!exists_at_ || clock_.now() - *exists_at_ >= kExistsSpan) {
          log_info("row exists downstream, trying again after all transactions before",
                   {{"commit ts", step.last_ts()}, {"error", error}});
          plans_.refresh();
          return {};
        }
      }
      exists_at_ = clock_.now();
      // Row by row only those that exist are replaced; what TiDB finds at COMMIT names none.
      approach.is_safe = approach.is_careful;
      approach.is_careful = !approach.is_safe;
      log_warn("row exists downstream, trying again",
               {{"commit ts", step.last_ts()}, {"safe mode", approach.is_safe}, {"error", error}});
      return {};
    case FailureClass::kRetry:
    case FailureClass::kLost:
      if (approach.backoff.attempts() + 1 >= options_.attempts_max) {
        return std::move(error).because("gave up after {} attempts", options_.attempts_max);
      }
      if (approach.last_logged != error.detail()) {
        approach.last_logged = error.detail();
        log_warn("downstream transaction failed, trying again",
                 {{"commit ts", step.last_ts()}, {"error", error}});
      }
      if (options_.on_retry) options_.on_retry(approach.backoff.attempts() + 1, error);
      return approach.backoff.pause(clock_, stop) ? Result<void>() : stopped();
    case FailureClass::kGuard:
      approach.had_guard = true;
      break;
    case FailureClass::kFatal:
      break;
  }
  // The progress row has a guard as well: there it tells of another owner.
  const bool has_statements = writer_.has_statements(step) || failure == FailureClass::kGuard;
  // Of our own errors, without a number, only those about values do not name their row.
  const bool is_found_by_rows = error.detail() != 0 || error.code() == ErrorCode::kInvalid ||
                                error.code() == ErrorCode::kCorrupt;
  if (approach.is_careful || !has_statements || !is_found_by_rows) return error;
  approach.is_careful = true;
  return {};
}

WriteMode Worker::mode_of(const Step& step, const Approach& approach) const {
  const bool is_overlap =
      !step.txns.empty() && step.txns.front().txn.commit_ts <= options_.safe_until;
  return options_.safe_mode || approach.is_safe || is_overlap ? WriteMode::kSafe
                                                              : WriteMode::kExact;
}

}  // namespace drainer::mysql
