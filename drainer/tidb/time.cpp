#include "drainer/tidb/time.h"

#include "drainer/tidb/digits.h"

#include <algorithm>
#include <array>

namespace drainer::tidb {
namespace {

constexpr uint32_t kYearMax = 16383;
constexpr int64_t kSecondsPerDay = 86400;

char* put_date(char* p, const CivilTime& t) {
  p = put_digits(p, t.year, t.year < 10000 ? 4 : count_digits(t.year));
  *p++ = '-';
  p = put_two_digits(p, t.month);
  *p++ = '-';
  return put_two_digits(p, t.day);
}

char* put_minutes_and_seconds(char* p, uint32_t minute, uint32_t second) {
  *p++ = ':';
  p = put_two_digits(p, minute);
  *p++ = ':';
  return put_two_digits(p, second);
}

/// "." and the first `fsp` characters of at least six digits; a damaged value may have seven.
char* put_fraction(char* p, uint32_t micro, uint8_t fsp) {
  if (fsp == 0) return p;
  *p++ = '.';
  put_digits(p, micro, micro < 1'000'000 ? 6 : 7);
  return p + fsp;
}

bool take_number(std::string_view& text, size_t digits, uint32_t& value) {
  if (text.size() < digits) return false;
  value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool take_char(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

int64_t days_from_civil(int64_t year, uint32_t month, uint32_t day) {
  // Years that start in March put the leap day last.
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t era = (y >= 0 ? y : y - 399) / 400;
  const int64_t year_of_era = y - era * 400;
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

int64_t unix_from_civil(const CivilTime& t) {
  return days_from_civil(t.year, t.month, t.day) * kSecondsPerDay + t.hour * 3600 + t.minute * 60 +
         t.second;
}

CivilTime civil_from_unix(int64_t unix_seconds) {
  const int64_t first = days_from_civil(0, 1, 1) * kSecondsPerDay;
  const int64_t last = days_from_civil(kYearMax + 1, 1, 1) * kSecondsPerDay - 1;
  const int64_t clamped = std::clamp(unix_seconds, first, last);
  const int64_t since_march_0 = clamped + 719468 * kSecondsPerDay;
  // January and February of year 0 lie in the era before.
  const int64_t shifted = since_march_0 + 146097 * kSecondsPerDay;
  const int64_t days = shifted / kSecondsPerDay;
  const auto second_of_day = static_cast<uint32_t>(shifted % kSecondsPerDay);
  const int64_t era = days / 146097;
  const int64_t day_of_era = days % 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const int64_t year = year_of_era + era * 400 - 400 + (month <= 2 ? 1 : 0);
  return {.year = static_cast<uint32_t>(year),
          .month = static_cast<uint32_t>(month),
          .day = static_cast<uint32_t>(day_of_year - (153 * month_from_march + 2) / 5 + 1),
          .hour = second_of_day / 3600,
          .minute = second_of_day / 60 % 60,
          .second = second_of_day % 60,
          .micro = 0};
}

void append_date(std::string& out, const CivilTime& t) {
  std::array<char, 16> buffer;
  char* const end = put_date(buffer.data(), t);
  out.append(buffer.data(), static_cast<size_t>(end - buffer.data()));
}

void append_datetime(std::string& out, const CivilTime& t, uint8_t fsp) {
  std::array<char, 40> buffer;
  char* p = put_date(buffer.data(), t);
  *p++ = ' ';
  p = put_two_digits(p, t.hour);
  p = put_minutes_and_seconds(p, t.minute, t.second);
  p = put_fraction(p, t.micro, fsp);
  out.append(buffer.data(), static_cast<size_t>(p - buffer.data()));
}

void append_duration(std::string& out, int64_t nanoseconds, uint8_t fsp) {
  std::array<char, 40> buffer;
  char* p = buffer.data();
  uint64_t magnitude = static_cast<uint64_t>(nanoseconds);
  if (nanoseconds < 0) {
    *p++ = '-';
    magnitude = 0 - magnitude;
  }
  const uint64_t seconds = magnitude / 1'000'000'000;
  const auto micro = static_cast<uint32_t>(magnitude % 1'000'000'000 / 1000);
  const auto hours = static_cast<uint32_t>(seconds / 3600);
  p = put_digits(p, hours, hours < 100 ? 2 : count_digits(hours));
  p = put_minutes_and_seconds(p, static_cast<uint32_t>(seconds / 60 % 60),
                              static_cast<uint32_t>(seconds % 60));
  p = put_fraction(p, micro, fsp);
  out.append(buffer.data(), static_cast<size_t>(p - buffer.data()));
}

std::optional<CivilTime> parse_datetime(std::string_view text) {
  CivilTime t;
  const bool has_form =
      take_number(text, 4, t.year) && take_char(text, '-') && take_number(text, 2, t.month) &&
      take_char(text, '-') && take_number(text, 2, t.day) && take_char(text, ' ') &&
      take_number(text, 2, t.hour) && take_char(text, ':') && take_number(text, 2, t.minute) &&
      take_char(text, ':') && take_number(text, 2, t.second);
  if (!has_form) return std::nullopt;
  if (take_char(text, '.')) {
    if (text.empty()) return std::nullopt;
    uint32_t scale = 100'000;
    for (uint32_t digit; !text.empty(); scale /= 10) {
      if (!take_number(text, 1, digit)) return std::nullopt;
      t.micro += digit * scale;
    }
  }
  if (!text.empty() || !t.is_real()) return std::nullopt;
  return t;
}

}  // namespace drainer::tidb
