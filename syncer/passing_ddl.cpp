#include "syncer/passing_ddl.h"

#include <algorithm>

#include "drainer/base/ascii.h"
#include "drainer/schema/lower_case.h"
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
  if (!filter.skips(effect.name) && !filter.skips({effect.use_schema, ""})) return;
  const tidb::SqlMode mode = tidb::guess_sql_mode(passing);
  std::optional<std::string> found;
  for (const std::string_view part : tidb::split_statements(passing)) {
    const tidb::DdlStatement statement = tidb::parse_ddl(part, mode);
    const std::vector<tidb::NameInText>& names = statement.tables;
    const auto is_qualified = [](const tidb::NameInText& name) { return name.is_qualified(); };
    if (names.empty() || !std::ranges::all_of(names, is_qualified)) return;
    // A rename is judged by its new name.
    const bool is_rename = statement.kind == tidb::DdlKind::kRenameTable;
    for (size_t i = is_rename ? 1 : 0; i < names.size() && !found; i += 2) {
      if (!filter.skips(full_name(names[i], effect))) found = names[i].schema;
    }
  }
  if (found) effect.use_schema = *std::move(found);
}

/// Where the clauses of a RENAME TABLE take one table.
struct Journey {
  std::vector<schema::TableName> places;  ///< in lower case, from its old name to its last
  std::vector<size_t> clauses;

  bool meets(const Journey& other) const {
    return std::ranges::find_first_of(places, other.places) != places.end();
  }
};

std::vector<Journey> find_journeys(const schema::DdlEffect& effect,
                                   const std::vector<tidb::NameInText>& names) {
  const auto place_of = [&effect](const tidb::NameInText& name) -> schema::TableName {
    const schema::TableName full = full_name(name, effect);
    return {schema::to_lower(full.schema), schema::to_lower(full.table)};
  };
  std::vector<Journey> journeys;
  for (size_t i = 0; i + 1 < names.size(); i += 2) {
    const schema::TableName from = place_of(names[i]);
    const auto is_there = [&from](const Journey& it) { return it.places.back() == from; };
    auto journey = std::ranges::find_if(journeys, is_there);
    if (journey == journeys.end()) journey = journeys.insert(journey, Journey{{from}, {}});
    journey->places.push_back(place_of(names[i + 1]));
    journey->clauses.push_back(i / 2);
  }
  return journeys;
}

// Those that end at a name that passes, and with them those that free or take a name of theirs:
// without these they would not go where they went upstream, or not at all.
std::vector<Journey> passing_journeys(const schema::TableFilter& filter,
                                      const schema::DdlEffect& effect,
                                      const std::vector<tidb::NameInText>& names) {
  std::vector<Journey> left = find_journeys(effect, names);
  std::erase_if(left, [&](const Journey& it) { return filter.is_own(it.places.front()); });
  const auto skipped = std::ranges::partition(
      left, [&](const Journey& it) { return !filter.skips(it.places.back()); });
  std::vector<Journey> passing(left.begin(), skipped.begin());
  left.erase(left.begin(), skipped.begin());
  for (size_t i = 0; i < passing.size(); ++i) {
    const auto met = std::ranges::partition(
        left, [&, at = passing[i]](const Journey& it) { return !it.meets(at); });
    passing.insert(passing.end(), met.begin(), met.end());
    left.erase(met.begin(), met.end());
  }
  return passing;
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

// KEEP: a rename is judged by the new name. FIX: each table by its own, not all by the last one.
std::optional<std::string> passing_renames(const schema::TableFilter& filter,
                                           schema::DdlEffect& effect, std::string_view text) {
  const tidb::SqlMode mode = tidb::guess_sql_mode(text);
  const tidb::DdlStatement statement = tidb::parse_ddl(text, mode);
  const std::vector<tidb::NameInText>& names = statement.tables;
  if (statement.kind == tidb::DdlKind::kAlterTable && names.size() == 2 &&
      filter.is_own(full_name(names[0], effect))) {
    return std::nullopt;
  }
  const bool has_pairs = !names.empty() && names.size() % 2 == 0;
  if (statement.kind != tidb::DdlKind::kRenameTable || !has_pairs) {
    return text_if(!filter.skips(effect.name), text);
  }
  const std::vector<Journey> journeys = passing_journeys(filter, effect, names);
  std::vector<bool> passes(names.size() / 2);
  for (const Journey& journey : journeys) {
    for (const size_t clause : journey.clauses) passes[clause] = true;
  }
  if (journeys.empty()) return std::nullopt;
  std::string out = std::ranges::find(passes, false) == passes.end()
                        ? std::string(text)
                        : tidb::rename_only(text, mode, passes);
  const auto skips = [&filter](const schema::TableName& name) { return filter.skips(name); };
  const auto skips_named = [&](const tidb::NameInText& name) {
    return skips(full_name(name, effect));
  };
  const auto is_replicated = [&](const Journey& journey) {
    return !skips(journey.places.front()) && !skips(journey.places.back());
  };
  effect.must_fit =
      std::ranges::any_of(names, skips_named) && std::ranges::any_of(journeys, is_replicated);
  use_passing(filter, effect, out);
  return out;
}

Result<void> check_exchange(const schema::TableFilter& filter, const schema::DdlEffect& effect) {
  const auto skips = [&filter](const schema::TableName& name) { return filter.skips(name); };
  const auto skipped = std::ranges::find_if(effect.touched, skips);
  const auto passing = std::ranges::find_if_not(effect.touched, skips);
  if (skipped == effect.touched.end() || passing == effect.touched.end()) return {};
  return make_error(
      ErrorCode::kUnsupported,
      "a partition is exchanged between {}.{}, which is replicated, and {}.{}, which a filter "
      "leaves out, so the rows are not known here; to go on, put the rows of the first right "
      "downstream and add the commit ts to `ignore-txn-commit-ts`",
      passing->schema, passing->table, skipped->schema, skipped->table);
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
