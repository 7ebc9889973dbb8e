#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/result.h"

/// Values as Go's standard library reads and prints them, so that files, flags and messages of the
/// original keep their meaning. Pure functions; error texts are Go's.
namespace drainer::conf {

/// strconv.Quote: for `%q`. Bytes that are no UTF-8 come as \xNN.
std::string go_quote(std::string_view text);

/// strings.Split: an empty text has one part, which is empty.
std::vector<std::string> split(std::string_view text, char separator);

/// strconv.ParseInt(text, 0, 64): 0x, 0o, 0b, leading 0 and '_' are understood. Errors:
/// "parse error", "value out of range".
Result<int64_t> parse_go_integer(std::string_view text);

/// strconv.ParseBool: 1 0 t f T F true false TRUE FALSE True False. Error: "parse error".
Result<bool> parse_go_boolean(std::string_view text);

/// time.ParseDuration: "1m30s", "1.5h", "-300ms"; errors as "time: unknown unit …".
Result<std::chrono::nanoseconds> parse_go_duration(std::string_view text);

/// The original's own kind of duration: KEEP: digits alone count days. Errors likewise.
Result<std::chrono::nanoseconds> parse_day_duration(std::string_view text);

/// time.Duration's String(): "1m0s", "1.5s", "0s".
std::string format_go_duration(std::chrono::nanoseconds duration);

/// The system's text for an errno as Go prints it: "no such file or directory".
std::string system_error_text(int error_number);

}  // namespace drainer::conf
