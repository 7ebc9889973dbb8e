#include "drainer/tidb/time_zone.h"

#include "drainer/tidb/posix_zone.h"
#include "drainer/tidb/time.h"
#include "tests/unit/tidb/table_builder.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <ctime>
#include <random>

using namespace drainer;
using namespace drainer::tidb;

namespace {

std::string to_local_text(const TimeZone& zone, std::string_view utc) {
  const auto packed = pack_time(parse_datetime(utc).value());
  const auto local = zone.to_local(packed);
  std::string text;
  append_datetime(text, unpack_time(local.value()), 0);
  return text;
}

int64_t unix_of(std::string_view utc) {
  const CivilTime t = parse_datetime(utc).value();
  return days_from_civil(t.year, t.month, t.day) * 86400 + t.hour * 3600 + t.minute * 60 + t.second;
}

TimeZone must_load(std::string_view name) {
  auto zone = TimeZone::load(name);
  REQUIRE(zone.ok());
  return *std::move(zone);
}

/// Sets TZ for a scope.
class ZoneVariable {
 public:
  explicit ZoneVariable(const char* value) {
    if (value == nullptr) {
      unsetenv("TZ");
    } else {
      setenv("TZ", value, 1);
    }
    tzset();
  }
  ~ZoneVariable() {
    unsetenv("TZ");
    tzset();
  }
};

Bytes be32(uint32_t value) {
  Bytes out;
  append_be32(out, value);
  return out;
}

/// A version 1 file: one type with `offset`, or two with one transition at `at`.
Bytes tzif_v1(int32_t first_offset, uint32_t at, int32_t second_offset) {
  return "TZif" + Bytes(16, '\0') + be32(0) + be32(0) + be32(0) + be32(1) + be32(2) + be32(4) +
         be32(at) + '\1' + be32(static_cast<uint32_t>(first_offset)) + Bytes(2, '\0') +
         be32(static_cast<uint32_t>(second_offset)) + Bytes(2, '\0') + Bytes("LMT\0", 4);
}

Bytes tzif_v2(const Bytes& footer) {
  const Bytes header =
      Bytes("TZif2") + Bytes(15, '\0') + be32(0) + be32(0) + be32(0) + be32(0) + be32(1) + be32(4);
  const Bytes body = be32(0) + Bytes(2, '\0') + Bytes("UTC\0", 4);
  return header + body + header + body + "\n" + footer + "\n";
}

}  // namespace

TEST_CASE("time zone: fixed offsets and their limits") {
  CHECK(must_load("+08:00").offset_at(0) == 8 * 3600);
  CHECK(must_load("+8:00").offset_at(0) == 8 * 3600);
  CHECK(must_load("-12:59").offset_at(0) == -(12 * 3600 + 59 * 60));
  CHECK(must_load("+14:00").offset_at(0) == 14 * 3600);
  CHECK(must_load("+05:30:15").offset_at(0) == 5 * 3600 + 30 * 60 + 15);
  CHECK(must_load("").offset_at(0) == 0);
  CHECK(must_load("UTC").offset_at(0) == 0);
  CHECK(must_load("+08:00").name() == "+08:00");
  for (const std::string_view name : {"+14:01",
                                      "-13:00",
                                      "+14:00:01",
                                      "+08",
                                      "+0800",
                                      "+8",
                                      "+08:60",
                                      "+08:0",
                                      "+08:00:",
                                      "+08:00:0",
                                      "+08:00x",
                                      "+:00",
                                      "+",
                                      "-",
                                      "08:00",
                                      "+123:00",
                                      "Mars/Olympus",
                                      "../etc/passwd",
                                      "/etc/localtime",
                                      "zone.tab",
                                      "America",
                                      "asia/shanghai"}) {
    INFO(name);
    const auto zone = TimeZone::load(name);
    REQUIRE_FALSE(zone.ok());
    CHECK(zone.error().code() == ErrorCode::kInvalid);
    CHECK(zone.error().text() == "invalid timezone " + std::string(name));
  }
}

