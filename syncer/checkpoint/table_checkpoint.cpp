#include "syncer/checkpoint/table_checkpoint.h"

#include <string>
#include <utility>
#include <vector>

#include "drainer/base/parse_number.h"
#include "drainer/base/retry.h"
#include "syncer/mysql/session/failure.h"
#include "syncer/mysql/session/literal.h"

namespace drainer {
namespace {

constexpr int kSaveAttempts = 5;
constexpr Duration kSavePause = std::chrono::seconds(1);

}  // namespace

Result<std::unique_ptr<TableCheckpoint>> TableCheckpoint::open(Location location, Clock& clock) {
  auto session = mysql::Session::open(location.session);
  if (!session.ok()) return std::move(session).error().because("open db failed");
  std::unique_ptr<TableCheckpoint> checkpoint(new TableCheckpoint(  // NOLINT: private constructor
      std::move(location), std::move(session).value(), clock));
  const std::string schema = "create schema if not exists " + checkpoint->location_.schema;
  const std::string table = fmt::format(
      "create table if not exists {}(clusterID bigint unsigned primary key, checkPoint "
      "MEDIUMTEXT)",
      checkpoint->name());
  for (const std::string& sql : {schema, table}) {
    auto created = checkpoint->session_->execute(sql);
    if (!created.ok()) {
      return std::move(created).error().because("exec failed, sql: {}", sql);
    }
  }
  if (checkpoint->location_.cluster_id == 0) TRY(checkpoint->find_cluster_id());
  return checkpoint;
}

Result<void> TableCheckpoint::find_cluster_id() {
  ASSIGN_OR_RETURN(const auto rows, session_->query("select clusterID from " + name()));
  if (rows.empty()) {
    return make_error(ErrorCode::kNotFound, "no row in the checkpoint table {}", name());
  }
  if (rows.size() > 1) {
    std::vector<std::string> ids;
    for (const auto& row : rows) ids.push_back(row[0].value_or("0"));
    return make_error(
        ErrorCode::kInvalid,
        "there are multi row in checkpoint table {}, of the clusters {}: which of them "
        "is meant only PD tells; keep the others' rows elsewhere until then",
        name(), fmt::join(ids, ", "));
  }
  location_.cluster_id = parse_whole<uint64_t>(rows[0][0].value_or("")).value_or(0);
  return {};
}

Result<std::optional<SavePoint>> TableCheckpoint::load() {
  const std::string sql =
      fmt::format("select checkPoint from {} where clusterID = {}", name(), location_.cluster_id);
  auto rows = session_->query(sql);
  if (!rows.ok()) return std::move(rows).error().because("QueryRow failed, sql: {}", sql);
  if (rows->empty()) return std::optional<SavePoint>();
  Result<SavePoint> point = parse_save_point((*rows)[0][0].value_or(""));
  if (!point.ok()) {
    return std::move(point).error().because(
        "row of cluster {} in {}: correct it, or delete it and give -initial-commit-ts",
        location_.cluster_id, name());
  }
  return std::optional<SavePoint>(std::move(point).value());
}

Result<void> TableCheckpoint::try_save(const std::string& sql_before, const std::string& json) {
  if (!session_) {
    ASSIGN_OR_RETURN(session_, mysql::Session::open(location_.session));
  }
  std::string sql = sql_before;
  mysql::append_quoted(sql, json, {.no_backslash_escapes = session_->no_backslash_escapes()});
  sql += ")";
  auto saved = session_->execute(sql);
  if (saved.ok()) return {};
  session_.reset();
  return std::move(saved).error().because("query sql failed: {}", sql);
}

Result<void> TableCheckpoint::save(const SavePoint& point, const StopToken& stop) {
  const std::string sql = fmt::format("replace into {} values({}, ", name(), location_.cluster_id);
  const std::string json = to_json(point);
  Result<void> saved =
      try_times(kSaveAttempts, kSavePause, clock_, stop, [&] { return try_save(sql, json); });
  if (saved.ok()) return saved;
  return mysql::as_unavailable_if_retryable(std::move(saved).error());
}

}  // namespace drainer
