#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drainer::tidb {

// Times as TiDB packs them (spec/row-codec.md 6.5, 6.6, 6.11) and their texts. Pure functions.

/// Days of a month, 1 to 12, of a Gregorian year.
constexpr uint32_t days_in_month(uint32_t year, uint32_t month) {
  if (month != 2) return 30 + ((month ^ month >> 3) & 1);
  const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return is_leap ? 29 : 28;
}

/// A date and time of day; fields may be zero or out of range, as rows may hold such values.
struct CivilTime {
  uint32_t year = 0;
  uint32_t month = 0;
  uint32_t day = 0;
  uint32_t hour = 0;
  uint32_t minute = 0;
  uint32_t second = 0;
  uint32_t micro = 0;

  /// A real date and time of day; every year from 0 on counts.
  constexpr bool is_real() const {
    return month >= 1 && month <= 12 && day >= 1 &&
           (day <= 28 || day <= days_in_month(year, month)) && hour < 24 && minute < 60 &&
           second < 60 && micro < 1'000'000;
  }
};

/// The packed form of rows: ((year * 13 + month) << 5 | day) << 17 | h << 12 | m << 6 | s, then 24
/// bits of microseconds. Fields too wide for TiDB's own form lose their upper bits, as in TiDB.
constexpr CivilTime unpack_time(uint64_t packed) {
  const uint64_t seconds = packed >> 24;
  const uint64_t hms = seconds & 0x1ffff;
  const uint64_t ymd = seconds >> 17;
  const uint64_t months = ymd >> 5;
  return {.year = static_cast<uint32_t>(months / 13 & 0x3fff),
          .month = static_cast<uint32_t>(months % 13),
          .day = static_cast<uint32_t>(ymd & 31),
          .hour = static_cast<uint32_t>(hms >> 12),
          .minute = static_cast<uint32_t>(hms >> 6 & 63),
          .second = static_cast<uint32_t>(hms & 63),
          .micro = static_cast<uint32_t>(packed & 0xfffff)};
}

constexpr uint64_t pack_time(const CivilTime& t) {
  const uint64_t ymd = (uint64_t{t.year} * 13 + t.month) << 5 | t.day;
  const uint64_t hms = t.hour << 12 | t.minute << 6 | t.second;
  return (ymd << 17 | hms) << 24 | t.micro;
}

/// The bit fields of times inside JSON: year 14, month 4, day 5, hour 5, minute 6, second 6,
/// microsecond 20 bits from the top; the low 4 bits are ignored.
constexpr CivilTime unpack_core_time(uint64_t core) {
  return {.year = static_cast<uint32_t>(core >> 50),
          .month = static_cast<uint32_t>(core >> 46 & 15),
          .day = static_cast<uint32_t>(core >> 41 & 31),
          .hour = static_cast<uint32_t>(core >> 36 & 31),
          .minute = static_cast<uint32_t>(core >> 30 & 63),
          .second = static_cast<uint32_t>(core >> 24 & 63),
          .micro = static_cast<uint32_t>(core >> 4 & 0xfffff)};
}

/// Days since 1970-01-01, proleptic Gregorian; `month` 1 to 12.
int64_t days_from_civil(int64_t year, uint32_t month, uint32_t day);
/// Seconds since 1970 of a real time, taken as UTC.
int64_t unix_from_civil(const CivilTime& t);
/// The reverse for instants of the years 0 to 16383; others become the nearest of these years.
CivilTime civil_from_unix(int64_t unix_seconds);

/// "YYYY-MM-DD".
void append_date(std::string& out, const CivilTime& t);
/// "YYYY-MM-DD HH:MM:SS" and, if fsp > 0, "." and the first fsp digits of the microseconds.
void append_datetime(std::string& out, const CivilTime& t, uint8_t fsp);
/// "[-]HH:MM:SS[.ffffff]" of signed nanoseconds; hours take as many digits as they need.
void append_duration(std::string& out, int64_t nanoseconds, uint8_t fsp);

/// "YYYY-MM-DD HH:MM:SS[.fraction]" of a real instant; digits beyond microseconds are dropped.
std::optional<CivilTime> parse_datetime(std::string_view text);

}  // namespace drainer::tidb
