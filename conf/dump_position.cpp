#include "conf/dump_position.h"

#include <optional>
#include <vector>

#include "conf/toml_file.h"
#include "drainer/base/parse_number.h"

namespace drainer::conf {

namespace {

constexpr std::string_view kMasterStatus = "SHOW MASTER STATUS:";
constexpr std::string_view kTidbLog = "tidb-binlog";
constexpr std::string_view kBackupTs = "[BackupTS=";
constexpr std::string_view kBlanks = " \t\r";

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    line = line.substr(0, line.find_last_not_of(kBlanks) + 1);
    lines.push_back(line);
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::optional<CommitTs> parse_ts(std::string_view digits) {
  const auto value = parse_whole<int64_t>(digits);
  if (!value || *value <= 0) return std::nullopt;
  return CommitTs(*value);
}

// What follows `name` on the lines of a section, which an empty line ends.
std::string_view field_of_section(std::span<const std::string_view> section,
                                  std::string_view name) {
  for (const std::string_view line : section) {
    if (line.empty()) break;
    if (!line.starts_with(name)) continue;
    const std::string_view value = line.substr(name.size());
    return value.substr(std::min(value.find_first_not_of(kBlanks), value.size()));
  }
  return {};
}

Result<CommitTs> position_of_dumpling(std::span<const std::string_view> section) {
  const std::string_view log = field_of_section(section, "Log:");
  const std::string_view position = field_of_section(section, "Pos:");
  if (log != kTidbLog) {
    return make_error(ErrorCode::kInvalid,
                      "the dump is not one of TiDB: `Log: {}` below `{}`, expected `Log: {}`", log,
                      kMasterStatus, kTidbLog);
  }
  if (const auto ts = parse_ts(position)) return *ts;
  return make_error(ErrorCode::kInvalid, "`Pos: {}` below `{}` is no commit ts", position,
                    kMasterStatus);
}

// Nothing when `lines` are no log of BR.
Result<std::optional<CommitTs>> position_of_br(std::span<const std::string_view> lines) {
  std::optional<CommitTs> found;
  bool has_failed = false;
  for (const std::string_view line : lines) {
    const size_t at = line.find(kBackupTs);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = line.substr(at + kBackupTs.size());
    const auto ts = parse_ts(rest.substr(0, rest.find(']')));
    const bool is_success = line.find("success summary") != std::string_view::npos;
    has_failed |= !is_success;
    if (!ts || !is_success) continue;
    if (found && *found != *ts) {
      return make_error(ErrorCode::kInvalid, "BR's log tells of several backups: {} and {}", *found,
                        *ts);
    }
    found = ts;
  }
  if (!found && has_failed) {
    return make_error(ErrorCode::kInvalid, "BR's log tells of no backup that succeeded");
  }
  return found;
}

}  // namespace

Result<CommitTs> parse_dump_position(std::string_view text) {
  const std::vector<std::string_view> lines = split_lines(text);
  for (size_t i = 0; i < lines.size(); ++i) {
    // Not the section that says "/* AFTER CONNECTION POOL ESTABLISHED */": a later moment.
    if (lines[i] == kMasterStatus) return position_of_dumpling(std::span(lines).subspan(i + 1));
  }
  ASSIGN_OR_RETURN(const std::optional<CommitTs> of_br, position_of_br(lines));
  if (of_br) return *of_br;
  if (!lines.empty()) {
    if (const auto ts = parse_ts(lines.back())) return *ts;
  }
  return make_error(ErrorCode::kInvalid,
                    "no commit ts found: expected Dumpling's `metadata` (`{}` … `Pos: <ts>`), a "
                    "log of BR (`{}<ts>]`) or the number that `br validate decode "
                    "--field=end-version` prints",
                    kMasterStatus, kBackupTs);
}

Result<CommitTs> read_dump_position(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_file(path));
  auto position = parse_dump_position(text);
  if (!position.ok()) return std::move(position).error().because("{}", path);
  return position;
}

}  // namespace drainer::conf
