#include "syncer/mysql/progress_table.h"

#include <unistd.h>

#include <charconv>
#include <random>
#include <utility>

#include "syncer/mysql/literal.h"

namespace drainer::mysql {
namespace {

constexpr std::string_view kStateFields = "commit_ts, part_ts, part_rows, ddl_ts";

template <class Number>
Number number_of(const Field& field) {
  Number value{};
  if (field) std::from_chars(field->data(), field->data() + field->size(), value);
  return value;
}

AppliedState parse_state(const ResultRow& row) {
  return {.commit_ts = CommitTs(number_of<int64_t>(row[0])),
          .part_ts = CommitTs(number_of<int64_t>(row[1])),
          .part_rows = number_of<uint64_t>(row[2]),
          .ddl_ts = CommitTs(number_of<int64_t>(row[3]))};
}

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

ProgressTable::ProgressTable(Id id) : id_(std::move(id)) {
  append_table_name(table_, id_.schema, kProgressTableName);
}

std::string ProgressTable::where() const {
  return fmt::format(" WHERE cluster_id={} AND worker={}", id_.cluster_id, id_.worker);
}

Result<void> ProgressTable::create(Session& session) {
  std::string schema;
  append_identifier(schema, id_.schema);
  const std::string create_table = fmt::format(
      "CREATE TABLE IF NOT EXISTS {} (cluster_id bigint unsigned NOT NULL, worker int unsigned NOT "
      "NULL, owner varchar(128) CHARACTER SET utf8mb4 NOT NULL, epoch bigint unsigned NOT NULL, "
      "commit_ts bigint NOT NULL, part_ts bigint NOT NULL, part_rows bigint unsigned NOT NULL, "
      "ddl_ts bigint NOT NULL, checkpoint_ts bigint NOT NULL, PRIMARY KEY (cluster_id, worker))",
      table_);
  // Asks first: a user without the privilege to create may find both made for him.
  if (session.query("SELECT 1 FROM " + table_ + " LIMIT 1").ok()) return {};
  for (const std::string& sql : {"CREATE DATABASE IF NOT EXISTS " + schema, create_table}) {
    auto created = session.execute(sql);
    if (created.ok()) continue;
    if (created.error().code() != ErrorCode::kDenied) {
      return std::move(created).error().because("create {}", table_);
    }
    return std::move(created).error().because(
        "the downstream keeps the progress in {}; GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON "
        "{}.* to the user of the drainer",
        table_, schema);
  }
  return {};
}

Result<std::optional<ProgressTable::Previous>> ProgressTable::take_over(Session& session) {
  ASSIGN_OR_RETURN(
      const uint64_t inserted,
      session.execute(fmt::format("INSERT IGNORE INTO {} VALUES({},{},{},0,0,0,0,0,0)", table_,
                                  id_.cluster_id, id_.worker, quoted(id_.owner))));
  TRY(session.execute(
      fmt::format("UPDATE {} SET owner={}, epoch=epoch+1{}", table_, quoted(id_.owner), where())));
  TRY(renew(session));
  ASSIGN_OR_RETURN(const auto rows, session.query(fmt::format("SELECT {}, checkpoint_ts FROM {}{}",
                                                              kStateFields, table_, where())));
  if (inserted > 0 || rows.empty()) return std::optional<Previous>();
  const Previous previous{.state = parse_state(rows[0]),
                          .checkpoint_ts = CommitTs(number_of<int64_t>(rows[0][4]))};
  // A row that no run got beyond creating.
  if (previous.state == AppliedState{} && previous.checkpoint_ts.value == 0) {
    return std::optional<Previous>();
  }
  return std::optional<Previous>(previous);
}

Result<AppliedState> ProgressTable::renew(Session& session) {
  const std::string mine = fmt::format("{} AND owner={}", where(), quoted(id_.owner));
  ASSIGN_OR_RETURN(const uint64_t raised,
                   session.execute(fmt::format("UPDATE {} SET epoch=epoch+1{}", table_, mine)));
  if (raised != 1) return fenced_error(session);
  ASSIGN_OR_RETURN(const auto rows, session.query(fmt::format("SELECT {}, epoch FROM {}{}",
                                                              kStateFields, table_, mine)));
  if (rows.empty()) return fenced_error(session);
  epoch_ = number_of<uint64_t>(rows[0][4]);
  return parse_state(rows[0]);
}

Result<void> ProgressTable::start_at(Session& session, const AppliedState& state,
                                     CommitTs checkpoint_ts) {
  ASSIGN_OR_RETURN(const uint64_t updated, session.execute(update_text(state)));
  if (updated != 1) return fenced_error(session);
  TRY(session.execute(fmt::format("UPDATE {} SET checkpoint_ts={}{} AND owner={} AND epoch={}",
                                  table_, checkpoint_ts.value, where(), quoted(id_.owner),
                                  epoch_)));
  return {};
}

std::string ProgressTable::update_text(const AppliedState& state) const {
  return fmt::format("UPDATE {} SET commit_ts={},part_ts={},part_rows={},ddl_ts={}{} AND epoch={}",
                     table_, state.commit_ts.value, state.part_ts.value, state.part_rows,
                     state.ddl_ts.value, where(), epoch_);
}

Error ProgressTable::fenced_error(Session& session) const {
  auto owner = session.query(fmt::format("SELECT owner FROM {}{}", table_, where()));
  if (!owner.ok()) return std::move(owner).error();
  return make_error(
      ErrorCode::kConflict,
      "another drainer ({}) has taken over cluster {} on this downstream; this one ({}) stops",
      owner->empty() ? "its row is gone" : (*owner)[0][0].value_or(""), id_.cluster_id, id_.owner);
}

}  // namespace drainer::mysql
