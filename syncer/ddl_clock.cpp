#include "syncer/ddl_clock.h"

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

#include "drainer/tidb/ddl_sql_mode.h"
#include "drainer/tidb/time.h"

namespace drainer {

namespace {

/// The farthest that a session's time zone is from UTC, and some time for the statement to begin.
constexpr int64_t kZoneSecondsMax = 15 * 3600;
constexpr int64_t kHalfDaySeconds = 12 * 3600;

bool has_word(std::string_view text, std::initializer_list<std::string_view> words) {
  const auto tokens = tidb::TokenList::lex(text, tidb::guess_sql_mode(text));
  if (!tokens) return false;
  for (size_t i = 0; i < tokens->size(); ++i) {
    if (std::ranges::any_of(words, [&](auto word) { return tokens->is_word(i, word); }))
      return true;
  }
  return false;
}

bool asks_for_time(std::string_view text) {
  // TiDB prints the first for those that mean it; the others are in a user's own text.
  return has_word(text, {"CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP", "CURRENT_DATE",
                         "CURDATE", "UTC_DATE", "UTC_TIMESTAMP"});
}

bool is_date_type(tidb::ColumnType type) {
  return type == tidb::ColumnType::kDate || type == tidb::ColumnType::kNewDate;
}

/// A date is that of its noon.
std::string time_of(const std::string& origin_default, bool is_date) {
  return is_date ? origin_default + " 12:00:00" : origin_default;
}

DdlClock utc_clock(int64_t unix_seconds) {
  DdlClock out{.time = {}, .is_utc = true};
  tidb::append_datetime(out.time, tidb::civil_from_unix(unix_seconds), /*fsp=*/0);
  return out;
}

}  // namespace

std::optional<DdlClock> find_ddl_clock(const tidb::DdlJob& job, std::string_view text) {
  if (job.table_info == nullptr || !asks_for_time(text)) return std::nullopt;
  const int64_t begun = physical_ms(CommitTs(job.start_ts.value)) / 1000;
  const tidb::ColumnInfo* found = nullptr;
  for (const tidb::ColumnInfo& column : job.table_info->columns) {
    using enum tidb::ColumnType;
    const auto* time = std::get_if<std::string>(&*column.origin_default);
    const bool is_date = is_date_type(column.type.type);
    const bool is_time = column.type.type == kTimestamp || column.type.type == kDatetime;
    if (time == nullptr || (!is_time && !is_date)) continue;
    // Columns of earlier statements, and defaults that are no time of day now, lie farther away.
    const auto instant = tidb::parse_datetime(time_of(*time, is_date));
    const int64_t distance_max = is_date ? kZoneSecondsMax + kHalfDaySeconds : kZoneSecondsMax;
    if (!instant || std::abs(tidb::unix_from_civil(*instant) - begun) > distance_max) continue;
    if (found == nullptr || column.id.value > found->id.value) found = &column;
  }
  if (found == nullptr) {
    // A text of the date, which no column tells as a time: to the zone of the user's session.
    return has_word(text, {"DATE_FORMAT"}) ? std::optional(utc_clock(begun)) : std::nullopt;
  }
  return DdlClock{.time = time_of(std::get<std::string>(*found->origin_default),
                                  is_date_type(found->type.type)),
                  .is_utc = found->type.type == tidb::ColumnType::kTimestamp};
}

std::optional<DdlClock> guess_ddl_clock(CommitTs commit_ts, std::string_view text) {
  if (!asks_for_time(text)) return std::nullopt;
  return utc_clock(physical_ms(commit_ts) / 1000);
}

}  // namespace drainer
