#include "drainer/tidb/time_zone.h"

#include "drainer/base/files.h"
#include "drainer/tidb/posix_zone.h"
#include "drainer/tidb/time.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <optional>
#include <utility>

namespace drainer::tidb {
namespace {

constexpr std::string_view kZoneInfo = "/usr/share/zoneinfo/";
constexpr size_t kHeaderBytes = 44;
constexpr uintmax_t kFileBytesMax = 1 << 20;
constexpr int32_t kSecondsPerDay = 86400;
/// The calendar with its weekdays repeats after these years.
constexpr uint32_t kCycleYears = 400;
/// Offsets of real zones stay well below a day; conversion relies on it.
constexpr int32_t kOffsetSecondsMax = kSecondsPerDay - 1;

bool is_offset(int32_t seconds) {
  return seconds >= -kOffsetSecondsMax && seconds <= kOffsetSecondsMax;
}

uint64_t packed_seconds(const CivilTime& t) {
  return pack_time(t) >> 24;
}

Error corrupt(std::string_view text) {
  return make_error(ErrorCode::kCorrupt, "tzif: {}", text);
}

/// Counts of a TZif header, in the file's order.
struct Counts {
  uint64_t is_utc;
  uint64_t is_standard;
  uint64_t leaps;
  uint64_t times;
  uint64_t types;
  uint64_t chars;

