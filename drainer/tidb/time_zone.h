#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/result.h"

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
  static Result<TimeZone> local();

  /// Seconds east of UTC at this instant.
  int32_t offset_at(int64_t unix_seconds) const;

  /// Packed UTC time (spec/row-codec.md 6.5) to packed local time; 0 stays 0. A packed value that
  /// is no real instant gives kCorrupt "Incorrect time value: …".
  Result<uint64_t> to_local(uint64_t packed_utc) const;

  const std::string& name() const { return name_; }

 private:
  struct Transition {
    int64_t at;
    int32_t offset;
  };

  std::string name_ = "UTC";
  int32_t first_offset_ = 0;
  std::vector<Transition> transitions_;
  std::string footer_;  ///< POSIX rule for instants after the last transition
};

}  // namespace drainer::tidb
