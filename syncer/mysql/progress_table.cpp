#include "syncer/mysql/progress_table.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <utility>

#include "drainer/base/crc32c.h"
#include "drainer/base/retry.h"
#include "syncer/mysql/session/failure.h"
#include "syncer/mysql/session/literal.h"
#include "syncer/mysql/session/own_table.h"

namespace drainer::mysql {
namespace {

template <class Number>
Number number_of(const Field& field) {
  Number value{};
  if (field) std::from_chars(field->data(), field->data() + field->size(), value);
  return value;
}

/// Fields that make an AppliedState, in this order.
constexpr std::string_view kStateFields = "commit_ts, applied, ddl_ts";

Result<AppliedState> parse_state(const ResultRow& row) {
  AppliedState state;
  state.commit_ts = CommitTs(number_of<int64_t>(row[0]));
  state.ddl_ts = CommitTs(number_of<int64_t>(row[2]));
  TRY(decode_spans(row[1].value_or(""), state));
  return state;
}

std::string state_assignments(const AppliedState& state) {
  return fmt::format("commit_ts={},applied='{}',ddl_ts={}", state.commit_ts.value,
                     encode_spans(state), state.ddl_ts.value);
}

std::string table_of(const schema::TableName& name) {
  std::string table;
  append_table_name(table, name.schema, name.table);
  return table;
}

/// Held by the session of the worker that writes the row for `owner`.
NamedLock session_lock(const ProgressTable::Id& id, std::string_view worker,
                       const std::string& owner) {
  return NamedLock(fmt::format("drainer row {} {} {:08x}", id.cluster_id, worker,
                               crc32c(table_of(id.table) + " " + owner)));
}

// Of the rows that select_text() gives.
Result<std::optional<ProgressTable::Previous>> parse_previous(const std::vector<ResultRow>& rows) {
  ProgressTable::Previous previous;
  for (const ResultRow& row : rows) {
    const CommitTs checkpoint(number_of<int64_t>(row[3]));
    const CommitTs saved(number_of<int64_t>(row[4]));
    if (row[5] == "1") {
      previous.announced_ts = checkpoint;
      previous.saved_ts = saved;
      previous.safe_until = CommitTs(number_of<int64_t>(row[0]));
      continue;
    }
    ASSIGN_OR_RETURN(const AppliedState state, parse_state(row));
    previous.state.merge(state);
    previous.checkpoint_ts = std::max(previous.checkpoint_ts, checkpoint);
    previous.late_ts = std::max(previous.late_ts, saved);
  }
  // Rows that no run got beyond creating.
  if (previous.state == AppliedState{} && previous.checkpoint_ts.value == 0) {
    return std::optional<ProgressTable::Previous>();
  }
  return std::optional<ProgressTable::Previous>(std::move(previous));
}

// No rows as long as no drainer has made the table. A server may say "denied" instead; if it is
// there and denied, create() and those who write to it tell.
Result<std::vector<ResultRow>> query_if_present(Session& session, const std::string& sql) {
  auto rows = session.query(sql);
  if (rows.ok()) return std::move(rows).value();
  const bool is_absent = rows.error().code() == ErrorCode::kDenied ||
                         rows.error().detail() == kNoSuchTable ||
                         rows.error().detail() == kUnknownDatabase;
  if (!is_absent) return std::move(rows).error();
  return std::vector<ResultRow>();
}

constexpr int kAnnounceAttempts = 5;
constexpr Duration kAnnouncePause = std::chrono::seconds(1);

std::string quoted(std::string_view text) {
  // Owner names hold no character that the sql_mode could turn; see make_owner_name().
  std::string out;
  append_quoted(out, text, {.no_backslash_escapes = true});
  return out;
}

}  // namespace

std::string make_owner_name() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  std::string name;
  for (const char* c = host; *c != '\0' && name.size() < 64; ++c) {
    name.push_back(*c == '\\' || *c == '\'' ? '_' : *c);
  }
  std::random_device random;
  return fmt::format("{}:{}:{:08x}", name, getpid(), random());
}

ProgressTable::ProgressTable(Id id) : id_(std::move(id)), table_(table_of(id_.table)) {}

Result<void> ProgressTable::create(Session& session) {
  TRY(ensure_table(
      session,
      {.schema = id_.table.schema,
       .quoted = table_,
       .definition =
           "(cluster_id bigint unsigned NOT NULL, worker int unsigned NOT NULL, owner varchar(128) "
           "CHARACTER SET utf8mb4 NOT NULL, epoch bigint unsigned NOT NULL, commit_ts bigint NOT "
           "NULL, applied mediumtext CHARACTER SET ascii NOT NULL, ddl_ts bigint NOT NULL, "
           "checkpoint_ts bigint NOT NULL, saved_ts bigint NOT NULL, PRIMARY KEY (cluster_id, "
           "worker)) ENGINE=InnoDB",
       .purpose = "keeps the progress"}));
  return check_engine(session);
}