TEST_CASE("time zone: the zones of no fixed meaning are refused") {
  for (const std::string_view name : {"SYSTEM", "Local"}) {
    const auto zone = TimeZone::load(name);
    REQUIRE_FALSE(zone.ok());
    CHECK(zone.error().text() == "'SYSTEM' or 'Local' time_zone is not supported");
  }
}

TEST_CASE("time zone: New York, past and future") {
  const TimeZone zone = must_load("America/New_York");
  CHECK(to_local_text(zone, "2021-03-14 06:59:59") == "2021-03-14 01:59:59");
  CHECK(to_local_text(zone, "2021-03-14 07:00:00") == "2021-03-14 03:00:00");
  CHECK(to_local_text(zone, "2021-11-07 05:30:00") == "2021-11-07 01:30:00");
  CHECK(to_local_text(zone, "2021-11-07 06:30:00") == "2021-11-07 01:30:00");
  CHECK(to_local_text(zone, "1975-02-23 06:59:59") == "1975-02-23 01:59:59");
  CHECK(to_local_text(zone, "1975-02-23 07:00:00") == "1975-02-23 03:00:00");
  // By the rule at the file's end; beyond 400 years by the calendar's cycle.
  CHECK(to_local_text(zone, "2100-03-14 06:59:59") == "2100-03-14 01:59:59");
  CHECK(to_local_text(zone, "2100-03-14 07:00:00") == "2100-03-14 03:00:00");
  CHECK(to_local_text(zone, "2100-11-07 05:59:59") == "2100-11-07 01:59:59");
  CHECK(to_local_text(zone, "2100-11-07 06:00:00") == "2100-11-07 01:00:00");
  CHECK(to_local_text(zone, "9999-07-01 00:00:00") == "9999-06-30 20:00:00");
  CHECK(to_local_text(zone, "9999-12-31 23:59:59") == "9999-12-31 18:59:59");
}

TEST_CASE("time zone: conversion crosses days, months and years") {
  const TimeZone east = must_load("+08:00");
  CHECK(to_local_text(east, "2023-12-31 16:00:00") == "2024-01-01 00:00:00");
  CHECK(to_local_text(east, "2024-02-28 20:00:00") == "2024-02-29 04:00:00");
  CHECK(to_local_text(east, "2023-02-28 20:00:00") == "2023-03-01 04:00:00");
  const TimeZone west = must_load("-12:59");
  CHECK(to_local_text(west, "2024-01-01 00:00:00") == "2023-12-31 11:01:00");
  CHECK(to_local_text(west, "2024-03-01 12:58:59") == "2024-02-29 23:59:59");
}

TEST_CASE("time zone: microseconds stay, zero stays zero") {
  const TimeZone zone = must_load("Asia/Shanghai");
  CHECK(zone.to_local(0).value() == 0);
  const CivilTime utc{.year = 2011,
                      .month = 11,
                      .day = 10,
                      .hour = 11,
                      .minute = 11,
                      .second = 11,
                      .micro = 999999};
  CHECK(pack_time(utc) == 1840446893366133311);
  const CivilTime local = unpack_time(zone.to_local(pack_time(utc)).value());
  CHECK(local.hour == 19);
  CHECK(local.micro == 999999);
}

