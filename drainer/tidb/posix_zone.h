#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace drainer::tidb {

// The TZ strings of POSIX with the extensions of RFC 8536 3.3.1, as they stand at the end of TZif
// files: "EST5EDT,M3.2.0,M11.1.0". Plain data and pure functions, any thread.

/// A day and second of the year when the offset changes.
struct PosixChange {
  enum class Day : uint8_t {
    kJulian,    ///< Jn: 1 to 365, February 29 is never counted
    kZeroBase,  ///< n: 0 to 365
    kMonth,     ///< Mm.w.d: d-th weekday of week w (5 is the last) of month m
  };
  Day kind = Day::kMonth;
  uint32_t day = 0;  ///< kMonth: 0 Sunday to 6
  uint32_t week = 0;
  uint32_t month = 0;
  int32_t second = 7200;  ///< local time of day, may be negative or beyond the day

  /// Seconds since 1970 at which the clock in front of the change shows the instant.
  int64_t local_seconds(uint32_t year) const;
};

struct PosixZone {
  int32_t standard_offset = 0;  ///< seconds east of UTC
  struct Daylight {
    int32_t offset = 0;
    PosixChange start;
    PosixChange end;
  };
  std::optional<Daylight> daylight;
};

/// Nothing if the text is no such rule. Daylight time without dates is none: TZif files name them.
std::optional<PosixZone> parse_posix_zone(std::string_view text);

}  // namespace drainer::tidb
