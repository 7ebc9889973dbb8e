#include "drainer/newer_jobs.h"

#include <algorithm>
#include <optional>

#include "drainer/base/log.h"

namespace drainer {

namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(100);
// Each look lists the history.
constexpr Duration kPauseMax = std::chrono::seconds(5);
constexpr Duration kLogInterval = std::chrono::minutes(1);

// TiDB gives jobs and tables their ids out of one sequence: what changes a table is younger.
DdlJobId first_change(TableId table) {
  return DdlJobId(table.value + 1);
}

}  // namespace

Result<std::vector<std::shared_ptr<const tidb::DdlJob>>> NewerJobs::find(
    const NewerColumn& column, const std::vector<DdlJobId>& known, const StopToken& stop) {
  std::vector<std::shared_ptr<const tidb::DdlJob>> found;
  const TimePoint begin = clock_.now();
  TimePoint logged = begin;
  for (Duration pause = kFirstPause;; pause = std::min(2 * pause, kPauseMax)) {
    found.clear();
    ASSIGN_OR_RETURN(const bool is_answered, look(column, known, found, stop));
    if (is_answered) return found;
    const TimePoint now = clock_.now();
    if (now - logged >= kLogInterval) {
      if (logged == begin && !column.type) TRY(check_known(column, stop));
      logged = now;
      log_warn(
          "rows have what a DDL job has made that is not finished: waiting for it; ADMIN SHOW DDL "
          "JOBS upstream shows the job, a metadata lock of a long transaction may hold it up",
          {{"table id", column.table},
           {"column id", column.column},
           {"seconds", (now - begin) / std::chrono::seconds(1)}});
    }
    if (!clock_.sleep_for(pause, stop)) return stopped();
  }
}

Result<void> NewerJobs::check_known(const NewerColumn& column, const StopToken& stop) {
  ASSIGN_OR_RETURN(const auto ids, meta_.history_ids_from(first_change(column.table), stop));
  if (ids.empty()) return {};
  return meta_.scan_history(
      ids.front(), ids.back(),
      [&](DdlJobId id, ByteView json) -> Result<void> {
        ASSIGN_OR_RETURN(const tidb::DdlJob job, tidb::parse_ddl_job(json));
        if (job.table_id != column.table || !job.is_finished()) return {};
        if (!job.table_info || !explains(*job.table_info, column)) return {};
        return make_error(ErrorCode::kConflict,
                          "rows have column id {} of table {} as DDL job {} has left it, but the "
                          "schema does not: the job did not fit it; start with "
                          "`load-schema-snapshot = true`",
                          column.column, column.table, id);
      },
      stop);
}

Result<bool> NewerJobs::look(const NewerColumn& column, const std::vector<DdlJobId>& known,
                             std::vector<std::shared_ptr<const tidb::DdlJob>>& found,
                             const StopToken& stop) {
  // Asked first: what is public here has its job in the history now, or soon.
  ASSIGN_OR_RETURN(const std::optional<tidb::TableInfo> now,
                   meta_.current_table(column.schema, column.table, stop));
  const tidb::ColumnInfo* const in_use = now ? find_public(*now, column.column) : nullptr;
  // The invalid value of an ENUM is data, too; the history is long.
  if (in_use != nullptr && !explains(*now, column)) return true;
  ASSIGN_OR_RETURN(const auto ids, meta_.history_ids_from(first_change(column.table), stop));
  bool is_explained = false;
  for (const schema::JobRange& range : schema::unknown_ranges(ids, known)) {
    TRY(meta_.scan_history(
        range.first, range.last,
        [&](DdlJobId, ByteView json) -> Result<void> {
          ASSIGN_OR_RETURN(tidb::DdlJob job, tidb::parse_ddl_job(json));
          if (job.table_id != column.table || !job.is_finished()) return {};
          // Others, such as those of TiFlash, may have finished before the column was there.
          is_explained |= job.table_info && explains(*job.table_info, column);
          if (job.type != tidb::DdlType::kMultiSchemaChange) return {};
          found.push_back(std::make_shared<const tidb::DdlJob>(std::move(job)));
          return {};
        },
        stop));
  }
  return is_explained || in_use == nullptr;
}

}  // namespace drainer
