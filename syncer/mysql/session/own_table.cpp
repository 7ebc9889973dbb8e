#include "syncer/mysql/session/own_table.h"

#include <utility>

#include "syncer/mysql/session/literal.h"

#include <fmt/format.h>

namespace drainer::mysql {

Result<void> ensure_table(Session& session, const OwnTable& table) {
  if (session.query("SELECT 1 FROM " + table.quoted + " LIMIT 1").ok()) return {};
  std::string schema;
  append_identifier(schema, table.schema);
  const std::string create_table =
      fmt::format("CREATE TABLE IF NOT EXISTS {} {}", table.quoted, table.definition);
  for (const std::string& sql : {"CREATE DATABASE IF NOT EXISTS " + schema, create_table}) {
    auto created = session.execute(sql);
    if (created.ok()) continue;
    if (created.error().code() != ErrorCode::kDenied) {
      return std::move(created).error().because("create {}", table.quoted);
    }
    return std::move(created).error().because(
        "the downstream {} in {}; GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON {}.* to the user "
        "of the drainer",
        table.purpose, table.quoted, schema);
  }
  return {};
}

}  // namespace drainer::mysql
