#include "drainer/schema/history.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "drainer/base/log.h"
#include "drainer/schema/change_parts.h"
#include "drainer/schema/job_treatment.h"

namespace drainer::schema {

namespace {

using tidb::DdlJob;
using tidb::DdlType;
using tidb::TableInfo;

SchemaChange change_of(DdlType type) {
  const JobTreatment* treatment = find_treatment(type);
  return treatment == nullptr ? SchemaChange::kAlterTable : treatment->change;
}

// Table infos as JSON are ten times as large as parsed; most are replaced before they are needed.
constexpr size_t kUnparsedBytesMax = 4 << 20;

// Gives the memory back; assigning an empty string would keep it.
template <class Description>
void release(Description& description) {
  Bytes().swap(description.json);
  description.info = nullptr;
}

// Only renames and CREATE OR REPLACE VIEW say in their text what the rest of the job does not.
bool needs_query(DdlType type) {
  return type == DdlType::kRenameTable || type == DdlType::kRenameTables ||
         type == DdlType::kCreateView || type == DdlType::kExchangeTablePartition;
}

}  // namespace

HistoryLoader::HistoryLoader(HistoryStart start, const SchemaImage& image) : HistoryLoader(start) {
  schema_->restore(image);
  has_image_ = true;
}

bool HistoryLoader::lies_before_start(const DdlJob& job) const {
  if (job.finished_ts > 0 && job.finished_ts <= start_.commit_ts.value) return true;
  // Rows may bring the version of a multi-schema change into the checkpoint before its binlog.
  return job.type != DdlType::kMultiSchemaChange && job.schema_version <= start_.schema_version;
}

Result<void> HistoryLoader::add(DdlJobId id, ByteView json) {
  ++job_count_;
  Result<tidb::DdlJobOutline> parsed = tidb::parse_ddl_job_outline(json);
  if (!parsed.ok()) return std::move(parsed).error().because("entry {} of the ddl job history", id);
  tidb::DdlJobOutline& outline = *parsed;
  const DdlJob& job = outline.job;
  const bool is_applied = job.is_finished() && job.schema_version.value > 0;
  if (!is_applied || job.table_id > kMaxTableId || change_of(job.type) == SchemaChange::kNone) {
    schema_->note_known(id);
    return {};
  }
  if (lies_before_start(job)) return fold(outline);
  outline.job.query.clear();
  pending_.push_back({std::move(outline.job), Bytes(json)});
  return {};
}

Result<void> HistoryLoader::fold(const tidb::DdlJobOutline& outline) {
  const DdlJob& job = outline.job;
  FoldedJob folded{.id = job.id,
                   .type = job.type,
                   .version = job.schema_version,
                   .finished_ts = job.finished_ts,
                   .schema_id = job.schema_id,
                   .table_id = job.table_id,
                   .query = needs_query(job.type) ? job.query : std::string(),
                   .database_name = {},
                   .has_table_info = !outline.table_info.empty(),
                   .tables = {}};
  if (!outline.db_info.empty()) {
    ASSIGN_OR_RETURN(const tidb::DbInfo info, tidb::parse_db_info(outline.db_info));
    folded.schema_id = info.id;
    folded.database_name = info.name;
  }
  const SchemaChange change = change_of(job.type);
  // Of a RENAME TABLE of several, TiDB 5.0 and 5.1 tell only the last one, and as others do.
  const bool renames_several =
      change == SchemaChange::kRenameTables && !outline.multiple_table_infos.empty();
  if (change == SchemaChange::kCreateTables || renames_several) {
    folded.has_table_info = false;
    for (const ByteView json : outline.multiple_table_infos) {
      if (json.empty()) continue;
      ASSIGN_OR_RETURN(FoldedTable table, fold_table(json, job));
      folded.tables.push_back(std::move(table));
    }
  } else if (folded.has_table_info) {
    ASSIGN_OR_RETURN(FoldedTable table, fold_table(outline.table_info, job));
    folded.tables.push_back(std::move(table));
  }
  keep_payloads(folded);
  folded_.push_back(std::move(folded));
  return {};
}

Result<HistoryLoader::FoldedTable> HistoryLoader::fold_table(ByteView json, const DdlJob& job) {
  Result<TableInfo> parsed = tidb::parse_table_outline(json);
  if (!parsed.ok()) {
    return std::move(parsed).error().because("{}", tidb::describe_job(job));
  }
  TableInfo& info = *parsed;
  Description description{Bytes(json), nullptr, job.id, job.finished_ts};
  return FoldedTable{info.id, std::move(info.name), std::move(info.partition_ids), info.is_view,
                     std::make_shared<Description>(std::move(description))};
}

// Those that are still wanted now are likely to stay.
void HistoryLoader::parse_kept() {
  for (const std::shared_ptr<Description>& description : unparsed_) {
    if (description->json.empty()) continue;
    Result<TableInfo> info = tidb::parse_table_info(description->json);
    if (!info.ok()) continue;  // finish() says so, if anything needs it
    release(*description);
    description->info = std::make_shared<const TableInfo>(std::move(info).value());
  }
  unparsed_.clear();
  unparsed_bytes_ = 0;
}

void HistoryLoader::keep_payloads(const FoldedJob& job) {
  discard_dropped_databases(job.finished_ts);
  switch (change_of(job.type)) {
    case SchemaChange::kDropTable:
      discard(job.table_id, job.version);
      for (const FoldedTable& table : job.tables) release(*table.description);
      return;
    case SchemaChange::kDropDatabase:
      // FLASHBACK DATABASE may want its tables back.
      dropped_databases_.push_back({job.finished_ts, job.schema_id, job.version});
      return;
    case SchemaChange::kRecoverDatabase:
      needs_dropped_ |= discarded_databases_.contains(job.schema_id);
      std::erase_if(dropped_databases_, [&](const DroppedDatabase& dropped) {
        return dropped.schema_id == job.schema_id;
      });
      return;
    case SchemaChange::kTruncateTable:
      discard(job.table_id, job.version);
      break;
    case SchemaChange::kExchangePartition:
      // The table goes on under another id, its descriptions with it; another may get this id.
      payloads_.erase(job.table_id);
      break;
    default:
      break;
  }
  for (const FoldedTable& table : job.tables) keep(table, job);
}

void HistoryLoader::keep(const FoldedTable& table, const FoldedJob& job) {
  std::vector<Payload>& payloads = payloads_[table.id];
  const auto place =
      std::ranges::upper_bound(payloads, job.version, std::greater(), &Payload::version);
  // These jobs name the database of one of their tables only: it may go without the others.
  const SchemaChange change = change_of(job.type);
  const bool is_schema_known =
      change != SchemaChange::kExchangePartition && change != SchemaChange::kRenameTables;
  const SchemaId schema = is_schema_known ? job.schema_id : SchemaId();
  payloads.insert(place, {job.version, schema, table.description});
  tables_of_schema_[schema].insert(table.id);
  if (payloads.size() > 2) {
    release(*payloads.back().description);
    payloads.pop_back();
  }
  unparsed_.push_back(table.description);
  unparsed_bytes_ += table.description->json.size();
  if (unparsed_bytes_ > kUnparsedBytesMax) parse_kept();
}

void HistoryLoader::discard(TableId id, SchemaVersion up_to) {
  const auto found = payloads_.find(id);
  if (found == payloads_.end()) return;
  std::erase_if(found->second, [&](const Payload& payload) {
    if (payload.version > up_to) return false;
    release(*payload.description);
    return true;
  });
  if (found->second.empty()) payloads_.erase(found);
}

void HistoryLoader::discard_dropped_databases(int64_t now_ts) {
  while (!start_.keeps_dropped && !dropped_databases_.empty() &&
         ms_of(dropped_databases_.front().finished_ts) + kRecoverableMs < ms_of(now_ts)) {
    const DroppedDatabase dropped = dropped_databases_.front();
    dropped_databases_.pop_front();
    discarded_databases_.insert(dropped.schema_id);
    const auto tables = tables_of_schema_.find(dropped.schema_id);
    if (tables == tables_of_schema_.end()) continue;
    for (const TableId id : tables->second) {
      const auto found = payloads_.find(id);
      // A table that has moved to another database lives on.
      if (found == payloads_.end() || found->second[0].schema_id != dropped.schema_id) continue;
      discard(id, dropped.version);
    }
    tables_of_schema_.erase(tables);
  }
}

std::shared_ptr<const DdlJob> HistoryLoader::unfold(FoldedJob& folded) {
  auto job = std::make_shared<DdlJob>();
  job->id = folded.id;
  job->type = folded.type;
  job->state = tidb::DdlJobState::kSynced;
  job->schema_version = folded.version;
  job->finished_ts = folded.finished_ts;
  job->schema_id = folded.schema_id;
  job->table_id = folded.table_id;
  job->query = std::move(folded.query);
  if (!folded.database_name.empty()) {
    job->db_info = std::make_unique<tidb::DbInfo>();
    job->db_info->id = folded.schema_id;
    job->db_info->name = std::move(folded.database_name);
  }
  for (FoldedTable& table : folded.tables) {
    auto info = std::make_shared<TableInfo>();
    info->id = table.id;
    info->name = std::move(table.name);
    info->partition_ids = std::move(table.partition_ids);
    info->is_view = table.is_view;
    descriptions_[info.get()] = table.description;
    if (folded.has_table_info) {
      job->table_info = std::move(info);
    } else {
      job->multiple_table_infos.push_back(std::move(info));
    }
  }
  return job;
}

Result<HistoryLoader::InfoPtr> HistoryLoader::describe(const InfoPtr& outline) {
  const auto found = descriptions_.find(outline.get());
  if (found == descriptions_.end()) return outline;  // of the image
  Description& description = *found->second;
  if (!description.info && !description.json.empty()) {
    Result<TableInfo> info = tidb::parse_table_info(description.json);
    if (!info.ok()) {
      return std::move(info).error().because("ddl job {}, finished at ts {}", description.job_id,
                                             description.finished_ts);
    }
    release(description);
    description.info = std::make_shared<const TableInfo>(std::move(info).value());
  }
  return description.info;
}

Result<void> HistoryLoader::apply_folded() {
  std::ranges::sort(folded_, {},
                    [](const FoldedJob& job) { return std::tuple(job.version, job.id); });
  const int64_t recent_ms = physical_ms(start_.commit_ts) - kLateMsMax;
  bool was_recent = false;
  for (FoldedJob& folded : folded_) {
    if (!was_recent && ms_of(folded.finished_ts) > recent_ms) {
      was_recent = true;
      if (!has_image_) schema_->forget_past();
    }
    const std::shared_ptr<const DdlJob> job = unfold(folded);
    if (Result<void> applied = schema_->apply_past(job); !applied.ok()) {
      if (has_image_) return make_error(ErrorCode::kConflict, "{}", applied.error().to_string());
      log_warn("ddl job does not fit the history before it, left out",
               {{"job", job->id}, {"error", applied.error()}});
      schema_->note_known(job->id);
    }
    folded.tables.clear();
  }
  if (!was_recent && !has_image_) schema_->forget_past();
  folded_.clear();
  return {};
}

Result<std::unique_ptr<Schema>> HistoryLoader::finish() && {
  schema_->set_keeps_dropped(start_.keeps_dropped);
  parse_kept();
  TRY(apply_folded());
  payloads_.clear();
  TRY(schema_->resolve_infos([this](const InfoPtr& outline) { return describe(outline); }));
  descriptions_.clear();
  schema_->set_keeps_dropped(false);
  for (PendingJob& job : pending_) schema_->add_pending_json(job.outline, std::move(job.json));
  pending_.clear();
  return std::move(schema_);
}

Result<std::unique_ptr<Schema>> load_snapshot(const tidb::SchemaSnapshot& snapshot,
                                              SchemaVersion version) {
  auto schema = std::make_unique<Schema>();
  TRY(schema->load(snapshot, version));
  return schema;
}

}  // namespace drainer::schema