  uint64_t body_size(uint64_t time_size) const {
    return times * (time_size + 1) + types * 6 + chars + leaps * (time_size + 4) + is_standard +
           is_utc;
  }
};

std::optional<Counts> read_header(ByteView file) {
  if (file.size() < kHeaderBytes || !file.starts_with("TZif")) return std::nullopt;
  const auto count = [&](size_t i) { return uint64_t{load_be32(file.data() + 20 + 4 * i)}; };
  return Counts{count(0), count(1), count(2), count(3), count(4), count(5)};
}

std::optional<Bytes> read_zone_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
  if (std::filesystem::file_size(path, error) > kFileBytesMax || error) return std::nullopt;
  Result<Bytes> content = drainer::read_file(path.string(), kFileBytesMax);
  if (!content.ok()) return std::nullopt;
  return std::move(content).value();
}

/// As Go does: a name may not climb out of the database.
bool is_database_name(std::string_view name) {
  return !name.empty() && name.front() != '/' && name.front() != '\\' &&
         name.find("..") == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

std::optional<uint32_t> parse_number(std::string_view text, size_t digits_max, uint32_t max) {
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  return value <= max ? std::optional(value) : std::nullopt;
}

/// The day before; that of the first of January of year 0 wraps as the year's 14 bits do in TiDB.
void step_back(CivilTime& t) {
  if (--t.day != 0) return;
  if (--t.month == 0) {
    t.month = 12;
    t.year = (t.year - 1) & 0x3fff;
  }
  t.day = days_in_month(t.year, t.month);
}

void step_forward(CivilTime& t) {
  if (++t.day <= days_in_month(t.year, t.month)) return;
  t.day = 1;
  if (++t.month <= 12) return;
  t.month = 1;
  t.year = (t.year + 1) & 0x3fff;
}

/// "H:MM", "HH:MM" or "HH:MM:SS" in seconds.
std::optional<int32_t> parse_offset(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(colon + 1);
  const auto hour = parse_number(text.substr(0, colon), 2, 99);
  const auto minute = parse_number(rest.substr(0, 2), 2, 59);
  if (!hour || !minute || rest.size() < 2) return std::nullopt;
  uint32_t second = 0;
  if (rest.size() > 2) {
    const auto parsed =
        rest[2] == ':' && rest.size() == 5 ? parse_number(rest.substr(3), 2, 59) : std::nullopt;
    if (!parsed) return std::nullopt;
    second = *parsed;
  }
  return static_cast<int32_t>(*hour * 3600 + *minute * 60 + second);
}

}  // namespace

Result<TimeZone> TimeZone::load(std::string_view name) {
  if (name == "SYSTEM" || name == "Local") {
    return make_error(ErrorCode::kInvalid, "'SYSTEM' or 'Local' time_zone is not supported");
  }
  if (name.empty() || name == "UTC") return TimeZone();
  if (is_database_name(name)) {
    if (const auto file = read_zone_file(std::string(kZoneInfo).append(name))) {
      auto zone = parse_tzif(*file, std::string(name));
      if (zone.ok()) return zone;
    }
  }
  const bool is_west = name.front() == '-';
  if (is_west || name.front() == '+') {
    const auto seconds = parse_offset(name.substr(1));
    const int32_t limit = is_west ? 12 * 3600 + 59 * 60 : 14 * 3600;
    if (seconds && *seconds <= limit) {
      TimeZone zone;
      zone.name_ = name;
      zone.first_offset_ = is_west ? -*seconds : *seconds;
      return zone;
    }
  }
  return make_error(ErrorCode::kInvalid, "invalid timezone {}", name);
}

Result<TimeZone> TimeZone::local() {
  const char* const variable = std::getenv("TZ");
  std::string_view name = variable == nullptr ? "/etc/localtime" : variable;
  if (name.starts_with(':')) name.remove_prefix(1);
  if (name.empty()) return TimeZone();
  const bool is_path = name.front() == '/';
  if (is_path || is_database_name(name)) {
    const auto file =
        read_zone_file(is_path ? std::string(name) : std::string(kZoneInfo).append(name));
    if (file) {
      auto zone = parse_tzif(*file, variable == nullptr ? "Local" : std::string(name));
      if (zone.ok()) return zone;
    }
  }
  return TimeZone();
}

Result<TimeZone> TimeZone::parse_tzif(ByteView file, std::string name) {
  auto counts = read_header(file);
  if (!counts) return corrupt("no header");
  uint64_t time_size = 4;
  if (file[4] != '\0') {
    // From version 2 on the data come again with 64-bit times.
    time_size = 8;
    const uint64_t skipped = kHeaderBytes + counts->body_size(4);
    if (skipped > file.size()) return corrupt("file cut off");
    file.remove_prefix(skipped);
    counts = read_header(file);
    if (!counts) return corrupt("no second header");
  }
  if (kHeaderBytes + counts->body_size(time_size) > file.size()) return corrupt("file cut off");
  if (counts->types == 0) return corrupt("no types");
  const char* const times = file.data() + kHeaderBytes;
  const char* const type_indices = times + counts->times * time_size;
  const char* const types = type_indices + counts->times;
  const auto offset_of_type = [&](uint64_t type) {
    return static_cast<int32_t>(load_be32(types + type * 6));
  };
  for (uint64_t type = 0; type < counts->types; ++type) {
    if (!is_offset(offset_of_type(type))) return corrupt("offset too large");
  }

  TimeZone zone;
  zone.name_ = std::move(name);
  zone.first_offset_ = offset_of_type(0);
  int64_t last = std::numeric_limits<int64_t>::min();
  for (uint64_t i = 0; i < counts->times; ++i) {
    const int64_t at = time_size == 8 ? static_cast<int64_t>(load_be64(times + i * 8))
                                      : int64_t{static_cast<int32_t>(load_be32(times + i * 4))};
    const auto type = static_cast<uint8_t>(type_indices[i]);
    if (type >= counts->types) return corrupt("unknown type");
    if (i > 0 && at <= last) return corrupt("times do not rise");
    last = at;
    zone.transitions_.push_back({packed_seconds(civil_from_unix(at)), offset_of_type(type)});
  }
  ByteView footer = file.substr(kHeaderBytes + counts->body_size(time_size));
  if (time_size == 8 && footer.starts_with('\n')) {
    footer.remove_prefix(1);
    TRY(zone.unroll_rule(footer.substr(0, footer.find('\n'))));
  }
  return zone;
}

Result<void> TimeZone::unroll_rule(std::string_view footer) {
  if (footer.empty()) return {};
  const auto rule = parse_posix_zone(footer);
  if (!rule) return corrupt("malformed rule");
  if (!is_offset(rule->standard_offset) || (rule->daylight && !is_offset(rule->daylight->offset))) {
    return corrupt("offset too large");
  }
  const uint64_t last = transitions_.empty() ? 0 : transitions_.back().at;
  if (!rule->daylight) {
    // Without explicit times the rule holds always.
    if (transitions_.empty()) first_offset_ = rule->standard_offset;
    return {};
  }
  constexpr uint32_t kFirstYear = 1900;
  const uint32_t from = transitions_.empty() ? kFirstYear : unpack_time(last << 24).year;
  if (from > kFirstYear + kCycleYears) return corrupt("times too far in the future");
  const uint32_t last_year = from + kCycleYears + 1;
  unrolled_until_ = packed_seconds(
      {.year = last_year, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 59});
  for (uint32_t year = from; year <= last_year; ++year) {
    const auto at = [&](const PosixChange& change, int32_t offset_before) {
      return packed_seconds(civil_from_unix(change.local_seconds(year) - offset_before));
    };
    Transition start{at(rule->daylight->start, rule->standard_offset), rule->daylight->offset};
    Transition end{at(rule->daylight->end, rule->daylight->offset), rule->standard_offset};
    if (end.at < start.at) std::swap(start, end);
    for (const Transition& transition : {start, end}) {
      if (transition.at > last) transitions_.push_back(transition);
    }
  }
  return {};
}

int32_t TimeZone::offset_of(uint64_t at) const {
  if (at > unrolled_until_) [[unlikely]] {
    CivilTime t = unpack_time(at << 24);
    const uint32_t last_year = unpack_time(unrolled_until_ << 24).year;
    t.year -= (t.year - last_year + kCycleYears - 1) / kCycleYears * kCycleYears;
    at = packed_seconds(t);
  }
  const auto after = std::ranges::upper_bound(transitions_, at, {}, &Transition::at);
  return after == transitions_.begin() ? first_offset_ : std::prev(after)->offset;
}

int32_t TimeZone::offset_at(int64_t unix_seconds) const {
  return offset_of(packed_seconds(civil_from_unix(unix_seconds)));
}

namespace {

Error incorrect_time(const CivilTime& t) {
  return make_error(ErrorCode::kCorrupt, "Incorrect time value: '{{{} {} {} {} {} {} {}}}'", t.year,
                    t.month, t.day, t.hour, t.minute, t.second, t.micro);
}

}  // namespace

Result<uint64_t> TimeZone::to_local(uint64_t packed_utc) const {
  if (packed_utc == 0) return uint64_t{0};
  CivilTime t = unpack_time(packed_utc);
  if (!t.is_real()) return incorrect_time(t);
  const int32_t offset = transitions_.empty() ? first_offset_ : offset_of(packed_utc >> 24);
  if (offset == 0) return packed_utc;
  int32_t second = static_cast<int32_t>(t.hour * 3600 + t.minute * 60 + t.second) + offset;
  if (second < 0) {
    second += kSecondsPerDay;
    step_back(t);
  } else if (second >= kSecondsPerDay) {
    second -= kSecondsPerDay;
    step_forward(t);
  }
  const auto of_day = static_cast<uint32_t>(second);
  t.hour = of_day / 3600;
  t.minute = of_day / 60 % 60;
  t.second = of_day % 60;
  return pack_time(t);
}

Result<uint64_t> TimeZone::to_utc(uint64_t packed_local) const {
  if (packed_local == 0) return uint64_t{0};
  const CivilTime t = unpack_time(packed_local);
  if (!t.is_real()) return incorrect_time(t);
  const int64_t local = unix_from_civil(t);
  // Before and after any change of this day; the earlier instant has the larger offset.
  const int32_t before = offset_at(local - kSecondsPerDay);
  const int32_t after = offset_at(local + kSecondsPerDay);
  int64_t utc = local - before;
  if (offset_at(utc) != before && offset_at(local - after) == after) utc = local - after;
  CivilTime out = civil_from_unix(utc);
  out.micro = t.micro;
  return pack_time(out);
}

}  // namespace drainer::tidb
