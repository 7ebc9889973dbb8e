#include "drainer/schema_source.h"

#include <algorithm>
#include <optional>

#include "drainer/base/log.h"
#include "drainer/rules.h"
#include "drainer/schema/history.h"
#include "drainer/schema/job_ranges.h"
#include "drainer/schema/schema_store.h"

namespace drainer {

namespace {

// Each costs a request; with more of them the store is not worth having.
constexpr size_t kUnknownRangesMax = 1000;
// Of the history before a snapshot; ids and ends of jobs have about the same order.
constexpr size_t kPastJobsAtOnce = 200;

// The tables of a database that came back by FLASHBACK DATABASE.
Result<std::vector<std::shared_ptr<const tidb::TableInfo>>> find_tables(cluster::Meta& meta,
                                                                        const tidb::DdlJob& job,
                                                                        const StopToken& stop) {
  ASSIGN_OR_RETURN(tidb::SchemaSnapshot snapshot, meta.snapshot(CommitTs(job.finished_ts), stop));
  for (tidb::SchemaSnapshot::Database& database : snapshot.databases) {
    if (database.info.id == job.schema_id) return std::move(database.tables);
  }
  return make_error(ErrorCode::kNotFound, "database {} is not in the schema at {}", job.schema_id,
                    job.finished_ts);
}

// Multi-schema changes that the snapshot may show although their binlogs come after it.
Result<void> add_multi_schema_changes(schema::Schema& schema, cluster::Meta& meta,
                                      const StopToken& stop) {
  ASSIGN_OR_RETURN(const std::vector<DdlJobId> ids, meta.history_ids(stop));
  const auto add = [&](DdlJobId, ByteView json) -> Result<void> {
    ASSIGN_OR_RETURN(const tidb::DdlJobOutline outline, tidb::parse_ddl_job_outline(json));
    if (outline.job.type != tidb::DdlType::kMultiSchemaChange) return {};
    schema.add_pending_json(outline.job, Bytes(json));
    return {};
  };
  for (const schema::JobRange& range : schema::unknown_ranges(ids, schema.known_jobs())) {
    TRY(meta.scan_history(range.first, range.last, add, stop));
  }
  return {};
}

// Late rows may have ids that the snapshot does not show any more. Reads the newest of the jobs
// before it, until none of a batch is recent.
Result<void> note_ended_ids(schema::Schema& schema, const std::vector<DdlJobId>& past,
                            CommitTs start, cluster::Meta& meta, const StopToken& stop) {
  bool is_recent = true;
  const auto note = [&](DdlJobId, ByteView json) -> Result<void> {
    ASSIGN_OR_RETURN(const tidb::DdlJobOutline outline, tidb::parse_ddl_job_outline(json));
    const CommitTs finished(outline.job.finished_ts);
    if (physical_ms(finished) + schema::kLateMsMax < physical_ms(start)) return {};
    is_recent = true;
    if (!outline.job.is_finished()) return {};
    ASSIGN_OR_RETURN(const tidb::DdlJob job, tidb::parse_ddl_job(json));
    schema.note_ended_ids(job);
    return {};
  };
  for (size_t end = past.size(); end > 0 && is_recent;) {
    const size_t begin = end - std::min(end, kPastJobsAtOnce);
    is_recent = false;
    TRY(meta.scan_history(past[begin], past[end - 1], note, stop));
    end = begin;
  }
  return {};
}

Result<std::unique_ptr<schema::Schema>> load_snapshot(const SavePoint& start, cluster::Meta& meta,
                                                      const StopToken& stop) {
  // Read first: snapshot() tells at its end whether GC has overtaken us.
  ASSIGN_OR_RETURN(const std::vector<DdlJobId> past, meta.history_ids(start.commit_ts, stop));
  ASSIGN_OR_RETURN(const tidb::SchemaSnapshot snapshot, meta.snapshot(start.commit_ts, stop));
  ASSIGN_OR_RETURN(std::unique_ptr<schema::Schema> schema,
                   schema::load_snapshot(snapshot, start.schema_version));
  // Or a row with a newer column would dig out descriptions of years ago.
  for (const DdlJobId id : past) schema->note_known(id);
  TRY(note_ended_ids(*schema, past, start.commit_ts, meta, stop));
  TRY(add_multi_schema_changes(*schema, meta, stop));
  return schema;
}

Result<std::unique_ptr<schema::Schema>> load_history(const SavePoint& start, cluster::Meta& meta,
                                                     const StopToken& stop) {
  for (bool keeps_dropped = false;; keeps_dropped = true) {
    schema::HistoryLoader loader({.commit_ts = start.commit_ts,
                                  .schema_version = start.schema_version,
                                  .keeps_dropped = keeps_dropped});
    TRY(meta.scan_history([&](DdlJobId id, ByteView json) { return loader.add(id, json); }, stop));
    if (keeps_dropped || !loader.needs_dropped()) return std::move(loader).finish();
    log_info("a database came back a week or more after it was dropped, the history is read again");
  }
}

// Nothing when there is no store for this start.
Result<std::optional<LoadedSchema>> load_stored(const std::string& path, uint64_t cluster_id,
                                                const SavePoint& start, cluster::Meta& meta,
                                                const StopToken& stop) {
  ASSIGN_OR_RETURN(std::optional<schema::SchemaImage> image,
                   schema::read_schema_store(path, cluster_id));
  if (!image) return std::optional<LoadedSchema>();
  if (image->commit_ts > start.commit_ts) {
    return make_error(ErrorCode::kConflict, "it is of commit ts {}, ahead of the start at {}",
                      image->commit_ts, start.commit_ts);
  }
  ASSIGN_OR_RETURN(const std::vector<DdlJobId> ids, meta.history_ids(stop));
  if (!std::ranges::includes(ids, image->known_jobs)) {
    return make_error(ErrorCode::kConflict, "it knows DDL jobs that the history does not have");
  }
  const std::vector<schema::JobRange> unknown = schema::unknown_ranges(ids, image->known_jobs);
  if (unknown.size() > kUnknownRangesMax) {
    return make_error(ErrorCode::kConflict, "{} gaps in what it knows of the history",
                      unknown.size());
  }
  schema::HistoryLoader loader(
      {.commit_ts = start.commit_ts, .schema_version = start.schema_version}, *image);
  image.reset();
  for (const schema::JobRange& range : unknown) {
    TRY(meta.scan_history(
        range.first, range.last, [&](DdlJobId id, ByteView json) { return loader.add(id, json); },
        stop));
  }
  const size_t read = loader.job_count();
  ASSIGN_OR_RETURN(std::unique_ptr<schema::Schema> schema, std::move(loader).finish());
  log_info("went on from the stored schema",
           {{"jobs in the history", ids.size()}, {"jobs read", read}});
  return std::optional(LoadedSchema{std::move(schema), read == 0});
}

Result<LoadedSchema> load_stored_or_history(const Options& options, uint64_t cluster_id,
                                            const SavePoint& start, cluster::Meta& meta,
                                            const StopToken& stop) {
  const std::string path = schema::schema_store_path(options.data_dir);
  Result<std::optional<LoadedSchema>> stored = load_stored(path, cluster_id, start, meta, stop);
  if (stored.ok() && *stored) return *std::move(*stored);
  if (!stored.ok()) {
    if (stored.error().code() == ErrorCode::kStopped) return std::move(stored).error();
    log_warn("the stored schema is not used, the history is read instead",
             {{"file", path}, {"error", stored.error()}});
  }
  ASSIGN_OR_RETURN(std::unique_ptr<schema::Schema> schema, load_history(start, meta, stop));
  return LoadedSchema{std::move(schema)};
}

Result<LoadedSchema> load(const Options& options, uint64_t cluster_id, const SavePoint& start,
                          cluster::Meta& meta, const StopToken& stop) {
  if (!options.syncer.load_schema_snapshot) {
    return load_stored_or_history(options, cluster_id, start, meta, stop);
  }
  ASSIGN_OR_RETURN(std::unique_ptr<schema::Schema> schema, load_snapshot(start, meta, stop));
  return LoadedSchema{std::move(schema)};
}

}  // namespace

Result<LoadedSchema> load_schema(const Options& options, uint64_t cluster_id,
                                 const SavePoint& start, cluster::Meta& meta,
                                 const StopToken& stop) {
  ASSIGN_OR_RETURN(LoadedSchema out, load(options, cluster_id, start, meta, stop));
  schema::Schema& schema = *out.schema;
  set_ddl_rules(options, schema);
  schema.set_find_recovered_tables(
      [&meta, stop](const tidb::DdlJob& job) { return find_tables(meta, job, stop); });
  log_info("load schema", {{"tables", schema.table_count()},
                           {"databases", schema.database_count()},
                           {"version", schema.version()}});
  return out;
}

}  // namespace drainer