TEST_CASE("time zone: what is no instant is an incorrect time value") {
  const TimeZone zone = must_load("+08:00");
  const auto text_of = [&](const CivilTime& t) {
    const auto local = zone.to_local(pack_time(t));
    return local.ok() ? "ok" : local.error().text();
  };
  CHECK(text_of({.year = 2000, .month = 0, .day = 1}) ==
        "Incorrect time value: '{2000 0 1 0 0 0 0}'");
  CHECK(
      text_of(
          {.year = 2021, .month = 2, .day = 30, .hour = 1, .minute = 2, .second = 3, .micro = 4}) ==
      "Incorrect time value: '{2021 2 30 1 2 3 4}'");
  CHECK(zone.to_utc(pack_time({.year = 2021, .month = 2, .day = 30})).error().text() ==
        "Incorrect time value: '{2021 2 30 0 0 0 0}'");
  CHECK(text_of({.year = 2021, .month = 2, .day = 29}) != "ok");
  CHECK(text_of({.year = 2020, .month = 2, .day = 29}) == "ok");
  CHECK(text_of({.year = 2020, .month = 2, .day = 0}) != "ok");
  CHECK(text_of({.year = 2020, .month = 2, .day = 1, .hour = 24}) != "ok");
  CHECK(text_of({.year = 2020, .month = 2, .day = 1, .minute = 60}) != "ok");
  CHECK(text_of({.year = 2020, .month = 2, .day = 1, .second = 60}) != "ok");
  CHECK(text_of({.year = 2020, .month = 2, .day = 1, .micro = 1'000'000}) != "ok");
}

