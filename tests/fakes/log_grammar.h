#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drainer::fakes {

/// A line of the log in its parts. Plain data.
struct LogLine {
  std::string level;
  std::string caller;
  std::string message;
  std::vector<std::pair<std::string, std::string>> fields;

  /// The value of a field; empty if there is none.
  std::string field(std::string_view key) const;
};

/// Reads one line, without its end, by the grammar of zap's text format
/// (spec/drainer-process.md 8.1); nothing when it does not follow it:
///
///   line    = time " " level " " caller [" " message] *(" " field)
///   time    = "[" date " " clock " " zone "]"
///   message = "[" text "]"
///   field   = "[" text "=" [text] "]"
///   text    = *(bare | "\ufffd") | '"' *(char | escape) '"'      quoted if and only if it must be
std::optional<LogLine> parse_log_line(std::string_view line);

/// All lines of a log; those that do not follow the grammar come into `strange`.
std::vector<LogLine> parse_log(std::string_view log, std::vector<std::string>& strange);

}  // namespace drainer::fakes
