#include "drainer/tidb/posix_zone.h"

#include "drainer/tidb/time.h"

namespace drainer::tidb {
namespace {

constexpr int64_t kSecondsPerDay = 86400;
constexpr uint32_t kHoursMax = 167;

/// Takes a TZ string apart from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : left_(text) {}

  bool is_at_end() const { return left_.empty(); }

  bool take(char wanted) {
    if (left_.empty() || left_.front() != wanted) return false;
    left_.remove_prefix(1);
    return true;
  }

  bool take_name() {
    size_t length = 0;
    if (take('<')) {
      length = left_.find('>');
      if (length == std::string_view::npos) return false;
      left_.remove_prefix(length + 1);
      return length >= 3;
    }
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    while (length < left_.size() && is_letter(left_[length])) ++length;
    left_.remove_prefix(length);
    return length >= 3;
  }

  bool take_number(uint32_t min, uint32_t max, uint32_t& value) {
    if (left_.empty() || left_.front() < '0' || left_.front() > '9') return false;
    value = 0;
    while (!left_.empty() && left_.front() >= '0' && left_.front() <= '9') {
      value = value * 10 + static_cast<uint32_t>(left_.front() - '0');
      if (value > max) return false;
      left_.remove_prefix(1);
    }
    return value >= min;
  }

  /// [+|-]h[:m[:s]]
  bool take_time(int32_t& seconds) {
    const bool is_negative = take('-');
    if (!is_negative) take('+');
    uint32_t hour = 0;
    uint32_t minute = 0;
    uint32_t second = 0;
    if (!take_number(0, kHoursMax, hour)) return false;
    if (take(':') && !take_number(0, 59, minute)) return false;
    if (take(':') && !take_number(0, 59, second)) return false;
    seconds = static_cast<int32_t>(hour * 3600 + minute * 60 + second);
    if (is_negative) seconds = -seconds;
    return true;
  }

  bool take_change(PosixChange& change) {
    if (!take_day(change)) return false;
    return !take('/') || take_time(change.second);
  }

 private:
  bool take_day(PosixChange& change) {
    if (take('J')) {
      change.kind = PosixChange::Day::kJulian;
      return take_number(1, 365, change.day);
    }
    if (take('M')) {
      change.kind = PosixChange::Day::kMonth;
      return take_number(1, 12, change.month) && take('.') && take_number(1, 5, change.week) &&
             take('.') && take_number(0, 6, change.day);
    }
    change.kind = PosixChange::Day::kZeroBase;
    return take_number(0, 365, change.day);
  }

  std::string_view left_;
};

int64_t day_of_weekday(uint32_t year, uint32_t month, uint32_t week, uint32_t weekday) {
  const int64_t first = days_from_civil(year, month, 1);
  // 1970-01-01 was a Thursday; years before it are far enough from negative remainders.
  const auto first_weekday = static_cast<uint32_t>((first % 7 + 7 + 4) % 7);
  uint32_t day = (weekday + 7 - first_weekday) % 7 + (week - 1) * 7;
  if (day >= days_in_month(year, month)) day -= 7;
  return first + day;
}

}  // namespace

int64_t PosixChange::local_seconds(uint32_t year) const {
  const int64_t new_year = days_from_civil(year, 1, 1);
  int64_t days = 0;
  switch (kind) {
    case Day::kJulian:
      days = new_year + day - 1;
      if (day >= 60 && days_in_month(year, 2) == 29) ++days;
      break;
    case Day::kZeroBase:
      days = new_year + day;
      break;
    case Day::kMonth:
      days = day_of_weekday(year, month, week, day);
      break;
  }
  return days * kSecondsPerDay + second;
}

std::optional<PosixZone> parse_posix_zone(std::string_view text) {
  Scanner scan(text);
  PosixZone zone;
  // The sign is that of POSIX: positive is west.
  if (!scan.take_name() || !scan.take_time(zone.standard_offset)) return std::nullopt;
  zone.standard_offset = -zone.standard_offset;
  if (scan.is_at_end()) return zone;
  PosixZone::Daylight daylight;
  if (!scan.take_name()) return std::nullopt;
  daylight.offset = zone.standard_offset + 3600;
  if (!scan.take(',')) {
    if (!scan.take_time(daylight.offset) || !scan.take(',')) return std::nullopt;
    daylight.offset = -daylight.offset;
  }
  if (!scan.take_change(daylight.start) || !scan.take(',') || !scan.take_change(daylight.end) ||
      !scan.is_at_end()) {
    return std::nullopt;
  }
  zone.daylight = daylight;
  return zone;
}

}  // namespace drainer::tidb
