#include "drainer/schema/schema.h"

#include "drainer/base/log.h"
#include "drainer/schema/job_treatment.h"

#include <algorithm>
#include <functional>

namespace drainer::schema {

namespace {

using tidb::DdlJob;
using tidb::DdlType;

// TiDB creates this database straight in the store, without a job (2.1).
constexpr SchemaId kMysqlSchema{1};

DdlEffect ignored(std::string reason) {
  DdlEffect effect;
  effect.reason = std::move(reason);
  return effect;
}

// FIX: what a job is still at work on is none of the outputs' business (2.8), and its columns are
// newer than the table. The original shows them.
Result<std::shared_ptr<const tidb::TableInfo>> public_part(
    const std::shared_ptr<const tidb::TableInfo>& info) {
  const auto is_public = [](const tidb::ColumnInfo& column) {
    return column.state == tidb::SchemaState::kPublic;
  };
  if (std::ranges::all_of(info->columns, is_public)) return info;
  auto out = std::make_shared<tidb::TableInfo>(*info);
  std::erase_if(out->columns, std::not_fn(is_public));
  out->max_column_id = 0;
  for (const tidb::ColumnInfo& column : out->columns) {
    out->max_column_id = std::max(out->max_column_id, column.id.value);
  }
  std::vector<int64_t> new_offsets(info->columns.size(), -1);
  int64_t next = 0;
  for (size_t i = 0; i < info->columns.size(); ++i) {
    if (is_public(info->columns[i])) new_offsets[i] = next++;
  }
  std::erase_if(out->indices, [&](tidb::IndexInfo& index) {
    return std::ranges::any_of(index.columns, [&](tidb::IndexColumn& column) {
      const int64_t offset = new_offsets[column.offset];
      column.offset = static_cast<uint32_t>(offset);
      return offset < 0;
    });
  });
  TRY(out->index_columns());
  return std::shared_ptr<const tidb::TableInfo>(std::move(out));
}

void warn_of_misfit(DdlJobId id, const Error& error) {
  log_warn("ddl job does not fit the schema, left out as ignore-txn-commit-ts wants it",
           {{"job", id}, {"error", error}});
}

bool changes_nothing(const DdlJob& job) {
  return !job.is_finished() || job.table_id > kMaxTableId;
}

}  // namespace

Schema::Schema() {
  databases_[kMysqlSchema].name = "mysql";
}

Result<void> Schema::load(const tidb::SchemaSnapshot& snapshot, SchemaVersion version) {
  for (const tidb::SchemaSnapshot::Database& database : snapshot.databases) {
    databases_[database.info.id].name = database.info.name;
    for (const InfoPtr& info : database.tables) {
      if (info->id > kMaxTableId) continue;
      // No version: a change that the stream brings is newer in any case.
      ASSIGN_OR_RETURN(const InfoPtr shown, public_part(info));
      TRY(add_new_table(database.info.id, shown, SchemaVersion(0)));
    }
  }
  version_ = version;
  return {};
}

void Schema::add_pending(std::shared_ptr<const DdlJob> job) {
  if (done_.contains(job->id)) return;
  const DdlJob& outline = *job;
  put_pending(outline, std::move(job), {});
}

void Schema::add_pending_json(const DdlJob& outline, Bytes json) {
  put_pending(outline, nullptr, std::move(json));
}

void Schema::put_pending(const DdlJob& outline, std::shared_ptr<const DdlJob> job, Bytes json) {
  if (changes_nothing(outline) || outline.schema_version.value <= 0) return;
  const JobKey key(outline.schema_version, outline.id);
  if (outline.type == DdlType::kMultiSchemaChange) {
    pending_changes_.emplace(outline.public_since(), key);
  }
  pending_[key] = Pending{outline.public_since(), outline.table_id, outline.finished_ts,
                          std::move(job), std::move(json)};
}

void Schema::erase_pending(JobKey key) {
  const auto found = pending_.find(key);
  if (found == pending_.end()) return;
  pending_changes_.erase({found->second.public_since, key});
  pending_.erase(found);
}

Result<std::shared_ptr<const DdlJob>> Schema::job_of(const Pending& pending) {
  if (pending.job) return pending.job;
  ASSIGN_OR_RETURN(DdlJob job, tidb::parse_ddl_job(pending.json));
  return std::make_shared<const DdlJob>(std::move(job));
}

Result<void> Schema::advance_to(SchemaVersion version) {
  while (!pending_.empty() && pending_.begin()->first.first <= version) TRY(apply_first_pending());
  return {};
}

void Schema::advance_past_misfits(SchemaVersion version) {
  while (!pending_.empty() && pending_.begin()->first.first <= version) {
    const DdlJobId id = pending_.begin()->first.second;
    if (Result<void> applied = apply_first_pending(); !applied.ok()) {
      warn_of_misfit(id, applied.error());
      known_jobs_.push_back(id);
    }
  }
}

Result<void> Schema::apply_first_pending() {
  const JobKey key = pending_.begin()->first;
  const Pending first = std::move(pending_.begin()->second);
  erase_pending(key);
  ASSIGN_OR_RETURN(const std::shared_ptr<const DdlJob> job, job_of(first));
  ASSIGN_OR_RETURN(DdlEffect effect, apply_job(job, job->schema_version));
  early_effects_[job->id] = std::move(effect);
  known_jobs_.push_back(job->id);
  return {};
}

Result<DdlEffect> Schema::apply_job(const std::shared_ptr<const DdlJob>& job,
                                    SchemaVersion reached) {
  Result<DdlEffect> effect = apply(*job);
  if (!effect.ok()) {
    return std::move(effect).error().because("handle ddl job {} of type {}, schema version {}, {}",
                                             job->id, static_cast<int>(job->type),
                                             job->schema_version, job->query);
  }
  version_ = std::max(version_, reached);
  ++change_count_;
  return effect;
}

Result<DdlEffect> Schema::apply_ddl(const std::shared_ptr<const DdlJob>& job) {
  known_jobs_.push_back(job->id);
  if (changes_nothing(*job)) return ignored("skip ddl due to the failed ddl");
  const JobTreatment* treatment = find_treatment(job->type);
  if (treatment == nullptr && unknown_ddl_action_ == UnknownDdlAction::kStop) {
    return make_error(ErrorCode::kUnsupported,
                      "DDL job {} has type {}, which this drainer does not know: {}; to go on, run "
                      "what is needed downstream and add the commit ts to `ignore-txn-commit-ts`",
                      job->id, static_cast<int>(job->type), job->query);
  }
  if (treatment != nullptr && treatment->text == TextTreatment::kRewind) {
    return make_error(ErrorCode::kUnsupported,
                      "DDL job {} is a {}: the data went back to an earlier state without binlogs, "
                      "so downstream has to be set up anew ({}); to go on all the same, add the "
                      "commit ts to `ignore-txn-commit-ts`",
                      job->id, treatment->name, job->query);
  }
  return apply_stream_job(job, job->schema_version);
}

Result<DdlEffect> Schema::apply_early(const std::shared_ptr<const DdlJob>& job) {
  known_jobs_.push_back(job->id);
  const auto pending = pending_.find({job->schema_version, job->id});
  const bool is_pending = pending != pending_.end();
  return apply_stream_job(job, is_pending ? pending->second.public_since : job->public_since());
}

Result<DdlEffect> Schema::apply_stream_job(const std::shared_ptr<const DdlJob>& job,
                                           SchemaVersion reached) {
  if (job->schema_version.value <= 0) return ignored("skip ddl due to the failed ddl");
  if (!done_.insert(job->id).second) {
    version_ = std::max(version_, reached);  // less when it was early
    return ignored("ddl job has been handled before");
  }

  const auto early = early_effects_.find(job->id);
  if (early != early_effects_.end()) {
    DdlEffect effect = std::move(early->second);
    early_effects_.erase(early);
    return effect;
  }
  TRY(advance_to(SchemaVersion(reached.value - 1)));
  erase_pending({job->schema_version, job->id});
  return apply_job(job, reached);
}

void Schema::skip_ddl(const std::shared_ptr<const DdlJob>& job) {
  known_jobs_.push_back(job->id);
  if (changes_nothing(*job) || job->schema_version.value <= 0) return;
  const UnknownDdlAction action = std::exchange(unknown_ddl_action_, UnknownDdlAction::kSkip);
  advance_past_misfits(SchemaVersion(job->schema_version.value - 1));
  Result<DdlEffect> effect = apply_stream_job(job, job->schema_version);
  unknown_ddl_action_ = action;
  erase_pending({job->schema_version, job->id});
  if (!effect.ok()) warn_of_misfit(job->id, effect.error());
}

Result<std::vector<std::shared_ptr<const DdlJob>>> Schema::early_changes(SchemaVersion version,
                                                                         CommitTs commit_ts) const {
  std::vector<std::shared_ptr<const DdlJob>> out;
  for (const auto& [since, key] : pending_changes_) {
    if (since > version) break;
    const Pending& pending = pending_.at(key);
    // A job that was in the history before the row was committed had its binlog before that, too:
    // it lies before our start and only needs to be applied.
    if (pending.finished_ts <= commit_ts.value) continue;
    ASSIGN_OR_RETURN(std::shared_ptr<const DdlJob> job, job_of(pending));
    out.push_back(std::move(job));
  }
  return out;
}

Result<std::optional<Schema::JobKey>> Schema::find_pending(TableId table,
                                                           const TestTable& test) const {
  for (const auto& [key, pending] : pending_) {
    if (pending.table != table) continue;
    ASSIGN_OR_RETURN(const std::shared_ptr<const DdlJob> job, job_of(pending));
    if (job->table_info && test(*job->table_info)) return std::optional(key);
  }
  return std::optional<JobKey>();
}

Result<bool> Schema::any_pending(TableId table, const TestTable& test) const {
  ASSIGN_OR_RETURN(const std::optional<JobKey> found, find_pending(table, test));
  return found.has_value();
}

Result<bool> Schema::bring_forward(TableId table, const TestTable& test, SchemaVersion version) {
  ASSIGN_OR_RETURN(const std::optional<JobKey> found, find_pending(table, test));
  if (!found) return false;
  SchemaVersion& since = pending_.at(*found).public_since;
  // Not there: a job of another kind, whose binlog comes before its rows.
  if (pending_changes_.erase({since, *found}) == 0) return false;
  since = std::min(since, version);
  pending_changes_.emplace(since, *found);
  return true;
}

TableLookup Schema::find_table(TableId id) const {
  TableLookup out;
  TableId now = id;
  for (auto alias = aliases_.find(now); alias != aliases_.end(); alias = aliases_.find(now)) {
    now = alias->second;
  }
  if (const auto found = tables_.find(now); found != tables_.end()) {
    const TablePtr& version = found->second.version;
    const bool is_taken_for_late = version->original_errors && version->original_errors->drops_rows;
    if (shows_original_errors_ && is_taken_for_late) {
      out.state = TableLookup::State::kTruncated;
      return out;
    }
    out.state = TableLookup::State::kFound;
    out.table = shows_original_errors_ ? found->second.in_original : version;
    const bool has_errors = shows_original_errors_ && version->original_errors;
    out.rule_name = has_errors ? &version->original_errors->rule_name : &out.table->name;
    out.id = now;
    out.schema = found->second.schema;
  } else if (gone_.contains(now)) {
    out.state = TableLookup::State::kTruncated;
  }
  return out;
}

std::vector<std::pair<TableId, std::shared_ptr<const TableVersion>>> Schema::tables() const {
  std::vector<std::pair<TableId, TablePtr>> out;
  out.reserve(tables_.size());
  for (const auto& [id, table] : tables_) out.emplace_back(id, table.version);
  return out;
}

void Schema::forget_past() {
  early_effects_.clear();
  done_.clear();
  gone_.clear();
}

Result<void> Schema::apply_past(const std::shared_ptr<const DdlJob>& job) {
  ASSIGN_OR_RETURN(DdlEffect effect, apply_job(job, job->schema_version));
  early_effects_[job->id] = std::move(effect);
  known_jobs_.push_back(job->id);
  return {};
}

Result<void> Schema::resolve_infos(const Resolve& resolve) {
  // Null: the table's own description is not to be had.
  const auto resolved = [&](const TablePtr& table) -> Result<TablePtr> {
    auto copy = std::make_shared<TableVersion>(*table);
    ASSIGN_OR_RETURN(copy->info, resolve(table->info));
    if (!copy->info) return TablePtr();
    if (table->previous) {
      auto previous = std::make_shared<TableVersion>(*table->previous);
      ASSIGN_OR_RETURN(previous->info, resolve(previous->info));
      copy->previous = previous->info ? std::move(previous) : nullptr;
    }
    return TablePtr(std::move(copy));
  };
  for (auto& [id, table] : tables_) {
    Result<TablePtr> found = resolved(table.version);
    if (!found.ok()) {
      return std::move(found).error().because("table `{}`.`{}` ({}) of schema version {}",
                                              table.version->name.schema, table.version->name.table,
                                              id, table.version->since);
    }
    TablePtr version = *std::move(found);
    if (!version) {
      return make_error(ErrorCode::kNotFound, "the history has no description of table {}({})",
                        table.version->name.table, id);
    }
    put_table(id, table.schema, std::move(version));
  }
  for (auto it = dropped_databases_.begin(); it != dropped_databases_.end();) {
    bool is_complete = true;
    for (auto& [id, table] : it->second.tables) {
      ASSIGN_OR_RETURN(table, resolved(table));
      is_complete &= table != nullptr;
    }
    it = is_complete ? std::next(it) : dropped_databases_.erase(it);
  }
  return {};
}

}  // namespace drainer::schema
