#include "syncer/relay/known_tables.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "drainer/schema/lower_case.h"
#include "drainer/tidb/ddl_sql_mode.h"
#include "drainer/tidb/ddl_statement.h"

namespace drainer::relay {

namespace {

using schema::TableName;
using tidb::DdlKind;

TableName folded(const TableName& name) {
  return StaleNames::folded(name);
}

bool has_word(std::string_view text, tidb::SqlMode mode, std::string_view word) {
  const auto tokens = tidb::TokenList::lex(text, mode);
  if (!tokens) return false;
  for (size_t i = 0; i < tokens->size(); ++i) {
    if (tokens->is_word(i, word)) return true;
  }
  return false;
}

TableName name_in(const tidb::NameInText& name, const std::string& database) {
  return {name.is_qualified() ? name.schema : database, name.table};
}

}  // namespace

struct KnownTables::Statement {
  tidb::DdlStatement parsed;
  bool is_exchange = false;  ///< ALTER TABLE … EXCHANGE PARTITION: both tables stay

  bool is_rename() const {
    return parsed.tables.size() > 1 && (parsed.kind == DdlKind::kRenameTable ||
                                        (parsed.kind == DdlKind::kAlterTable && !is_exchange));
  }
  bool is_drop() const {
    return parsed.kind == DdlKind::kDropTable || parsed.kind == DdlKind::kDropView;
  }
  std::vector<TableName> names(const std::string& database) const {
    std::vector<TableName> out;
    for (const tidb::NameInText& name : parsed.tables) out.push_back(name_in(name, database));
    return out;
  }
};

void KnownTables::add(const TableName& name) {
  tables_.insert_or_assign(folded(name), name.schema);
}

bool KnownTables::contains(const TableName& name) const {
  return tables_.contains(folded(name));
}

void KnownTables::follow(KnownTables past) {
  stale_ = std::move(past.stale_);
  if (tables_.empty()) tables_ = std::move(past.tables_);
}

void KnownTables::remove(const TableName& name) {
  tables_.erase(folded(name));
  stale_.remove(name);
}

// The tables that the statement needs are there, if its unqualified names live in `database`.
bool KnownTables::has_sources(const Statement& statement, const std::string& database) const {
  const std::vector<TableName> names = statement.names(database);
  if (statement.is_rename()) {
    // One rename may take what the one before has made.
    std::set<TableName> made;
    for (size_t i = 0; i + 1 < names.size(); i += 2) {
      if (!contains(names[i]) && !made.contains(names[i])) return false;
      made.insert(names[i + 1]);
    }
    return true;
  }
  if (statement.is_drop()) return find_dropped(names) != nullptr;
  const bool is_create = statement.parsed.kind == DdlKind::kCreateTable ||
                         statement.parsed.kind == DdlKind::kCreateView;
  return std::all_of(names.begin() + is_create, names.end(),
                     [this](const TableName& name) { return contains(name); });
}

std::string KnownTables::find_database(const Statement& statement, const std::string& used) const {
  const bool is_qualified = std::ranges::all_of(
      statement.parsed.tables, [](const tidb::NameInText& name) { return name.is_qualified(); });
  if (is_qualified || has_sources(statement, used)) return used;
  std::string_view last;
  for (const auto& [known, database] : tables_) {
    if (known.schema == last) continue;
    last = known.schema;
    if (has_sources(statement, database)) return database;
  }
  return used;
}

const TableName* KnownTables::find_dropped(const std::vector<TableName>& names) const {
  const auto found =
      std::ranges::find_if(names, [this](const TableName& name) { return contains(name); });
  return found == names.end() ? nullptr : &*found;
}

void KnownTables::apply(Ddl& ddl, bool is_named) {
  schema::DdlEffect& effect = ddl.effect;
  effect.touched.clear();
  const tidb::SqlMode mode = tidb::guess_sql_mode(ddl.text);
  // A batch of CREATE TABLEs is several statements.
  for (const std::string_view text : tidb::split_statements(ddl.text)) {
    const Statement statement{tidb::parse_ddl(text, mode), has_word(text, mode, "EXCHANGE")};
    effect.use_schema = find_database(statement, effect.use_schema);
    const std::vector<TableName> names = statement.names(effect.use_schema);
    effect.touched.insert(effect.touched.end(), names.begin(), names.end());
    if (!is_named && statement.is_drop() && !names.empty()) {
      const TableName* const dropped = find_dropped(names);
      effect.name = dropped != nullptr ? *dropped : names[0];
    }
    take_effect(statement, ddl);
  }
}

void KnownTables::take_effect(const Statement& statement, const Ddl& ddl) {
  const std::vector<TableName> names = statement.names(ddl.effect.use_schema);
  if (statement.is_rename()) {
    for (size_t i = 0; i + 1 < names.size(); i += 2) {
      tables_.erase(folded(names[i]));
      add(names[i + 1]);
    }
    stale_.rename(names);
    return;
  }
  if (statement.is_drop()) {
    remove(ddl.effect.name);
    return;
  }
  switch (statement.parsed.kind) {
    case DdlKind::kCreateTable:
    case DdlKind::kCreateView:
      if (!names.empty()) add(names[0]);
      return;
    case DdlKind::kDropDatabase: {
      const std::string database = schema::to_lower(ddl.effect.name.schema);
      std::erase_if(tables_, [&](const auto& known) { return known.first.schema == database; });
      return;
    }
    case DdlKind::kTruncateTable:
      if (!names.empty()) stale_.truncate(names[0]);
      return;
    default:
      for (const TableName& name : names) stale_.alter(name);
      return;
  }
}

void KnownTables::apply(Txn& txn) {
  for (auto& table : txn.tables) {
    const TableName real =
        stale_.find_table(table->name, [this](const TableName& name) { return contains(name); });
    add(real);
    if (real == table->name) continue;
    auto& renamed = renamed_[{table.get(), real}];
    if (!renamed) {
      auto copy = std::make_shared<schema::TableVersion>(*table);
      copy->name = real;
      // Keeps the key's address taken.
      copy->previous = table;
      renamed = std::move(copy);
    }
    table = renamed;
  }
}

}  // namespace drainer::relay
