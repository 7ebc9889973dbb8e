// Renames and exchanges: jobs that say less than what they do (spec/schema-and-ddl.md 2.6).

#include <algorithm>

#include "drainer/schema/change_parts.h"
#include "drainer/schema/schema.h"
#include "drainer/tidb/ddl_text.h"

namespace drainer::schema {

namespace {

using tidb::DdlJob;
using tidb::DdlStatement;
using tidb::NameInText;
using tidb::TableInfo;

}  // namespace

Result<DdlEffect> Schema::rename_table(const DdlJob& job) {
  if (!job.table_info) return missing_info(job);
  ASSIGN_OR_RETURN(const Table* const table, find_live(job.table_info->id));
  TRY(find_database(job.schema_id));
  const TableName before = table->version->name;
  move_table(job.table_info->id, job.schema_id, job.table_info->name, job.table_info,
             job.schema_version);
  DdlEffect effect = executed({databases_[job.schema_id].name, job.table_info->name});
  effect.touched.push_back(before);
  // An unqualified old name lives in the session's database, which is not the new one (FIX, 2.6).
  const DdlStatement statement = parse_query(job);
  if (!statement.tables.empty() && !statement.tables[0].is_qualified()) {
    effect.use_schema = before.schema;
  }
  return effect;
}

Result<DdlEffect> Schema::rename_tables(const DdlJob& job) {
  ASSIGN_OR_RETURN(const Database* const last, find_database(job.schema_id));
  DdlEffect effect = executed({last->name, ""});
  effect.touched.clear();
  // Clause i renames MultipleTableInfos[i], old and new name are tables[2i] and tables[2i + 1].
  // A table that occurs twice shows its final name both times.
  const DdlStatement statement = parse_query(job);
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
    move_table(infos[i]->id, schema, infos[i]->name, infos[i], job.schema_version);
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
  const DdlStatement statement = parse_query(job);
  if (statement.tables.size() == 2 && statement.tables[0].is_qualified() &&
      !statement.tables[1].is_qualified()) {
    effect.use_schema = other.version->name.schema;
  }
  return effect;
}

}  // namespace drainer::schema
