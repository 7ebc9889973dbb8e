#include "drainer/newer_jobs.h"

#include <algorithm>
#include <optional>

#include "drainer/base/log.h"

namespace drainer {

namespace {

constexpr Duration kLookPause = std::chrono::milliseconds(100);
constexpr Duration kLogInterval = std::chrono::seconds(30);

const tidb::ColumnInfo* find_public(const tidb::TableInfo& table, ColumnId column) {
  const int32_t offset = table.find_column(column);
  if (offset < 0) return nullptr;
  const tidb::ColumnInfo& found = table.columns[static_cast<size_t>(offset)];
  return found.state == tidb::SchemaState::kPublic ? &found : nullptr;
}

bool has_members(const tidb::ColumnInfo& column, size_t members) {
  return members == 0 || column.type.elems->size() >= members;
}

// The table is as the row wants it.
bool explains(const tidb::TableInfo& table, const NewerColumn& column) {
  const tidb::ColumnInfo* const found = find_public(table, column.column);
  return found != nullptr && has_members(*found, column.members);
}

}  // namespace

Result<std::vector<std::shared_ptr<const tidb::DdlJob>>> NewerJobs::find(
    const NewerColumn& column, const std::vector<DdlJobId>& known, const StopToken& stop) {
  std::vector<std::shared_ptr<const tidb::DdlJob>> found;
  const TimePoint begin = clock_.now();
  TimePoint logged = begin;
  while (true) {
    ASSIGN_OR_RETURN(const Answer answer, look(column, known, found, stop));
    if (answer != Answer::kNotYet) return found;
    const TimePoint now = clock_.now();
    if (now - begin >= kNewerJobLimit) {
      return make_error(ErrorCode::kTimeout,
                        "rows have column id {} of table {}, which is public by now, but no DDL "
                        "job that made it so has finished within {} s; look at ADMIN SHOW DDL JOBS "
                        "upstream and start again when it has",
                        column.column, column.table, kNewerJobLimit / std::chrono::seconds(1));
    }
    if (now - logged >= kLogInterval) {
      logged = now;
      log_info("rows come before their DDL job is finished, waiting for it",
               {{"table id", column.table},
                {"column id", column.column},
                {"seconds", (now - begin) / std::chrono::seconds(1)}});
    }
    if (!clock_.sleep_for(kLookPause, stop)) return stopped();
  }
}

Result<NewerJobs::Answer> NewerJobs::look(const NewerColumn& column,
                                          const std::vector<DdlJobId>& known,
                                          std::vector<std::shared_ptr<const tidb::DdlJob>>& found,
                                          const StopToken& stop) {
  // Asked first: what is public here has its job in the history now, or soon.
  ASSIGN_OR_RETURN(const std::optional<tidb::TableInfo> now,
                   meta_.current_table(column.schema, column.table, stop));
  const tidb::ColumnInfo* const in_use = now ? find_public(*now, column.column) : nullptr;
  // The invalid value of an ENUM is data, too; the history is long.
  if (in_use != nullptr && !has_members(*in_use, column.members)) return Answer::kNotNeeded;
  ASSIGN_OR_RETURN(const std::vector<DdlJobId> ids, meta_.history_ids(stop));
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
  if (!found.empty()) return Answer::kFound;
  return is_explained || in_use == nullptr ? Answer::kNotNeeded : Answer::kNotYet;
}

}  // namespace drainer