// Made by hand, or by an older drainer where InnoDB is not the default: its progress would outlive
// a rollback of the rows.
Result<void> ProgressTable::check_engine(Session& session) const {
  ASSIGN_OR_RETURN(
      const auto rows,
      session.query(fmt::format(
          "SELECT t.ENGINE, e.TRANSACTIONS FROM information_schema.TABLES t LEFT JOIN "
          "information_schema.ENGINES e ON e.ENGINE = t.ENGINE WHERE t.TABLE_SCHEMA = {} AND "
          "t.TABLE_NAME = {}",
          quoted(id_.table.schema), quoted(id_.table.table))));
  if (rows.empty() || rows[0][1].value_or("NO") == "YES") return {};
  return make_error(ErrorCode::kInvalid,
                    "{} has the engine {}, which has no transactions: ALTER TABLE {} ENGINE=InnoDB",
                    table_, rows[0][0].value_or(""), table_);
}

// Transactions of a TiDB hold no locks that others would wait for.
Result<void> ProgressTable::end_idle_workers(Session& session) {
  if (session.is_tidb()) return {};
  ASSIGN_OR_RETURN(const auto rows,
                   session.query(fmt::format("SELECT worker, owner FROM {} WHERE cluster_id={}",
                                             table_, id_.cluster_id)));
  for (const ResultRow& row : rows) {
    const NamedLock lock = session_lock(id_, row[0].value_or(""), row[1].value_or(""));
    TRY(lock.end_idle_holder(session));
  }
  return {};
}

Result<std::optional<ProgressTable::Previous>> ProgressTable::take_over(Session& session,
                                                                        size_t workers) {
  TRY(end_idle_workers(session));
  TRY(session.execute("START TRANSACTION"));
  TRY(session.execute(fmt::format("UPDATE {} SET owner={}, epoch=epoch+1 WHERE cluster_id={}",
                                  table_, quoted(id_.owner), id_.cluster_id)));
  std::string insert = fmt::format("INSERT IGNORE INTO {} VALUES", table_);
  for (size_t row = 0; row <= workers; ++row) {
    insert += fmt::format("{}({},{},{},1,0,'',0,0,0)", row == 0 ? "" : ",", id_.cluster_id,
                          row < workers ? row : kCheckpointRow, quoted(id_.owner));
  }
  TRY(session.execute(insert));
  ASSIGN_OR_RETURN(const auto rows, session.query(select_text()));
  TRY(session.execute("COMMIT"));
  return parse_previous(rows);
}

Result<std::optional<ProgressTable::Previous>> ProgressTable::find(Session& session) const {
  ASSIGN_OR_RETURN(const auto rows, query_if_present(session, select_text()));
  return parse_previous(rows);
}

Result<std::vector<uint64_t>> ProgressTable::find_clusters(Session& session,
                                                           const schema::TableName& table,
                                                           CommitTs checkpoint) {
  ASSIGN_OR_RETURN(
      const auto rows,
      query_if_present(
          session, fmt::format("SELECT cluster_id FROM {0} WHERE worker={1} AND cluster_id<>0 AND "
                               "(checkpoint_ts={2} OR saved_ts={2}) ORDER BY cluster_id",
                               table_of(table), kCheckpointRow, checkpoint.value)));
  std::vector<uint64_t> clusters;
  for (const ResultRow& row : rows) clusters.push_back(number_of<uint64_t>(row[0]));
  return clusters;
}

std::string ProgressTable::select_text() const {
  return fmt::format("SELECT {}, checkpoint_ts, saved_ts, worker={} FROM {} WHERE cluster_id={}",
                     kStateFields, kCheckpointRow, table_, id_.cluster_id);
}

Result<void> ProgressTable::start_at(Session& session, size_t workers, const Begin& begin) {
  const std::string mine =
      fmt::format("WHERE cluster_id={} AND owner={} AND worker", id_.cluster_id, quoted(id_.owner));
  TRY(session.execute("START TRANSACTION"));
  ASSIGN_OR_RETURN(
      const uint64_t updated,
      session.execute(fmt::format("UPDATE {} SET {},checkpoint_ts={},saved_ts={} {}=0", table_,
                                  state_assignments(begin.state), begin.checkpoint_ts.value,
                                  begin.late_ts.value, mine)));
  if (updated != 1) {
    TRY(session.rollback());
    return ProgressRow(id_, 0).fenced_error(session);
  }
  TRY(session.execute(fmt::format("UPDATE {} SET {},checkpoint_ts=0 {}>0", table_,
                                  state_assignments(AppliedState{}), mine)));
  TRY(session.execute(
      fmt::format("UPDATE {0} SET commit_ts={1},checkpoint_ts={2},saved_ts={2} {3}={4}", table_,
                  begin.safe_until.value, begin.checkpoint_ts.value, mine, kCheckpointRow)));
  TRY(session.execute(
      fmt::format("DELETE FROM {} {}>={} AND worker<{}", table_, mine, workers, kCheckpointRow)));
  TRY(session.execute("COMMIT"));
  return {};
}

