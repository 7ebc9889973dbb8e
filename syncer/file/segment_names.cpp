#include "syncer/file/segment_names.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <limits>

#include "drainer/base/files.h"
#include "drainer/base/log.h"

namespace drainer::file {

namespace {

constexpr std::string_view kPrefix = "binlog-";
constexpr size_t kIndexDigits = 16;

}  // namespace

std::string segment_name(uint64_t index, int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  char time[16];
  std::strftime(time, sizeof time, "%Y%m%d%H%M%S", &local);
  return fmt::format("{}{:016}-{}", kPrefix, index, time);
}

std::optional<uint64_t> parse_segment_index(std::string_view name) {
  if (!name.starts_with(kPrefix) || name.ends_with("checkpoint") || name.ends_with(".lock")) {
    return std::nullopt;
  }
  const auto dashes = std::count(name.begin(), name.end(), '-');
  if (dashes < 1 || dashes > 3) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  const std::string_view digits = name.substr(0, std::min(name.find('-'), kIndexDigits));
  uint64_t index = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (parsed.ec != std::errc() || parsed.ptr == digits.data()) return std::nullopt;
  return index;
}

Result<std::vector<Segment>> list_segments(const std::string& directory) {
  std::vector<Segment> out;
  std::error_code failure;
  for (std::filesystem::directory_iterator entry(directory, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    std::string name = entry->path().filename().string();
    if (const std::optional<uint64_t> index = parse_segment_index(name)) {
      out.push_back({*index, std::move(name)});
    }
  }
  if (failure) {
    return make_error(ErrorCode::kUnavailable, "list {}: {}", directory, failure.message());
  }
  std::sort(out.begin(), out.end(),
            [](const Segment& a, const Segment& b) { return a.name < b.name; });
  for (size_t i = 1; i < out.size(); ++i) {
    // KEEP: not checked behind index 0.
    if (out[i - 1].index == 0 || out[i].index == out[i - 1].index + 1) continue;
    return make_error(ErrorCode::kCorrupt, "binlogger: content is corruption")
        .because("{}: {} is followed by {}", directory, out[i - 1].name, out[i].name);
  }
  return out;
}

namespace {

// What cannot be removed stays, with a log line; `names` are those wanted gone.
void remove_segments(const std::string& directory, const std::vector<std::string>& names) {
  bool removed = false;
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    std::error_code failure;
    std::filesystem::remove(path, failure);
    if (failure) {
      log_error("remove old binlog file err", {{"file", path}, {"error", failure.message()}});
      continue;
    }
    log_info("GC binlog file", {{"file name", path}});
    removed = true;
  }
  if (!removed) return;
  if (Result<void> synced = sync_directory(directory); !synced.ok()) {
    log_warn("removed binlog files may come back after a power failure",
             {{"error", synced.error()}});
  }
}

}  // namespace

void remove_segments_before(const std::string& directory, uint64_t index) {
  const Result<std::vector<Segment>> segments = list_segments(directory);
  if (!segments.ok()) {
    log_error("read binlog files failed", {{"error", segments.error()}});
    return;
  }
  std::vector<std::string> names;
  for (const Segment& segment : *segments) {
    if (segment.index < index) names.push_back(segment.name);
  }
  remove_segments(directory, names);
}

void remove_old_segments(const std::string& directory, int64_t days, int64_t now_unix_ms) {
  const Result<std::vector<Segment>> segments = list_segments(directory);
  if (!segments.ok()) {
    log_error("read binlog files failed", {{"error", segments.error()}});
    return;
  }
  constexpr int64_t kDayMs = std::chrono::milliseconds(std::chrono::days(1)).count();
  constexpr int64_t kForEver = std::numeric_limits<int64_t>::max();
  const int64_t age_ms = days > kForEver / kDayMs ? kForEver : days * kDayMs;
  std::vector<std::string> names;
  for (size_t i = 0; i + 1 < segments->size(); ++i) {
    const std::string& name = (*segments)[i].name;
    struct stat status {};
    if (::stat((directory + "/" + name).c_str(), &status) != 0) break;
    const int64_t written_ms =
        int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000;
    // Times need not rise with the numbers, and a hole would be refused by the next start.
    if (now_unix_ms - written_ms <= age_ms) break;
    names.push_back(name);
  }
  remove_segments(directory, names);
}

}  // namespace drainer::file
