// What each kind of job does to the catalogue (spec/schema-and-ddl.md 2.5, 2.6).

#include <algorithm>

#include "drainer/base/log.h"
#include "drainer/schema/change_parts.h"
#include "drainer/schema/job_treatment.h"
#include "drainer/schema/lower_case.h"
#include "drainer/schema/schema.h"
#include "drainer/tidb/ddl_statement.h"
#include "drainer/tidb/json_reader.h"

namespace drainer::schema {

namespace {

using tidb::DdlJob;
using tidb::DdlKind;
using tidb::DdlStatement;
using tidb::TableInfo;

// The arguments of a DROP DATABASE: among them the list of its tables, once it is finished. Other
// arguments, of a version that we do not know, tell none; a row of such a table then stops the run.
std::vector<TableId> dropped_tables(const DdlJob& job) {
  std::vector<TableId> out;
  tidb::JsonReader json(job.raw_args, "arguments of a drop schema");
  if (job.raw_args.empty() || json.peek() != '[') return out;
  json.read_array([&] {
    if (json.peek() != '[') return json.skip();
    json.read_array([&] { out.emplace_back(json.read_int64()); });
  });
  return json.finish().ok() ? out : std::vector<TableId>();
}

}  // namespace

void Schema::note_ended_ids(const DdlJob& job) {
  const JobTreatment* treatment = find_treatment(job.type);
  if (treatment == nullptr) return;
  // A table that came back lives.
  const auto note_gone = [this](TableId id, EndOfTable how = EndOfTable::kDropped) {
    if (!tables_.contains(id)) gone_.emplace(id, how);
  };
  if (treatment->change == SchemaChange::kDropTable) {
    note_gone(job.table_id);
  } else if (treatment->change == SchemaChange::kTruncateTable) {
    note_gone(job.table_id, EndOfTable::kTruncated);
  } else if (treatment->change == SchemaChange::kDropDatabase) {
    for (const TableId id : dropped_tables(job)) note_gone(id);
  } else if (treatment->change == SchemaChange::kRekeyTable && job.table_info &&
             job.table_info->id != job.table_id && !tables_.contains(job.table_id)) {
    aliases_[job.table_id] = job.table_info->id;
  }
}

Result<DdlEffect> Schema::apply(const DdlJob& job) {
  const JobTreatment* treatment = find_treatment(job.type);
  if (treatment == nullptr) return apply_unknown(job);
  switch (treatment->change) {
    case SchemaChange::kNone: {
      DdlEffect effect;
      effect.reason = "skip unsupported DDL job";
      return effect;
    }
    case SchemaChange::kCreateDatabase:
      return create_database(job);
    case SchemaChange::kAlterDatabase:
      return alter_database(job);
    case SchemaChange::kDropDatabase:
      return drop_database(job);
    case SchemaChange::kRecoverDatabase:
      return recover_database(job);
    case SchemaChange::kCreateTable:
      return create_table(job);
    case SchemaChange::kCreateTables:
      return create_tables(job);
    case SchemaChange::kAlterTable:
      return alter_table(job);
    case SchemaChange::kDropTable:
      return drop_table(job);
    case SchemaChange::kTruncateTable:
      return truncate_table(job);
    case SchemaChange::kRekeyTable:
      return rekey_table(job);
    case SchemaChange::kRenameTable:
      return rename_table(job);
    case SchemaChange::kRenameTables:
      return rename_tables(job);
    case SchemaChange::kExchangePartition:
      return exchange_partition(job);
  }
  return missing_info(job);
}

// The schema follows what the job shows, whatever the type means.
Result<DdlEffect> Schema::apply_unknown(const DdlJob& job) {
  log_warn("ddl job of an unknown type",
           {{"job", job.id}, {"type", static_cast<int>(job.type)}, {"query", job.query}});
  DdlEffect effect;
  if (job.table_info) {
    if (tables_.contains(job.table_info->id)) {
      ASSIGN_OR_RETURN(effect, alter_table(job));
    } else if (tables_.contains(job.table_id)) {
      ASSIGN_OR_RETURN(effect, rekey_table(job));
    } else {
      ASSIGN_OR_RETURN(effect, create_table(job));
    }
  } else if (job.db_info) {
    databases_[job.db_info->id].name = job.db_info->name;
    effect = executed({job.db_info->name, ""});
  } else {
    effect = executed({job.schema_name, job.table_name});
  }
  if (unknown_ddl_action_ == UnknownDdlAction::kPass) return effect;
  effect.action = DdlEffect::Action::kIgnore;
  effect.reason = "skip unsupported DDL job";
  return effect;
}

Result<DdlEffect> Schema::create_database(const DdlJob& job) {
  if (!job.db_info) return make_error(ErrorCode::kCorrupt, "the job has no database info");
  const auto known = databases_.find(job.db_info->id);
  if (known != databases_.end() && known->second.name != "mysql") {
    return make_error(ErrorCode::kConflict, "schema {}({}) already exists", job.db_info->name,
                      job.db_info->id);
  }
  databases_[job.db_info->id].name = job.db_info->name;
  return executed({job.db_info->name, ""});
}

Result<DdlEffect> Schema::alter_database(const DdlJob& job) {
  ASSIGN_OR_RETURN(const Database* const database, find_database(job.schema_id));
  return executed({database->name, ""});
}

Result<DdlEffect> Schema::drop_database(const DdlJob& job) {
  ASSIGN_OR_RETURN(Database* const database, find_database(job.schema_id));
  DdlEffect effect = executed({database->name, ""});
  DroppedDatabase dropped{job.finished_ts, {}};
  for (const TableId id : std::exchange(database->tables, {})) {
    dropped.tables.emplace_back(id, tables_.at(id).version);
    end_table(id, EndOfTable::kDropped);
  }
  databases_.erase(job.schema_id);
  std::erase_if(dropped_databases_, [&](const auto& entry) {
    return !keeps_dropped_ &&
           ms_of(entry.second.finished_ts) + kRecoverableMs < ms_of(job.finished_ts);
  });
  dropped_databases_[job.schema_id] = std::move(dropped);
  return effect;
}

Result<DdlEffect> Schema::recover_database(const DdlJob& job) {
  if (!job.db_info) return make_error(ErrorCode::kCorrupt, "the job has no database info");
  ASSIGN_OR_RETURN(DdlEffect effect, create_database(job));
  const auto dropped = dropped_databases_.find(job.db_info->id);
  if (dropped != dropped_databases_.end()) {
    for (const auto& [id, table] : dropped->second.tables) {
      TRY(add_table(job.db_info->id, id, table->name.table, table->info, job.schema_version,
                    nullptr));
    }
    dropped_databases_.erase(dropped);
  } else if (find_recovered_tables_) {
    ASSIGN_OR_RETURN(const std::vector<InfoPtr> infos, find_recovered_tables_(job));
    for (const InfoPtr& info : infos) {
      TRY(add_new_table(job.db_info->id, info, job.schema_version));
    }
  } else {
    return make_error(ErrorCode::kNotFound, "the tables of schema {}({}) are not known",
                      job.db_info->name, job.db_info->id);
  }
  for (const TableId id : databases_[job.db_info->id].tables) {
    effect.touched.push_back(tables_.at(id).version->name);
  }
  return effect;
}

// CREATE OR REPLACE VIEW makes a new id and tells the old one only in its arguments.
void Schema::remove_replaced_views(SchemaId schema, const TableInfo& view) {
  const auto database = databases_.find(schema);
  if (database == databases_.end()) return;
  const std::string name = to_lower(view.name);
  std::vector<TableId> replaced;
  for (const TableId id : database->second.tables) {
    const TableVersion& table = *tables_.at(id).version;
    if (table.info->is_view && id != view.id && to_lower(table.name.table) == name) {
      replaced.push_back(id);
    }
  }
  for (const TableId id : replaced) remove_table(id);
}

Result<DdlEffect> Schema::create_table(const DdlJob& job) {
  if (!job.table_info) return missing_info(job);
  if (job.type == tidb::DdlType::kCreateView &&
      to_lower(job.query).find("replace") != std::string::npos) {
    remove_replaced_views(job.schema_id, *job.table_info);
  }
  TRY(add_new_table(job.schema_id, job.table_info, job.schema_version));
  const TableVersion& table = *tables_.at(job.table_info->id).version;
  if (table.original_errors) {
    warn_of_original_errors(job, "rows of the table that came back are left out");
  }
  DdlEffect effect = executed(table.name);
  effect.ignores_checks = !job.table_info->has_checks;
  if (job.type == tidb::DdlType::kCreateTable) effect.use_schema = like_schema(effect, job);
  return effect;
}

// Of `CREATE TABLE a.x LIKE y` only y tells the session's database: one that has such a table.
std::string Schema::like_schema(const DdlEffect& effect, const DdlJob& job) const {
  const DdlStatement statement = tidb::parse_user_ddl(job.query);
  const bool is_like = statement.kind == DdlKind::kCreateTable && statement.tables.size() == 2;
  if (!is_like || !statement.tables[0].is_qualified() || statement.tables[1].is_qualified()) {
    return effect.use_schema;
  }
  std::string found;
  for (const auto& [id, database] : databases_) {
    if (!has_table_named(database, statement.tables[1].table)) continue;
    if (database.name == effect.use_schema) return effect.use_schema;
    if (found.empty() || database.name < found) found = database.name;
  }
  return found.empty() ? effect.use_schema : found;
}

Result<DdlEffect> Schema::create_tables(const DdlJob& job) {
  ASSIGN_OR_RETURN(const Database* const database, find_database(job.schema_id));
  DdlEffect effect = executed({database->name, ""});
  effect.touched.clear();
  effect.ignores_checks = std::ranges::none_of(job.multiple_table_infos,
                                               [](const auto& info) { return info->has_checks; });
  for (const InfoPtr& info : job.multiple_table_infos) {
    if (info->id > kMaxTableId) continue;
    TRY(add_new_table(job.schema_id, info, job.schema_version));
    effect.name = tables_.at(info->id).version->name;
    effect.touched.push_back(effect.name);
  }
  return effect;
}

Result<DdlEffect> Schema::alter_table(const DdlJob& job) {
  if (!job.table_info) return missing_info(job);
  ASSIGN_OR_RETURN(const Table* const table, find_live(job.table_info->id));
  const TableVersion& before = *table->version;
  ErrorsPtr errors;
  if (before.original_errors) {
    OriginalErrors after = *before.original_errors;
    after.name.table = before.name.table;
    errors = std::make_shared<const OriginalErrors>(std::move(after));
  }
  move_table(job.table_info->id, table->schema, before.name.table, job.table_info,
             job.schema_version, std::move(errors));
  DdlEffect effect = executed(tables_.at(job.table_info->id).version->name);
  const bool is_about_check = job.type == tidb::DdlType::kAddCheckConstraint;
  effect.ignores_checks = !job.table_info->has_checks && !is_about_check;
  return effect;
}

Result<DdlEffect> Schema::drop_table(const DdlJob& job) {
  ASSIGN_OR_RETURN(const Table* const table, find_live(job.table_id));
  DdlEffect effect = executed(table->version->name);
  if (const ErrorsPtr& errors = table->version->original_errors; errors && shows_original_errors_) {
    effect.name.table = errors->name.table;
  }
  end_table(job.table_id, EndOfTable::kDropped);
  return effect;
}

Result<DdlEffect> Schema::truncate_table(const DdlJob& job) {
  if (!job.table_info) return missing_info(job);
  ASSIGN_OR_RETURN(const Table* const table, find_live(job.table_id));
  const SchemaId schema = table->schema;
  end_table(job.table_id, EndOfTable::kTruncated);
  TRY(add_new_table(schema, job.table_info, job.schema_version));
  return executed(tables_.at(job.table_info->id).version->name);
}

Result<DdlEffect> Schema::rekey_table(const DdlJob& job) {
  if (!job.table_info) return missing_info(job);
  if (job.table_info->id == job.table_id) return alter_table(job);
  ASSIGN_OR_RETURN(const Table* const table, find_live(job.table_id));
  const SchemaId schema = table->schema;
  const TablePtr before = table->version;
  remove_table(job.table_id);
  TRY(add_table(schema, job.table_info->id, job.table_info->name, job.table_info,
                job.schema_version, before));
  // Late rows under the old id are good rows of the new table.
  aliases_[job.table_id] = job.table_info->id;
  return executed(tables_.at(job.table_info->id).version->name);
}

}  // namespace drainer::schema
