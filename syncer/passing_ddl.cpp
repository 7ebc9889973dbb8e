#include "syncer/passing_ddl.h"

#include <algorithm>

#include "drainer/base/ascii.h"
#include "drainer/tidb/ddl_rewrite.h"
#include "drainer/tidb/ddl_sql_mode.h"
#include "drainer/tidb/ddl_statement.h"

namespace drainer {

namespace {

std::optional<std::string> text_if(bool passes, std::string_view text) {
  return passes ? std::optional(std::string(text)) : std::nullopt;
}

schema::TableName full_name(const tidb::NameInText& name, const schema::DdlEffect& effect) {
  return {name.is_qualified() ? name.schema : effect.use_schema, name.table};
}

// Of a text that is nothing but CREATE TABLEs, one per statement; else none.
std::vector<schema::TableName> created_by(const schema::DdlEffect& effect, std::string_view text) {
  std::vector<schema::TableName> out;
  const tidb::SqlMode mode = tidb::guess_sql_mode(text);
  for (const std::string_view part : tidb::split_statements(text)) {
    const tidb::DdlStatement statement = tidb::parse_ddl(part, mode);
    if (statement.kind != tidb::DdlKind::kCreateTable || statement.tables.empty()) return {};
    out.push_back(full_name(statement.tables[0], effect));
  }
  return out;
}

void use_passing(const schema::TableFilter& filter, schema::DdlEffect& effect,
                 std::string_view passing) {
  if (!filter.skips(effect.name)) return;
  const tidb::SqlMode mode = tidb::guess_sql_mode(passing);
  std::vector<tidb::DdlStatement> statements;
  for (const std::string_view part : tidb::split_statements(passing)) {
    statements.push_back(tidb::parse_ddl(part, mode));
    const std::vector<tidb::NameInText>& names = statements.back().tables;
    const auto is_qualified = [](const tidb::NameInText& name) { return name.is_qualified(); };
    if (names.empty() || !std::ranges::all_of(names, is_qualified)) return;
  }
  if (statements.empty()) return;
  const tidb::DdlStatement& first = statements.front();
  const bool is_rename = first.kind == tidb::DdlKind::kRenameTable && first.tables.size() > 1;
  effect.use_schema = first.tables[is_rename ? 1 : 0].schema;
}

}  // namespace

std::optional<std::string> passing_creates(const schema::TableFilter& filter,
                                           schema::DdlEffect& effect,
                                           const std::vector<schema::TableName>& created,
                                           std::string_view text) {
  const auto skips = [&filter](const schema::TableName& name) { return filter.skips(name); };
  if (std::ranges::none_of(created, skips)) {
    use_passing(filter, effect, text);
    return std::string(text);
  }
  if (std::ranges::all_of(created, skips)) return std::nullopt;
  // Unless TiDB made a system table with them.
  const std::vector<std::string_view> statements = tidb::split_statements(text);
  if (statements.size() != created.size()) return std::string(text);
  std::string out;
  for (size_t i = 0; i < statements.size(); ++i) {
    if (skips(created[i])) continue;
    out += statements[i];
    out += ';';
  }
  use_passing(filter, effect, out);
  return out;
}

// KEEP: a rename is judged by the new name. FIX: each by its own, not all by the last one.
std::optional<std::string> passing_renames(const schema::TableFilter& filter,
                                           schema::DdlEffect& effect, std::string_view text) {
  const tidb::SqlMode mode = tidb::guess_sql_mode(text);
  const tidb::DdlStatement statement = tidb::parse_ddl(text, mode);
  const std::vector<tidb::NameInText>& names = statement.tables;
  const auto is_own = [&](const tidb::NameInText& old) {
    return filter.is_own(full_name(old, effect));
  };
  if (statement.kind == tidb::DdlKind::kAlterTable && names.size() == 2 && is_own(names[0])) {
    return std::nullopt;
  }
  const bool has_pairs = !names.empty() && names.size() % 2 == 0;
  if (statement.kind != tidb::DdlKind::kRenameTable || !has_pairs) {
    return text_if(!filter.skips(effect.name), text);
  }
  std::vector<bool> passes;
  for (size_t i = 1; i < names.size(); i += 2) {
    passes.push_back(!filter.skips(full_name(names[i], effect)) && !is_own(names[i - 1]));
  }
  if (std::ranges::find(passes, true) == passes.end()) return std::nullopt;
  std::string out = std::ranges::find(passes, false) == passes.end()
                        ? std::string(text)
                        : tidb::rename_only(text, mode, passes);
  use_passing(filter, effect, out);
  return out;
}

bool drops_own_schema(std::span<const std::string> own, const schema::DdlEffect& effect,
                      std::string_view text) {
  const auto is_named = [&effect](const std::string& schema) {
    return equals_folded(schema, effect.name.schema);
  };
  return std::ranges::any_of(own, is_named) &&
         tidb::classify_user_ddl(text) == tidb::DdlKind::kDropDatabase;
}

std::optional<std::string> passing_read_back(const schema::TableFilter& filter,
                                             schema::DdlEffect& effect, std::string_view text) {
  const std::vector<schema::TableName> created = created_by(effect, text);
  if (!created.empty()) return passing_creates(filter, effect, created, text);
  return passing_renames(filter, effect, text);
}

}  // namespace drainer
