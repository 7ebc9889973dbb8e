#pragma once

#include <concepts>
#include <initializer_list>
#include <source_location>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "drainer/base/result.h"

namespace drainer {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError, kFatal };

/// One `[key=value]` of a log line.
struct LogField {
  template <class T>
  LogField(std::string_view k, const T& v) : key(k), value(fmt::format("{}", v)) {}
  LogField(std::string_view k, const Error& error) : key(k), value(error.to_string()) {}

  std::string_view key;
  std::string value;
};

using LogFields = std::initializer_list<LogField>;

/// Where lines go and which. Empty `file` is standard output.
struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  std::string file;
};

/// Sets up the log of the process (spec/drainer-process.md 8). Before the first call: stdout, info.
Result<void> open_log(const LogOptions& options);

/// "debug", "INFO", "" …; the levels of the Go program (8.2).
Result<LogLevel> parse_log_level(std::string_view text);

bool log_enabled(LogLevel level);

/// Writes one line, `[time] [LEVEL] [file:line] [message] [key=value]…`; any thread.
void log_line(LogLevel level, std::string_view message, LogFields fields,
              const std::source_location& where);

/// The line that log_line() writes, without its time block and the line's end.
std::string format_log_line(LogLevel level, std::string_view message, LogFields fields,
                            std::string_view file, uint32_t line);

inline void log_debug(std::string_view message, LogFields fields = {},
                      const std::source_location& where = std::source_location::current()) {
  if (log_enabled(LogLevel::kDebug)) log_line(LogLevel::kDebug, message, fields, where);
}
inline void log_info(std::string_view message, LogFields fields = {},
                     const std::source_location& where = std::source_location::current()) {
  log_line(LogLevel::kInfo, message, fields, where);
}
inline void log_warn(std::string_view message, LogFields fields = {},
                     const std::source_location& where = std::source_location::current()) {
  log_line(LogLevel::kWarn, message, fields, where);
}
inline void log_error(std::string_view message, LogFields fields = {},
                      const std::source_location& where = std::source_location::current()) {
  log_line(LogLevel::kError, message, fields, where);
}
/// Level FATAL only names the severity: the caller still ends the program in an orderly way.
inline void log_fatal(std::string_view message, LogFields fields = {},
                      const std::source_location& where = std::source_location::current()) {
  log_line(LogLevel::kFatal, message, fields, where);
}

}  // namespace drainer
