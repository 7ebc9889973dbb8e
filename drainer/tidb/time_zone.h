#pragma once

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drainer::tidb {

/// A fixed offset or a zone of the tz database; converts packed UTC times to local ones.
///
/// Immutable after load; any thread.
class TimeZone {
 public:
  TimeZone() = default;  ///< UTC

  /// "+08:00", "-12:59" … "+14:00", or a name of the tz database read from /usr/share/zoneinfo
  /// (spec/mysql-sink.md 1.5). "SYSTEM" and "Local" are refused; names that climb out are too.
  static Result<TimeZone> load(std::string_view name);
  /// The zone of this process: $TZ, else /etc/localtime.
  /// KEEP: as in Go, UTC if that cannot be read.
  static Result<TimeZone> local();
  /// The content of a TZif file (RFC 8536), versions 1 to 4. kCorrupt if it is none.
  static Result<TimeZone> parse_tzif(ByteView file, std::string name);

  /// Seconds east of UTC at this instant.
  int32_t offset_at(int64_t unix_seconds) const;

  /// Packed UTC time (spec/row-codec.md 6.5) to packed local time; 0 stays 0. A packed value that
  /// is no real instant gives kCorrupt "Incorrect time value: …".
  Result<uint64_t> to_local(uint64_t packed_utc) const;

  /// The reverse, for texts that do not tell their offset. Of an hour that comes twice, when clocks
  /// are put back, the first is meant; one that is left out counts from the offset before.
  Result<uint64_t> to_utc(uint64_t packed_local) const;

  const std::string& name() const { return name_; }

 private:
  /// Offsets are looked up by packed UTC time without the microseconds, so that conversion needs no
  /// count of days. A rule for the future is unrolled to the 400 years after which the calendar,
  /// weekdays included, repeats.
  struct Transition {
    uint64_t at;  ///< packed UTC time >> 24
    int32_t offset;
  };

  int32_t offset_of(uint64_t at) const;
  /// Appends the changes that the POSIX rule at a TZif file's end brings.
  Result<void> unroll_rule(std::string_view footer);

  std::string name_ = "UTC";
  int32_t first_offset_ = 0;
  std::vector<Transition> transitions_;
  /// End of the last unrolled year; later years look up one of the 400 before it.
  uint64_t unrolled_until_ = ~uint64_t{0};
};

}  // namespace drainer::tidb