CheckpointNote::CheckpointNote(ProgressTable::Id id, SessionOptions session, CommitTs saved,
                               Clock& clock)
    : id_(std::move(id)), options_(std::move(session)), clock_(clock), saved_(saved) {}

Result<void> CheckpointNote::announce(CommitTs checkpoint, const StopToken& stop) {
  if (stop.stop_requested()) return stopped();
  Result<void> done = try_times(kAnnounceAttempts, kAnnouncePause, clock_, stop, [&] {
    Result<void> tried = try_announce(checkpoint);
    if (!tried.ok()) session_.reset();
    return tried;
  });
  if (!done.ok()) {
    if (done.error().code() == ErrorCode::kStopped) return done;
    return as_unavailable_if_retryable(std::move(done).error())
        .because("announce the checkpoint {} in {}", checkpoint, table_of(id_.table));
  }
  saved_ = checkpoint;
  return {};
}

// Sets both, so that it may be done twice.
Result<void> CheckpointNote::try_announce(CommitTs checkpoint) {
  if (!session_) {
    ASSIGN_OR_RETURN(session_, Session::open(options_));
  }
  const std::string update = fmt::format(
      "UPDATE {} SET checkpoint_ts={},saved_ts={} WHERE cluster_id={} AND worker={} AND owner={}",
      table_of(id_.table), checkpoint.value, saved_.value, id_.cluster_id, kCheckpointRow,
      quoted(id_.owner));
  ASSIGN_OR_RETURN(const uint64_t matched, session_->execute(update));
  if (matched == 1) return {};
  return ProgressRow(id_, kCheckpointRow).fenced_error(*session_);
}

ProgressRow::ProgressRow(ProgressTable::Id id, size_t worker)
    : id_(std::move(id)),
      session_lock_(session_lock(id_, std::to_string(worker), id_.owner)),
      table_(table_of(id_.table)),
      where_(fmt::format(" WHERE cluster_id={} AND worker={}", id_.cluster_id, worker)) {}

Result<AppliedState> ProgressRow::renew(Session& session) {
  if (!session.is_tidb()) {
    // Without it a take-over waits until the server itself ends what this session has open.
    const auto locked = session_lock_.try_take(session);
    if (!locked.ok() && is_lost(locked.error())) return locked.error();
  }
  const std::string mine = fmt::format("{} AND owner={}", where_, quoted(id_.owner));
  ASSIGN_OR_RETURN(const uint64_t raised,
                   session.execute(fmt::format("UPDATE {} SET epoch=epoch+1{}", table_, mine)));
  if (raised != 1) return fenced_error(session);
  ASSIGN_OR_RETURN(const auto rows, session.query(fmt::format("SELECT {}, epoch FROM {}{}",
                                                              kStateFields, table_, mine)));
  if (rows.empty()) return fenced_error(session);
  epoch_ = number_of<uint64_t>(rows[0][3]);
  return parse_state(rows[0]);
}

Result<void> ProgressRow::check_owner(Session& session) const {
  ASSIGN_OR_RETURN(const auto rows, session.query(fmt::format("SELECT 1 FROM {}{} AND owner={}",
                                                              table_, where_, quoted(id_.owner))));
  return rows.empty() ? Result<void>(fenced_error(session)) : Result<void>();
}

std::string ProgressRow::update_text(const AppliedState& state) const {
  return fmt::format("UPDATE {} SET {}{} AND epoch={}", table_, state_assignments(state), where_,
                     epoch_);
}

Error ProgressRow::fenced_error(Session& session) const {
  auto owner = session.query(fmt::format("SELECT owner FROM {}{}", table_, where_));
  if (!owner.ok()) return std::move(owner).error();
  if (owner->empty()) {
    return make_error(ErrorCode::kConflict,
                      "the row of cluster {} in {} was removed; start again: the drainer goes on "
                      "from the checkpoint, in safe mode",
                      id_.cluster_id, table_);
  }
  return make_error(
      ErrorCode::kConflict,
      "another drainer ({}) has taken over cluster {} on this downstream; this one ({}) stops",
      (*owner)[0][0].value_or(""), id_.cluster_id, id_.owner);
}

}  // namespace drainer::mysql
