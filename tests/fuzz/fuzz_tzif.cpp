// Time zone files, POSIX rules and zone names of any bytes: load or error, and then every instant
// has a local time.

#include "drainer/base/check.h"
#include "drainer/tidb/posix_zone.h"
#include "drainer/tidb/time.h"
#include "drainer/tidb/time_zone.h"

#include <cstdint>

using namespace drainer;
using namespace drainer::tidb;

namespace {

void use(const TimeZone& zone) {
  for (const int64_t unix_seconds :
       {INT64_MIN, int64_t{-62'167'219'200}, int64_t{-1}, int64_t{0}, int64_t{1'000'000'000},
        int64_t{4'102'444'800}, int64_t{253'402'300'799}, INT64_MAX}) {
    const auto offset = zone.offset_at(unix_seconds);
    CHECK(offset > -86400 && offset < 86400, "offset {}", offset);
    const CivilTime utc = civil_from_unix(unix_seconds);
    const auto local = zone.to_local(pack_time(utc));
    CHECK(local.ok() && unpack_time(*local).is_real(), "no local time");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(reinterpret_cast<const char*>(data), size);
  const auto zone = TimeZone::parse_tzif(bytes, "fuzz");
  if (zone.ok()) use(*zone);
  if (const auto rule = parse_posix_zone(bytes); rule && rule->daylight) {
    for (const uint32_t year : {0u, 1970u, 2024u, 9999u}) {
      rule->daylight->start.local_seconds(year);
      rule->daylight->end.local_seconds(year);
    }
  }
  if (const auto named = TimeZone::load(bytes); named.ok()) use(*named);
  return 0;
}