TEST_CASE("time zone: agrees with the C library all over the world and all over time") {
  std::mt19937_64 random(11);
  for (const char* name :
       {"America/New_York", "Asia/Shanghai", "Europe/Dublin", "Europe/London",
        "Australia/Lord_Howe", "America/Nuuk", "Africa/Casablanca", "Pacific/Apia", "Asia/Tehran",
        "Asia/Gaza", "America/Santiago", "Antarctica/Troll", "Asia/Kathmandu", "Etc/GMT-14",
        "Pacific/Chatham", "EST5EDT"}) {
    INFO(name);
    const TimeZone zone = must_load(name);
    const ZoneVariable variable(name);
    for (int i = 0; i < 2000; ++i) {
      // The years 1940 to 2480.
      const auto unix_seconds = static_cast<int64_t>(random() % 17'000'000'000) - 946'771'200;
      const time_t instant = unix_seconds;
      tm local{};
      REQUIRE(localtime_r(&instant, &local) != nullptr);
      INFO(unix_seconds);
      CHECK(zone.offset_at(unix_seconds) == local.tm_gmtoff);
      const auto packed = zone.to_local(pack_time(civil_from_unix(unix_seconds)));
      REQUIRE(packed.ok());
      const CivilTime t = unpack_time(*packed);
      CHECK(t.year == static_cast<uint32_t>(local.tm_year + 1900));
      CHECK(t.month == static_cast<uint32_t>(local.tm_mon + 1));
      CHECK(t.day == static_cast<uint32_t>(local.tm_mday));
      CHECK(t.hour == static_cast<uint32_t>(local.tm_hour));
      CHECK(t.minute == static_cast<uint32_t>(local.tm_min));
      CHECK(t.second == static_cast<uint32_t>(local.tm_sec));
    }
  }
}

TEST_CASE("time zone: the process's zone is TZ's") {
  const auto offset_with = [](const char* value) {
    const ZoneVariable variable(value);
    const auto zone = TimeZone::local();
    REQUIRE(zone.ok());
    return zone->offset_at(unix_of("2021-07-01 00:00:00"));
  };
  CHECK(offset_with("Asia/Shanghai") == 8 * 3600);
  CHECK(offset_with(":Asia/Tokyo") == 9 * 3600);
  CHECK(offset_with("/usr/share/zoneinfo/America/New_York") == -4 * 3600);
  CHECK(offset_with("") == 0);
  CHECK(offset_with("No/Where") == 0);
  const ZoneVariable variable(nullptr);
  CHECK(TimeZone::local().ok());
}

TEST_CASE("time zone: files of version 1") {
  const auto zone = TimeZone::parse_tzif(tzif_v1(600, 1'000'000'000, -7200), "old");
  REQUIRE(zone.ok());
  CHECK(zone->offset_at(999'999'999) == 600);
  CHECK(zone->offset_at(1'000'000'000) == -7200);
  CHECK(zone->offset_at(4'000'000'000) == -7200);
}

TEST_CASE("time zone: a rule without explicit times holds always") {
  const auto fixed = TimeZone::parse_tzif(tzif_v2("<-03>3"), "fixed");
  REQUIRE(fixed.ok());
  CHECK(fixed->offset_at(0) == -3 * 3600);
  const auto changing = TimeZone::parse_tzif(tzif_v2("EST5EDT,M3.2.0,M11.1.0"), "changing");
  REQUIRE(changing.ok());
  CHECK(changing->offset_at(unix_of("1975-07-01 00:00:00")) == -4 * 3600);
  CHECK(changing->offset_at(unix_of("2975-01-01 00:00:00")) == -5 * 3600);
}

TEST_CASE("time zone: damaged files are refused") {
  const Bytes good = tzif_v1(600, 1'000'000'000, -7200);
  for_each_prefix(good,
                  [](ByteView prefix) { CHECK_FALSE(TimeZone::parse_tzif(prefix, "cut").ok()); });
  for (const auto& [footer, is_good] :
       {std::pair{"<-03>3", true}, std::pair{"", true}, std::pair{"EST5EDT", false},
        std::pair{"E5", false}, std::pair{"EST", false},
        std::pair{"EST5EDT,M13.1.0,M11.1.0", false}, std::pair{"EST5EDT,M3.6.0,M11.1.0", false},
        std::pair{"EST5EDT,M3.2.7,M11.1.0", false}, std::pair{"EST5EDT,J0,J365", false},
        std::pair{"EST5EDT,J60/2,366", false}, std::pair{"EST5EDT,J60/168,365", false},
        std::pair{"EST5EDT4,J60/-167:59:59,365/167", true}, std::pair{"EST5EDT,J60,365x", false},
        std::pair{"<EST5", false}, std::pair{"EST24", false}, std::pair{"EST23:59:59", true},
        std::pair{"EST5EDT-24,J60,365", false}}) {
    INFO(footer);
    CHECK(TimeZone::parse_tzif(tzif_v2(footer), "footer").ok() == is_good);
  }
  Bytes bad_type = good;
  bad_type[48] = 7;
  CHECK_FALSE(TimeZone::parse_tzif(bad_type, "bad type").ok());
  CHECK_FALSE(TimeZone::parse_tzif(tzif_v1(90000, 5, 0), "bad offset").ok());
  CHECK_FALSE(TimeZone::parse_tzif("TZif" + Bytes(40, '\xff'), "huge counts").ok());
}

TEST_CASE("time: days and civil dates go there and back") {
  for (int64_t day = -719'528; day < 5'264'000; day += 17) {
    const CivilTime t = civil_from_unix(day * 86400 + 86399);
    CHECK(days_from_civil(t.year, t.month, t.day) == day);
    CHECK(t.is_real());
    CHECK(t.hour == 23);
  }
  CHECK(civil_from_unix(std::numeric_limits<int64_t>::min()).year == 0);
  CHECK(civil_from_unix(std::numeric_limits<int64_t>::max()).year == 16383);
}

TEST_CASE("time: every day form of a POSIX rule") {
  const auto rule = parse_posix_zone("AAA-1BBB,J60/0,59/0");
  REQUIRE(rule.has_value());
  REQUIRE(rule->daylight.has_value());
  CHECK(rule->standard_offset == 3600);
  CHECK(rule->daylight->offset == 7200);
  // J60 is always the first of March; day 59 counted from 0 is February 29 in leap years.
  CHECK(rule->daylight->start.local_seconds(2023) == unix_of("2023-03-01 00:00:00"));
  CHECK(rule->daylight->start.local_seconds(2024) == unix_of("2024-03-01 00:00:00"));
  CHECK(rule->daylight->end.local_seconds(2023) == unix_of("2023-03-01 00:00:00"));
  CHECK(rule->daylight->end.local_seconds(2024) == unix_of("2024-02-29 00:00:00"));
}
