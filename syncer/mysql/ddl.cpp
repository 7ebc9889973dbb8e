#include "syncer/mysql/ddl.h"

#include "drainer/base/log.h"
#include "drainer/base/metrics.h"
#include "drainer/base/retry.h"
#include "drainer/tidb/ddl_text.h"
#include "syncer/mysql/failure.h"
#include "syncer/mysql/literal.h"
#include "syncer/mysql/worker.h"

namespace drainer::mysql {
namespace {

constexpr Duration kLostSessionPoll = std::chrono::seconds(1);
constexpr int32_t kUnknownDatabase = 1049;
constexpr int32_t kNoSuchTable = 1146;

Counter& hiding_ignores() {
  static Counter& counter =
      metrics().counter("drainer_mysql_ddl_ignored_missing_total",
                        "DDL ignored because its database or table does not exist downstream.");
  return counter;
}

void log_ignored(const Error& error, const std::string& text) {
  // A missing database or table may hide a real loss.
  if (error.detail() == kUnknownDatabase || error.detail() == kNoSuchTable) {
    hiding_ignores().add();
    log_error("ignore ddl", {{"error", error}, {"ddl", text}});
    return;
  }
  log_warn("ignore ddl", {{"error", error}, {"ddl", text}});
}

}  // namespace

std::vector<DdlStep> ddl_steps(const Ddl& ddl) {
  const schema::DdlEffect& effect = ddl.effect;
  const std::vector<std::string_view> statements = tidb::split_statements(ddl.text);
  std::vector<DdlStep> steps;
  for (const std::string_view statement : statements) {
    DdlStep step;
    step.text = tidb::ddl_for_mysql(statements.size() == 1 ? ddl.text : statement,
                                    effect.name.schema, effect.name.table);
    if (step.text.empty()) continue;
    if (!effect.use_schema.empty() && !tidb::is_create_database(step.text)) {
      step.use = "use ";
      append_identifier(step.use, effect.use_schema);
      step.use += ';';
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

Result<void> DdlRunner::run(const Ddl& ddl, CommitTs commit_ts, bool may_be_done,
                            const StopToken& stop) {
  Result<void> result;
  for (const DdlStep& step : ddl_steps(ddl)) {
    result = run_step(step, commit_ts, may_be_done, stop);
    if (!result.ok()) break;
  }
  session_.reset();
  return result;
}

Result<void> DdlRunner::run_step(const DdlStep& step, CommitTs commit_ts, bool may_be_done,
                                 const StopToken& stop) {
  const std::string& text = step.text;
  Backoff backoff(kRetryPauses);
  while (true) {
    auto attempted = attempt(step);
    if (attempted.ok()) {
      log_info("exec ddl success", {{"sql", text}});
      return {};
    }
    Error error = std::move(attempted).error();
    log_error("Exec fail, will rollback", {{"query", text}, {"args", "[]"}, {"error", error}});
    if (stop.stop_requested()) return make_error(ErrorCode::kStopped, "stopped");
    const FailureClass failure = classify_failure(error);
    if (failure == FailureClass::kLost) {
      // The statement may still run, or be done, when the connection comes back.
      may_be_done = true;
      if (session_) lost_session_ = session_->identity();
      session_.reset();
    }
    if (is_ignorable_ddl_error(error) || tidb::is_only_tiflash_replica(text) ||
        (may_be_done && is_repeated_ddl_error(error))) {
      log_ignored(error, text);
      return {};
    }
    const bool can_retry = failure == FailureClass::kLost || failure == FailureClass::kRetry;
    if (!can_retry || backoff.attempts() + 1 >= attempts_max_) {
      log_error(
          "exec failed",
          {{"sql", text}, {"metadata", fmt::format("commit ts: {}", commit_ts)}, {"error", error}});
      return std::move(error).because(
          "exec DDL `{}` failed; when it has been dealt with by hand, skip it with "
          "ignore-txn-commit-ts = [{}]",
          text, commit_ts);
    }
    if (!backoff.pause(clock_, stop)) return make_error(ErrorCode::kStopped, "stopped");
    if (auto waited = wait_for_lost_session(stop); !waited.ok()) {
      if (waited.error().code() == ErrorCode::kStopped) return waited;
    }
  }
}

Result<void> DdlRunner::attempt(const DdlStep& step) {
  if (!session_) {
    ASSIGN_OR_RETURN(session_, Session::open(options_));
  }
  if (!step.use.empty()) TRY(session_->execute(step.use));
  TRY(session_->execute(step.text));
  return {};
}

Result<void> DdlRunner::wait_for_lost_session(const StopToken& stop) {
  if (lost_session_.id == 0) return {};
  if (!session_) {
    ASSIGN_OR_RETURN(session_, Session::open(options_));
  }
  const std::string sql =
      "SELECT COUNT(*) FROM information_schema.processlist WHERE command <> 'Sleep' AND " +
      lost_session_.condition();
  bool is_logged = false;
  while (true) {
    auto running = session_->query_value(sql);
    if (!running.ok()) {
      if (classify_failure(running.error()) == FailureClass::kLost) session_.reset();
      return std::move(running).error();
    }
    if (*running == "0") break;
    if (!is_logged)
      log_warn("waiting for the DDL of a lost connection", {{"id", lost_session_.id}});
    is_logged = true;
    if (!clock_.sleep_for(kLostSessionPoll, stop))
      return make_error(ErrorCode::kStopped, "stopped");
  }
  lost_session_ = {};
  return {};
}

}  // namespace drainer::mysql
