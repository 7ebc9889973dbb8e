#include "syncer/mysql/ddl.h"

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"
#include "drainer/base/retry.h"
#include "drainer/base/threads.h"
#include "drainer/schema/lower_case.h"
#include "drainer/tidb/ddl_dialect.h"
#include "drainer/tidb/ddl_sql_mode.h"
#include "drainer/tidb/ddl_statement.h"
#include "drainer/tidb/text_edit.h"
#include "syncer/mysql/ddl_facts.h"
#include "syncer/mysql/session/failure.h"
#include "syncer/mysql/session/literal.h"

namespace drainer::mysql {
namespace {

constexpr Duration kLostSessionPoll = std::chrono::seconds(1);
/// Left to a statement after a stop, which after an error elsewhere comes without a warning.
constexpr Duration kStopGrace = std::chrono::seconds(10);
constexpr Duration kEndPause = std::chrono::seconds(1);
constexpr std::chrono::seconds kEndTimeout{10};
/// For the server to end it, then the connection is.
constexpr Duration kEndLimit = std::chrono::seconds(20);

void log_ignored(const Error& error, const std::string& text) {
  // A missing database or table may hide a real loss.
  if (error.detail() == kUnknownDatabase || error.detail() == kNoSuchTable) {
    metric::mysql_ddl_ignored_missing_total().add();
    log_error("ignore ddl", {{"error", error}, {"ddl", text}});
    return;
  }
  log_warn("ignore ddl", {{"error", error}, {"ddl", text}});
}

std::string clock_text(const DdlClock& clock) {
  // The server knows its time zones, ours among them.
  std::string time;
  append_quoted(time, clock.time, QuoteStyle{});
  if (clock.is_utc) time = "CONVERT_TZ(" + time + ",'+00:00',@@session.time_zone)";
  return "SET TIMESTAMP=UNIX_TIMESTAMP(" + time + ")";
}

/// The name of a table of this DDL that differs from `named` only in the case of its letters; null
/// where one has just this name, as when a rename changes nothing else.
const schema::TableName* find_respelled(const schema::DdlEffect& effect,
                                        const schema::TableName& named) {
  if (std::ranges::find(effect.touched, named) != effect.touched.end()) return nullptr;
  const auto is_named = [&](const schema::TableName& name) {
    return schema::to_lower(name.schema) == schema::to_lower(named.schema) &&
           schema::to_lower(name.table) == schema::to_lower(named.table);
  };
  const auto found = std::ranges::find_if(effect.touched, is_named);
  return found == effect.touched.end() ? nullptr : &*found;
}

/// The text with the tables' names spelled as in the catalogue, as rows have them. FIX: names are
/// alike in any case for TiDB, not for most servers: a TRUNCATE of `orders` would miss `Orders`,
/// and count as done (1146).
std::string with_spelling_of_rows(std::string_view text, const schema::DdlEffect& effect) {
  std::vector<tidb::TextEdit> edits;
  for (const tidb::NameInText& name : tidb::parse_ddl(text, tidb::kDefaultSqlMode).tables) {
    const std::string& schema = name.is_qualified() ? name.schema : effect.use_schema;
    const schema::TableName* const row_name = find_respelled(effect, {schema, name.table});
    if (row_name == nullptr) continue;
    tidb::TextEdit& edit = edits.emplace_back(tidb::TextEdit{name.begin, name.end, {}});
    if (name.is_qualified()) {
      append_identifier(edit.replacement, row_name->schema);
      edit.replacement += '.';
    }
    append_identifier(edit.replacement, row_name->table);
  }
  return tidb::apply_edits(text, std::move(edits));
}

}  // namespace

std::vector<DdlStep> ddl_steps(const Ddl& ddl) {
  const schema::DdlEffect& effect = ddl.effect;
  // Only the whole text shows whether TiDB printed it.
  const std::string batch = tidb::to_default_sql_mode(ddl.text);
  const std::vector<std::string_view> statements = tidb::split_statements(batch);
  std::vector<DdlStep> steps;
  for (const std::string_view statement : statements) {
    DdlStep step;
    step.text = tidb::ddl_for_mysql(
        statements.size() == 1 ? ddl.text : statement, effect.name.schema, effect.name.table,
        effect.ignores_checks ? tidb::Checks::kIgnored : tidb::Checks::kKept);
    if (step.text.empty()) continue;
    step.text = with_spelling_of_rows(step.text, effect);
    if (!effect.use_schema.empty() && !tidb::is_create_database(step.text)) {
      step.use = "use ";
      append_identifier(step.use, effect.use_schema);
      step.use += ';';
    }
    if (ddl.clock) step.set_clock = clock_text(*ddl.clock);
    steps.push_back(std::move(step));
  }
  return steps;
}

bool DdlRunner::pause(Backoff& backoff, const Error& error, const StopToken& stop) const {
  if (on_retry_) on_retry_(backoff.attempts() + 1, error);
  return backoff.pause(clock_, stop);
}

Result<void> DdlRunner::open_session(const StopToken& stop) {
  if (session_) return {};
  ASSIGN_OR_RETURN(auto session, Session::open(options_));
  TRY(lock_.take(*session, clock_, stop));
  session_ = std::move(session);
  return {};
}

std::string DdlRunner::read_facts(const Ddl& ddl, const StopToken& stop) {
  Backoff backoff(kRetryPauses);
  while (true) {
    Result<std::string> facts = "";
    if (auto opened = open_session(stop); opened.ok()) {
      facts = read_ddl_facts(*session_, ddl);
    } else {
      facts = std::move(opened).error();
    }
    if (facts.ok()) return std::move(facts).value();
    const bool can_retry = is_lost(facts.error());
    if (can_retry) session_.reset();
    if (!can_retry || backoff.attempts() + 1 >= attempts_max_ ||
        !pause(backoff, facts.error(), stop)) {
      log_warn("cannot read the tables of a ddl before it runs", {{"error", facts.error()}});
      return "";
    }
  }
}

Result<bool> DdlRunner::is_done(const Ddl& ddl, const std::string& text, Journal& journal) {
  std::string now;
  auto read = read_ddl_facts(*session_, ddl);
  if (read.ok()) {
    now = std::move(read).value();
  } else if (is_lost(read.error())) {
    return std::move(read).error();
  }
  switch (judge_ddl(text, journal.facts, now)) {
    case DdlVerdict::kDone:
      log_info("ddl was done by an attempt before", {{"sql", text}});
      return true;
    case DdlVerdict::kNotDone:
      journal.may_be_done = false;
      return false;
    case DdlVerdict::kUnknown:
      break;
  }
  if (!is_unrepeatable_ddl(text)) return false;
  return make_error(ErrorCode::kConflict,
                    "it was begun before and the downstream does not tell whether it has happened; "
                    "compare its tables with SHOW CREATE TABLE, and GRANT PROCESS lets the drainer "
                    "see it the next time");
}

Result<void> DdlRunner::run(const Ddl& ddl, CommitTs commit_ts, Journal journal,
                            const StopToken& stop) {
  const std::vector<DdlStep> steps = ddl_steps(ddl);
  // The facts are of all tables together; each CREATE TABLE of a batch can be repeated.
  if (steps.size() > 1) journal.facts.clear();
  Result<void> result;
  for (const DdlStep& step : steps) {
    result = run_step(ddl, step, commit_ts, journal, stop);
    if (!result.ok()) break;
  }
  session_.reset();
  return result;
}

Result<void> DdlRunner::run_step(const Ddl& ddl, const DdlStep& step, CommitTs commit_ts,
                                 Journal journal, const StopToken& stop) {
  const std::string& text = step.text;
  Backoff backoff(kRetryPauses);
  while (true) {
    if (auto opened = open_session(stop); !opened.ok()) {
      // Nothing has been sent, and what fails here says nothing about the DDL.
      const bool can_retry = may_retry(opened.error()) && backoff.attempts() + 1 < attempts_max_;
      if (!can_retry) return opened;
      if (!pause(backoff, opened.error(), stop)) return stopped();
      continue;
    }
    auto done = journal.may_be_done ? is_done(ddl, text, journal) : Result<bool>(false);
    if (done.ok() && *done) return {};
    auto attempted = done.ok() ? attempt(step, stop) : Result<void>(std::move(done).error());
    if (attempted.ok()) {
      log_info("exec ddl success", {{"sql", text}});
      return {};
    }
    Error error = std::move(attempted).error();
    log_error("Exec fail, will rollback", {{"query", text}, {"args", "[]"}, {"error", error}});
    if (stop.stop_requested()) return stopped();
    if (is_lost(error)) {
      // The statement may still run, or be done, when the connection comes back.
      journal.may_be_done = true;
      if (session_) lost_session_ = session_->identity();
      session_.reset();
    } else if (takes_no_writes(error)) {
      session_.reset();
    }
    const bool must_fit = ddl.effect.must_fit && !journal.may_be_done;
    if ((is_ignorable_ddl_error(error) && !must_fit) || tidb::is_only_tiflash_replica(text) ||
        ((journal.may_be_done || ddl.is_early) && is_repeated_ddl_error(error))) {
      log_ignored(error, text);
      return {};
    }
    if (!may_retry(error) || backoff.attempts() + 1 >= attempts_max_) {
      log_error(
          "exec failed",
          {{"sql", text}, {"metadata", fmt::format("commit ts: {}", commit_ts)}, {"error", error}});
      if (must_fit) {
        (void)std::move(error).because(
            "the table filter leaves out some of the tables that upstream renamed, and those "
            "downstream are not what the others need");
      }
      return std::move(error).because(
          "exec DDL `{}` failed; when it has been dealt with by hand, skip it with "
          "ignore-txn-commit-ts = [{}]",
          text, commit_ts);
    }
    if (!pause(backoff, error, stop)) return stopped();
    if (auto waited = wait_for_lost_session(stop); !waited.ok()) {
      if (waited.error().code() == ErrorCode::kStopped) return waited;
    }
  }
}

Result<void> DdlRunner::attempt(const DdlStep& step, const StopToken& stop) {
  if (!step.use.empty()) TRY(session_->execute(step.use));
  if (!step.set_clock.empty()) {
    auto set = session_->execute(step.set_clock);
    if (!set.ok() && is_lost(set.error())) {
      return std::move(set).error();
    }
    if (!set.ok()) {
      log_warn("cannot set the time of a ddl, rows that exist get the time of now",
               {{"sql", step.set_clock}, {"error", set.error()}});
    }
  }
  return execute(step.text, stop);
}

Result<void> DdlRunner::execute(const std::string& text, const StopToken& stop) {
  const std::string kill =
      fmt::format("KILL {}QUERY {}", session_->is_tidb() ? "TIDB " : "", session_->identity().id);
  Result<uint64_t> executed = uint64_t{0};
  ThreadGroup enders;
  {
    const std::stop_callback on_stop(stop, [&] {
      enders.start("ddl-end",
                   [&](const StopToken& done) { return end_statement(*session_, kill, done); });
    });
    executed = session_->execute(text);
  }
  enders.request_stop();
  TRY(enders.wait());
  TRY(std::move(executed));
  return {};
}

Result<void> DdlRunner::end_statement(const Session& session, const std::string& kill,
                                      const StopToken& done) const {
  SessionOptions options = options_;
  options.read_timeout = kEndTimeout;
  if (!clock_.sleep_for(kStopGrace, done)) return {};
  log_warn("the drainer stops, ending its ddl", {{"sql", kill}});
  const TimePoint limit = clock_.now() + kEndLimit;
  const auto try_kill = [&]() -> Result<void> {
    ASSIGN_OR_RETURN(const auto killer, Session::open(options));
    auto killed = killer->execute(kill);
    // Other errors mean that there is nothing to end any more.
    if (!killed.ok() && is_lost(killed.error())) return std::move(killed).error();
    return {};
  };
  // Again and again: the first may come before the server has got the statement.
  do {
    const Result<void> tried = try_kill();
    if (tried.ok() && clock_.now() < limit) continue;
    log_warn("cannot end a ddl, ending its connection",
             {{"found", session.abort()},
              {"error", tried.ok() ? std::string("it goes on") : tried.error().to_string()}});
  } while (clock_.sleep_for(kEndPause, done));
  return {};
}

Result<void> DdlRunner::wait_for_lost_session(const StopToken& stop) {
  if (lost_session_.id == 0) return {};
  SessionOptions options = options_;
  options.read_timeout = kEndTimeout;
  ASSIGN_OR_RETURN(const auto session, Session::open(options));
  const std::string sql =
      "SELECT COUNT(*) FROM information_schema.processlist WHERE command <> 'Sleep' AND " +
      lost_session_.condition();
  bool is_logged = false;
  while (true) {
    ASSIGN_OR_RETURN(const std::string running, session->query_value(sql));
    if (running == "0") break;
    if (!is_logged)
      log_warn("waiting for the DDL of a lost connection", {{"id", lost_session_.id}});
    is_logged = true;
    if (!clock_.sleep_for(kLostSessionPoll, stop)) return stopped();
  }
  lost_session_ = {};
  return {};
}

}  // namespace drainer::mysql
