// Renames and exchanges: jobs that say less than what they do (spec/schema-and-ddl.md 2.6).

#include <algorithm>
#include <optional>

#include "drainer/base/log.h"
#include "drainer/schema/change_parts.h"
#include "drainer/schema/lower_case.h"
#include "drainer/schema/schema.h"
#include "drainer/tidb/ddl_statement.h"

namespace drainer::schema {

namespace {

using tidb::DdlJob;
using tidb::DdlStatement;
using tidb::NameInText;
using tidb::TableInfo;

// What the original makes of a RENAME TABLE of several, of which `before` is one (2.6).
std::shared_ptr<const OriginalErrors> overlooked_rename(const TableVersion& before,
                                                        const std::string& name, bool is_last) {
  OriginalErrors errors{before.name, before.name};
  if (before.original_errors) errors = *before.original_errors;
  if (is_last) errors.name.table = name;
  return std::make_shared<const OriginalErrors>(std::move(errors));
}

}  // namespace

Result<DdlEffect> Schema::rename_table(const DdlJob& job) {
  if (!job.table_info) return missing_info(job);
  ASSIGN_OR_RETURN(const Table* const table, find_live(job.table_info->id));
  TRY(find_database(job.schema_id));
  const TableName before = table->version->name;
  const std::string& name = job.table_info->name;
  ErrorsPtr errors;  // it gets the names right, but takes its rows for late ones as before
  if (table->version->original_errors && table->version->original_errors->drops_rows) {
    const TableName after{databases_[job.schema_id].name, name};
    errors = std::make_shared<const OriginalErrors>(after, after, /*drops_rows=*/true);
  }
  move_table(job.table_info->id, job.schema_id, name, job.table_info, job.schema_version,
             std::move(errors));
  DdlEffect effect = executed({databases_[job.schema_id].name, job.table_info->name});
  effect.touched.push_back(before);
  // An unqualified old name lives in the session's database, which is not the new one (FIX, 2.6).
  const DdlStatement statement = tidb::parse_user_ddl(job.query);
  if (!statement.tables.empty() && !statement.tables[0].is_qualified()) {
    effect.use_schema = before.schema;
  }
  return effect;
}

// Which tables the clauses rename, each with its last place; the last clause's table comes last.
std::optional<std::vector<Schema::Rename>> Schema::find_renames(
    const std::vector<NameInText>& names, const std::string& session) const {
  std::vector<Rename> renames;
  for (size_t i = 0; i + 1 < names.size(); i += 2) {
    const NameInText& from = names[i];
    const NameInText& to = names[i + 1];
    Rename target;
    target.name = to.table;
    SchemaId schema;
    const Database* const old_place =
        find_database_named(from.is_qualified() ? from.schema : session, &schema);
    if (old_place == nullptr ||
        find_database_named(to.is_qualified() ? to.schema : session, &target.schema) == nullptr) {
      return std::nullopt;
    }
    const std::string wanted = to_lower(from.table);
    // What an earlier clause has moved is no longer where the catalogue has it.
    auto moved = std::ranges::find_if(renames, [&](const Rename& rename) {
      return rename.schema == schema && to_lower(rename.name) == wanted;
    });
    if (moved != renames.end()) {
      target.table = moved->table;
      renames.erase(moved);
    } else {
      const auto found = std::ranges::find_if(old_place->tables, [&](TableId id) {
        return to_lower(tables_.at(id).version->name.table) == wanted &&
               std::ranges::find(renames, id, &Rename::table) == renames.end();
      });
      if (found == old_place->tables.end()) return std::nullopt;
      target.table = *found;
    }
    renames.push_back(std::move(target));
  }
  return renames;
}

// TiDB 5.0 and 5.1 tell only the last table: which the others are stands in the text (FIX, 2.6).
Result<DdlEffect> Schema::rename_by_text(const DdlJob& job) {
  if (!job.table_info) return missing_info(job);
  ASSIGN_OR_RETURN(const Database* const last, find_database(job.schema_id));
  ASSIGN_OR_RETURN(const Table* const table, find_live(job.table_info->id));
  const DdlStatement statement = tidb::parse_user_ddl(job.query);
  // The session's database is where the last table went, or where it was.
  for (const std::string& session : {last->name, table->version->name.schema}) {
    const auto renames = find_renames(statement.tables, session);
    if (!renames || renames->empty() || renames->back().table != job.table_info->id) continue;
    DdlEffect effect = executed({session, ""});
    effect.touched.clear();
    for (const Rename& rename : *renames) {
      const TablePtr before = tables_.at(rename.table).version;
      const bool is_told = rename.table == job.table_info->id;
      move_table(rename.table, rename.schema, rename.name, is_told ? job.table_info : before->info,
                 job.schema_version, overlooked_rename(*before, rename.name, is_told));
      effect.name = tables_.at(rename.table).version->name;
      effect.touched.push_back(before->name);
      effect.touched.push_back(effect.name);
    }
    return effect;
  }
  return make_error(ErrorCode::kNotFound, "the tables that the statement renames are not known");
}

void Schema::warn_of_original_errors(const DdlJob& job, std::string_view what) const {
  if (!shows_original_errors_) return;
  log_warn("an error of the original is repeated; `original-errors = false` in [syncer.to] ends it",
           {{"what", what}, {"job", job.id}, {"query", job.query}});
}

Result<DdlEffect> Schema::rename_tables(const DdlJob& job) {
  warn_of_original_errors(job, "rows keep their table's old name or schema");
  if (job.multiple_table_infos.empty()) return rename_by_text(job);
  ASSIGN_OR_RETURN(const Database* const last, find_database(job.schema_id));
  DdlEffect effect = executed({last->name, ""});
  effect.touched.clear();
  // Clause i renames MultipleTableInfos[i], old and new name are tables[2i] and tables[2i + 1].
  // A table that occurs twice shows its final name both times.
  const DdlStatement statement = tidb::parse_user_ddl(job.query);
  const std::vector<NameInText>& names = statement.tables;
  const std::vector<InfoPtr>& infos = job.multiple_table_infos;
  const bool has_names = names.size() == 2 * infos.size();
  // The first place of a table's id in infos[begin, end), else end.
  const auto occurrence = [&](size_t begin, size_t end, TableId id) {
    while (begin < end && infos[begin]->id != id) ++begin;
    return begin;
  };
  // The session's database: where an unqualified old name was, else where the last new one went.
  std::string session;
  for (size_t i = 0; i < infos.size(); ++i) {
    ASSIGN_OR_RETURN(const Table* const table, find_live(infos[i]->id));
    effect.touched.push_back(table->version->name);
    const bool is_first = occurrence(0, i, infos[i]->id) == i;
    if (session.empty() && has_names && is_first && !names[2 * i].is_qualified()) {
      session = table->version->name.schema;
    }
  }
  if (session.empty()) session = last->name;
  for (size_t i = 0; i < infos.size(); ++i) {
    if (occurrence(i + 1, infos.size(), infos[i]->id) < infos.size()) continue;
    SchemaId schema = tables_.at(infos[i]->id).schema;
    if (has_names) {
      const NameInText& target = names[2 * i + 1];
      const std::string& name = target.is_qualified() ? target.schema : session;
      if (find_database_named(name, &schema) == nullptr) {
        return make_error(ErrorCode::kNotFound, "schema {} not found", name);
      }
    }
    const TablePtr before = tables_.at(infos[i]->id).version;
    const bool is_last = infos[i]->id == infos.back()->id;
    move_table(infos[i]->id, schema, infos[i]->name, infos[i], job.schema_version,
               overlooked_rename(*before, infos[i]->name, is_last));
    effect.name = tables_.at(infos[i]->id).version->name;
    effect.touched.push_back(effect.name);
  }
  effect.use_schema = session;
  return effect;
}

Result<DdlEffect> Schema::exchange_partition(const DdlJob& job) {
  if (!job.table_info) return missing_info(job);
  const TableInfo& info = *job.table_info;
  ASSIGN_OR_RETURN(const Table* const partitioned, find_live(info.id));
  // The table takes the id of the partition that went: it was among the ids and no longer is.
  std::vector<int64_t> left;
  for (const int64_t id : partitioned->version->info->partition_ids) {
    if (std::ranges::find(info.partition_ids, id) == info.partition_ids.end()) left.push_back(id);
  }
  DdlEffect effect;
  if (left.empty() && partitioned->version->since >= job.schema_version) {
    effect = executed(partitioned->version->name);  // a snapshot that has it already
    return effect;
  }
  if (left.size() != 1) {
    return make_error(ErrorCode::kCorrupt, "{} partitions of table {} left it in an exchange",
                      left.size(), info.id);
  }
  ASSIGN_OR_RETURN(const Table* const found, find_live(job.table_id));
  const Table other = *found;
  const TableId id(left.front());
  remove_table(job.table_id);
  TRY(add_table(other.schema, id, other.version->name.table, other.version->info,
                job.schema_version, other.version));
  aliases_[job.table_id] = id;
  ASSIGN_OR_RETURN(effect, alter_table(job));
  effect.touched.push_back(other.version->name);
  const DdlStatement statement = tidb::parse_user_ddl(job.query);
  if (statement.tables.size() == 2 && statement.tables[0].is_qualified() &&
      !statement.tables[1].is_qualified()) {
    effect.use_schema = other.version->name.schema;
  }
  return effect;
}

}  // namespace drainer::schema
