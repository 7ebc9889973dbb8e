#include "syncer/ddl_clock.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>

namespace drainer {

namespace {

/// The farthest that a session's time zone is from UTC, and some time for the statement to begin.
constexpr int64_t kZoneSecondsMax = 15 * 3600;

bool asks_for_time(std::string_view text) {
  // TiDB writes NOW(), LOCALTIME and the like this way, too.
  constexpr std::string_view kName = "CURRENT_TIMESTAMP";
  const auto is_same = [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; };
  return !std::ranges::search(text, kName, is_same).empty();
}

/// Seconds since 1970 of a time as TiDB writes it, as if it were UTC.
std::optional<int64_t> seconds_of(std::string_view time) {
  const auto number = [&](size_t begin, size_t length) -> std::optional<int> {
    int value = 0;
    if (time.size() < begin + length) return std::nullopt;
    const char* end = time.data() + begin + length;
    const auto [stop, error] = std::from_chars(time.data() + begin, end, value);
    return error == std::errc() && stop == end ? std::optional(value) : std::nullopt;
  };
  const auto year = number(0, 4), month = number(5, 2), day = number(8, 2);
  const auto hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return ((days * 24 + *hour) * 60 + *minute) * 60 + *second;
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
    const auto seconds = seconds_of(*time);
    if (!seconds || std::abs(*seconds - begun) > kZoneSecondsMax) continue;
    if (found == nullptr || column.id.value > found->id.value) found = &column;
  }
  if (found == nullptr) return std::nullopt;
  return DdlClock{.time = std::get<std::string>(*found->origin_default),
                  .is_utc = found->type.type == tidb::ColumnType::kTimestamp};
}

}  // namespace drainer
