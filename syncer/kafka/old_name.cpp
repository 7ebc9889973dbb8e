#include "syncer/kafka/old_name.h"

#include "drainer/base/ascii.h"
#include "drainer/tidb/ddl_text.h"

namespace drainer::kafka {

std::optional<schema::TableName> find_old_name(const Ddl& ddl) {
  const schema::TableName& name = ddl.effect.name;
  const tidb::DdlStatement statement = tidb::parse_ddl(ddl.text, tidb::guess_sql_mode(ddl.text));
  const bool may_rename =
      statement.kind == tidb::DdlKind::kRenameTable || statement.kind == tidb::DdlKind::kAlterTable;
  if (!may_rename || statement.tables.size() < 2) return std::nullopt;
  // Of EXCHANGE PARTITION the second one is another table.
  if (!equals_folded(statement.tables[1].table, name.table)) return std::nullopt;
  const tidb::NameInText& old = statement.tables[0];
  const std::string& used = ddl.effect.use_schema.empty() ? name.schema : ddl.effect.use_schema;
  return schema::TableName{old.is_qualified() ? old.schema : used, old.table};
}

}  // namespace drainer::kafka
