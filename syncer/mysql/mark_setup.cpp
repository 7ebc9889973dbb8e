#include "syncer/mysql/mark_setup.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "drainer/base/log.h"
#include "loopback/mark_table.h"

namespace drainer::mysql {

namespace {

const std::string kTable = fmt::format("{}.{}", loopback::kMarkSchema, loopback::kMarkTable);

std::string where_table() {
  return fmt::format(" WHERE table_schema = '{}' AND table_name = '{}'", loopback::kMarkSchema,
                     loopback::kMarkTable);
}

Error wrong_table(const std::string& what) {
  return make_error(ErrorCode::kInvalid,
                    "the mark table {} of the downstream {}: rename or drop it while no drainer "
                    "writes there, it is made anew",
                    kTable, what);
}

Result<void> check_columns(Session& session) {
  ASSIGN_OR_RETURN(
      const auto columns,
      session.query(
          "SELECT LOWER(column_name), LOWER(column_type) FROM information_schema.columns" +
          where_table()));
  for (const std::string name : {"id", "channel_id", "val"}) {
    const auto found = std::ranges::find_if(
        columns, [&](const ResultRow& row) { return row[0].value_or("") == name; });
    if (found == columns.end()) return wrong_table("has no column " + name);
    const std::string type = (*found)[1].value_or("");
    if (!type.starts_with("bigint") || type.find("unsigned") != std::string::npos) {
      return wrong_table(fmt::format("has {} {} instead of bigint", name, type));
    }
  }
  ASSIGN_OR_RETURN(const auto key,
                   session.query("SELECT LOWER(column_name) FROM information_schema.statistics" +
                                 where_table() + " AND index_name = 'PRIMARY' ORDER BY 1"));
  const bool is_right = key.size() == 2 && key[0][0] == "channel_id" && key[1][0] == "id";
  return is_right ? Result<void>() : wrong_table("has not the primary key (id, channel_id)");
}

Result<void> run(Session& session, const std::string& sql) {
  auto done = session.execute(sql);
  if (!done.ok()) return std::move(done).error().because("set up the mark table: {}", sql);
  return {};
}

Result<void> log_other_channels(const SyncerOptions& syncer, Session& session) {
  ASSIGN_OR_RETURN(const auto others,
                   session.query(fmt::format("SELECT DISTINCT channel_id FROM {} WHERE channel_id "
                                             "<> {} ORDER BY 1 LIMIT 100",
                                             kTable, syncer.channel_id)));
  std::string list;
  for (const ResultRow& row : others) list += (list.empty() ? "" : ", ") + row[0].value_or("");
  if (list.empty()) return {};
  log_info("loopback control: drainers with other channels write or have written downstream",
           {{"channel-id", syncer.channel_id}, {"others", list}});
  return {};
}

}  // namespace

Result<void> set_up_marks(const SyncerOptions& syncer, Session& session) {
  const loopback::MarkTable marks(syncer.channel_id);
  std::vector<std::string> statements = marks.setup_statements(syncer.worker_count);
  const std::string rows = std::move(statements.back());
  statements.pop_back();
  for (const std::string& sql : statements) TRY(run(session, sql));
  TRY(check_columns(session));
  TRY(run(session, rows));
  return log_other_channels(syncer, session);
}

Result<void> note_sync_ddl(const SyncerOptions& syncer, Session& session) {
  return run(session, loopback::MarkTable(syncer.channel_id).note_statement(syncer.sync_ddl));
}

}  // namespace drainer::mysql
