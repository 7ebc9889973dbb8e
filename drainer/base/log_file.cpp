#include "drainer/base/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <optional>
#include <vector>

#include "drainer/base/files.h"

namespace drainer {

namespace {

namespace fs = std::filesystem;
using std::chrono::system_clock;

constexpr mode_t kNewFileMode = 0600;
constexpr size_t kStampSize = std::string_view("2026-11-21T14-35-25.000").size();

std::string stamp_of(system_clock::time_point time) {
  const std::time_t seconds = system_clock::to_time_t(time);
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:04}-{:02}-{:02}T{:02}-{:02}-{:02}.{:03}", local.tm_year + 1900,
                     local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
                     millis);
}

// "dir/drainer.log" to "dir/drainer" and ".log".
std::pair<std::string, std::string> split_extension(const std::string& path) {
  const std::string extension = fs::path(path).extension().string();
  return {path.substr(0, path.size() - extension.size()), extension};
}

// A name for an older part that nothing has yet: a rename would replace it.
std::string free_backup_name(const std::string& path) {
  const auto [stem, extension] = split_extension(path);
  for (system_clock::time_point time = system_clock::now();; time += std::chrono::milliseconds(1)) {
    std::string name = fmt::format("{}-{}{}", stem, stamp_of(time), extension);
    if (::access(name.c_str(), F_OK) != 0) return name;
  }
}

// When a file of the log's directory was set aside; nothing for other files.
std::optional<system_clock::time_point> set_aside_at(const std::string& name,
                                                     const std::string& prefix,
                                                     const std::string& extension) {
  if (name.size() != prefix.size() + kStampSize + extension.size() || !name.starts_with(prefix) ||
      !name.ends_with(extension)) {
    return std::nullopt;
  }
  const std::string stamp = name.substr(prefix.size(), kStampSize);
  std::tm local{};
  local.tm_isdst = -1;
  const char* end = ::strptime(stamp.c_str(), "%Y-%m-%dT%H-%M-%S", &local);
  if (end == nullptr || *end != '.') return std::nullopt;
  return system_clock::from_time_t(std::mktime(&local));
}

}  // namespace

Result<std::unique_ptr<LogFile>> LogFile::open(Options options) {
  if (fs::is_directory(options.path)) {
    return make_error(ErrorCode::kInvalid, "can't use directory as log file name");
  }
  std::unique_ptr<LogFile> file(new LogFile(std::move(options)));  // NOLINT: private constructor
  TRY(file->reopen());
  file->remove_old_files();
  return file;
}

Result<void> LogFile::reopen() {
  MutexLock lock(mutex_);
  return open_file(kNewFileMode);
}

Result<void> LogFile::open_file(uint32_t mode) {
  const std::string directory = fs::path(options_.path).parent_path().string();
  std::error_code made;
  if (!directory.empty()) fs::create_directories(directory, made);
  if (made) {
    return make_error(ErrorCode::kInvalid, "can't make directories for new logfile: {}: {}",
                      directory, made.message());
  }
  FileDescriptor fd(::open(options_.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, mode));
  if (!fd) return file_error("open log file", options_.path);
  struct stat status {};
  if (::fstat(fd.get(), &status) == 0) size_bytes_ = static_cast<uint64_t>(status.st_size);
  if (!fd_) {
    fd_ = std::move(fd);
  } else if (::dup3(fd.get(), fd_.get(), O_CLOEXEC) < 0) {
    return file_error("open log file", options_.path);
  }
  return {};
}

bool LogFile::write(std::string_view line) {
  MutexLock lock(mutex_);
  // A line that no file can hold goes into one of its own.
  const bool is_full = size_bytes_ > 0 && size_bytes_ + line.size() > options_.bytes_max;
  // If there is no place for another file the lines still go into this one.
  if (is_full && rotate().ok()) remove_old_files();
  const uint64_t begin = size_bytes_;
  while (!line.empty()) {
    const ssize_t written = ::write(fd_.get(), line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      take_back(begin);
      return false;
    }
    size_bytes_ += static_cast<uint64_t>(written);
    line.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

void LogFile::write_last(std::string_view line) {
  (void)write_all(fd_.get(), line);
}

// Half a line would spoil the next one; what others have appended stays.
void LogFile::take_back(uint64_t size_bytes) {
  const int cause = errno;
  struct stat status {};
  const bool is_ours_alone =
      ::fstat(fd_.get(), &status) == 0 && static_cast<uint64_t>(status.st_size) == size_bytes_;
  if (is_ours_alone && size_bytes_ > size_bytes &&
      ::ftruncate(fd_.get(), static_cast<off_t>(size_bytes)) == 0) {
    size_bytes_ = size_bytes;
  }
  errno = cause;
}

Result<void> LogFile::rotate() {
  struct stat status {};
  const mode_t mode = ::fstat(fd_.get(), &status) == 0 ? status.st_mode & 0777 : kNewFileMode;
  // Where somebody has moved or removed it already, a new one begins all the same.
  if (::rename(options_.path.c_str(), free_backup_name(options_.path).c_str()) != 0 &&
      errno != ENOENT) {
    return file_error("rename log file", options_.path);
  }
  return open_file(mode);
}

void LogFile::remove_old_files() const {
  if (options_.days_max == 0 && options_.backups_max == 0) return;
  const auto [stem, extension] = split_extension(options_.path);
  const fs::path directory = fs::path(options_.path).parent_path();
  const std::string prefix = fs::path(stem).filename().string() + "-";
  std::vector<std::pair<system_clock::time_point, fs::path>> backups;
  std::error_code failed;
  fs::directory_iterator entry(directory.empty() ? fs::path(".") : directory, failed);
  for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
    if (const auto time = set_aside_at(entry->path().filename().string(), prefix, extension)) {
      backups.emplace_back(*time, entry->path());
    }
  }
  // The newest first; of those of one second the name decides.
  std::ranges::sort(backups, std::greater());
  const auto oldest = system_clock::now() - std::chrono::hours(24) * options_.days_max;
  for (size_t i = 0; i < backups.size(); ++i) {
    const bool too_many =
        options_.backups_max > 0 && i >= static_cast<size_t>(options_.backups_max);
    const bool too_old = options_.days_max > 0 && backups[i].first < oldest;
    if (too_many || too_old) fs::remove(backups[i].second, failed);
  }
}

}  // namespace drainer
