// The catalogue that schema_changes.cpp changes: how tables are found, come, move and end in it.

#include <algorithm>

#include "drainer/schema/lower_case.h"
#include "drainer/schema/schema.h"

namespace drainer::schema {

namespace {

std::shared_ptr<const TableVersion> without_previous(std::shared_ptr<const TableVersion> version) {
  if (!version || !version->previous) return version;
  auto copy = std::make_shared<TableVersion>(*version);
  copy->previous = nullptr;
  return copy;
}

}  // namespace

Result<Schema::Database*> Schema::find_database(SchemaId id) {
  const auto found = databases_.find(id);
  if (found == databases_.end()) {
    return make_error(ErrorCode::kNotFound, "schema {} not found", id);
  }
  return &found->second;
}

Result<Schema::Table*> Schema::find_live(TableId id) {
  const auto found = tables_.find(id);
  if (found == tables_.end()) return make_error(ErrorCode::kNotFound, "table {} not found", id);
  return &found->second;
}

const Schema::Database* Schema::find_database_named(std::string_view name, SchemaId* id) const {
  const std::string wanted = to_lower(name);
  for (const auto& [schema, database] : databases_) {
    if (to_lower(database.name) != wanted) continue;
    *id = schema;
    return &database;
  }
  return nullptr;
}

bool Schema::has_table_named(const Database& database, std::string_view name) const {
  const std::string wanted = to_lower(name);
  return std::ranges::any_of(database.tables, [&](TableId id) {
    return to_lower(tables_.at(id).version->name.table) == wanted;
  });
}

Result<void> Schema::add_table(SchemaId schema, TableId id, const std::string& name, InfoPtr info,
                               SchemaVersion since, const TablePtr& before) {
  ASSIGN_OR_RETURN(Database* const database, find_database(schema));
  if (tables_.contains(id)) {
    return make_error(ErrorCode::kConflict, "table {}({}) already exists", name, id);
  }
  auto version = std::make_shared<TableVersion>();
  version->name = {database->name, name};
  version->info = std::move(info);
  version->since = since;
  version->previous = without_previous(before);
  // FLASHBACK TABLE of a truncated table brings its id back, which the original overlooks (2.6).
  if (const auto gone = gone_.find(id); gone != gone_.end()) {
    if (gone->second == EndOfTable::kTruncated) {
      version->original_errors =
          std::make_shared<const OriginalErrors>(version->name, version->name, /*drops_rows=*/true);
    }
    gone_.erase(gone);
  }
  put_table(id, schema, std::move(version));
  aliases_.erase(id);
  return {};
}

Result<void> Schema::add_new_table(SchemaId schema, const InfoPtr& info, SchemaVersion since) {
  return add_table(schema, info->id, info->name, info, since, nullptr);
}

void Schema::put_table(TableId id, SchemaId schema, TablePtr version) {
  databases_[schema].tables.insert(id);
  TablePtr in_original = version;
  if (version->original_errors && version->original_errors->name != version->name) {
    auto copy = std::make_shared<TableVersion>(*version);
    copy->name = version->original_errors->name;
    in_original = std::move(copy);
  }
  tables_[id] = {schema, std::move(version), std::move(in_original)};
}

void Schema::end_table(TableId id, EndOfTable how) {
  const TablePtr& version = tables_.at(id).version;
  const bool is_taken_for_late = version->original_errors && version->original_errors->drops_rows;
  gone_[id] = is_taken_for_late ? EndOfTable::kTruncated : how;
  remove_table(id);
}

void Schema::remove_table(TableId id) {
  const auto found = tables_.find(id);
  if (found == tables_.end()) return;
  if (const auto database = databases_.find(found->second.schema); database != databases_.end()) {
    database->second.tables.erase(id);
  }
  tables_.erase(found);
}

void Schema::move_table(TableId id, SchemaId schema, const std::string& name, InfoPtr info,
                        SchemaVersion since, ErrorsPtr errors) {
  const Table& table = tables_.at(id);
  if (table.version->since > since) return;
  databases_[table.schema].tables.erase(id);
  auto version = std::make_shared<TableVersion>();
  version->name = {databases_[schema].name, name};
  version->info = std::move(info);
  version->since = since;
  version->previous = without_previous(table.version);
  version->original_errors = std::move(errors);
  put_table(id, schema, std::move(version));
}

}  // namespace drainer::schema
