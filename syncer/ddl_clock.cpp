#include "syncer/ddl_clock.h"

#include <cstdlib>

#include "drainer/tidb/ddl_sql_mode.h"
#include "drainer/tidb/time.h"

namespace drainer {

namespace {

/// The farthest that a session's time zone is from UTC, and some time for the statement to begin.
constexpr int64_t kZoneSecondsMax = 15 * 3600;

bool asks_for_time(std::string_view text) {
  const auto tokens = tidb::TokenList::lex(text, tidb::guess_sql_mode(text));
  if (!tokens) return false;
  for (size_t i = 0; i < tokens->size(); ++i) {
    // TiDB prints the first for all of them; the others are in a user's own text.
    for (const auto* word : {"CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP"}) {
      if (tokens->is_word(i, word)) return true;
    }
  }
  return false;
}

}  // namespace

std::optional<DdlClock> find_ddl_clock(const tidb::DdlJob& job, std::string_view text) {
  if (job.table_info == nullptr || !asks_for_time(text)) return std::nullopt;
  const int64_t begun = physical_ms(CommitTs(job.start_ts.value)) / 1000;
  const tidb::ColumnInfo* found = nullptr;
  for (const tidb::ColumnInfo& column : job.table_info->columns) {
    using enum tidb::ColumnType;
    const auto* time = std::get_if<std::string>(&*column.origin_default);
    const bool is_time = column.type.type == kTimestamp || column.type.type == kDatetime;
    if (time == nullptr || !is_time) continue;
    // Columns of earlier statements, and defaults that are no time of day now, lie farther away.
    const auto instant = tidb::parse_datetime(*time);
    if (!instant || std::abs(tidb::unix_from_civil(*instant) - begun) > kZoneSecondsMax) continue;
    if (found == nullptr || column.id.value > found->id.value) found = &column;
  }
  if (found == nullptr) return std::nullopt;
  return DdlClock{.time = std::get<std::string>(*found->origin_default),
                  .is_utc = found->type.type == tidb::ColumnType::kTimestamp};
}

std::optional<DdlClock> guess_ddl_clock(CommitTs commit_ts, std::string_view text) {
  if (!asks_for_time(text)) return std::nullopt;
  DdlClock out{.time = {}, .is_utc = true};
  tidb::append_datetime(out.time, tidb::civil_from_unix(physical_ms(commit_ts) / 1000), /*fsp=*/0);
  return out;
}

}  // namespace drainer
