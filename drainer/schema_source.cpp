#include "drainer/schema_source.h"

#include "drainer/base/log.h"
#include "drainer/rules.h"
#include "drainer/schema/history.h"

namespace drainer {

namespace {

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

Result<std::unique_ptr<schema::Schema>> load_snapshot(const SavePoint& start, cluster::Meta& meta,
                                                      const StopToken& stop) {
  ASSIGN_OR_RETURN(const tidb::SchemaSnapshot snapshot, meta.snapshot(start.commit_ts, stop));
  return schema::load_snapshot(snapshot, start.schema_version);
}

Result<std::unique_ptr<schema::Schema>> load_history(const SavePoint& start, cluster::Meta& meta,
                                                     const StopToken& stop) {
  schema::HistoryLoader loader(
      {.commit_ts = start.commit_ts, .schema_version = start.schema_version});
  TRY(meta.scan_history([&](DdlJobId id, ByteView json) { return loader.add(id, json); }, stop));
  return std::move(loader).finish();
}

}  // namespace

Result<std::unique_ptr<schema::Schema>> load_schema(const Options& options, const SavePoint& start,
                                                    cluster::Meta& meta, const StopToken& stop) {
  ASSIGN_OR_RETURN(std::unique_ptr<schema::Schema> out, options.syncer.load_schema_snapshot
                                                            ? load_snapshot(start, meta, stop)
                                                            : load_history(start, meta, stop));
  set_ddl_rules(options, *out);
  out->set_find_recovered_tables(
      [&meta, stop](const tidb::DdlJob& job) { return find_tables(meta, job, stop); });
  log_info("load schema", {{"tables", out->table_count()},
                           {"databases", out->database_count()},
                           {"version", out->version()}});
  return out;
}

}  // namespace drainer
