#include "syncer/checkpoint/file_checkpoint.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

namespace drainer {
namespace {

Error io_error(std::string_view what, const std::string& path) {
  const int number = errno;
  return Error(ErrorCode::kInvalid, fmt::format("{} {}: {}", what, path, strerror(number)), number);
}

Result<std::string> read_whole(int fd, const std::string& path) {
  std::string content;
  char buffer[4096];
  while (true) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0) return io_error("read", path);
    if (got == 0) return content;
    content.append(buffer, static_cast<size_t>(got));
  }
}

/// Writes, syncs and closes `fd`.
Result<void> write_whole(int fd, const std::string& path, std::string_view content) {
  Result<void> result;
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      result = io_error("write", path);
      break;
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  if (result.ok() && (::fchmod(fd, 0644) != 0 || ::fsync(fd) != 0)) result = io_error("sync", path);
  ::close(fd);
  return result;
}

Result<void> sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io_error("open", path);
  const bool synced = ::fsync(fd) == 0;
  Result<void> result;
  if (!synced) result = io_error("sync", path);
  ::close(fd);
  return result;
}

Result<SavePoint> parse_toml(const std::string& content, const std::string& path) {
  toml::table table;
  try {
    table = toml::parse(std::string_view(content), std::string_view(path));
  } catch (const toml::parse_error& e) {
    return make_error(ErrorCode::kCorrupt, "save point {} line {}: {}", path, e.source().begin.line,
                      e.description());
  }
  SavePoint point;
  for (const auto& [key, node] : table) {
    // Keys are compared without case, as the Go program's reader does.
    const std::string name(key.str());
    const auto is = [&](const char* wanted) { return strcasecmp(name.c_str(), wanted) == 0; };
    const bool is_known = is("consistent") || is("commitTS") || is("schema-version");
    if (is("consistent") && node.is_boolean()) {
      point.consistent = node.as_boolean()->get();
    } else if (is("commitTS") && node.is_integer() && node.as_integer()->get() >= 0) {
      point.commit_ts = CommitTs(node.as_integer()->get());
    } else if (is("schema-version") && node.is_integer()) {
      point.schema_version = SchemaVersion(node.as_integer()->get());
    } else if (is_known) {
      return make_error(ErrorCode::kCorrupt,
                        "save point {}: {} is of another type, or negative; restore the file, or "
                        "remove it and give -initial-commit-ts",
                        path, name);
    }
  }
  return point;
}

}  // namespace

FileCheckpoint::~FileCheckpoint() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

Result<void> FileCheckpoint::lock() {
  if (lock_fd_ >= 0) return {};
  const std::string path = path_ + ".lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  // Without the directory there is nothing to share; save() will say so.
  if (fd < 0) return errno == ENOENT ? Result<void>() : io_error("open", path);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    Error error = io_error("lock", path);
    ::close(fd);
    if (error.detail() != EWOULDBLOCK) return error;
    return make_error(ErrorCode::kConflict,
                      "save point {}: another drainer has it; give each a data-dir of its own",
                      path_);
  }
  lock_fd_ = fd;
  return {};
}

Result<std::optional<SavePoint>> FileCheckpoint::load() {
  TRY(lock());
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return std::optional<SavePoint>();
    return io_error("open", path_);
  }
  auto content = read_whole(fd, path_);
  ::close(fd);
  if (!content.ok()) return std::move(content).error();
  ASSIGN_OR_RETURN(SavePoint point, parse_toml(*content, path_));
  return std::optional<SavePoint>(std::move(point));
}

Result<void> FileCheckpoint::save(const SavePoint& point, const StopToken& /*stop*/) {
  TRY(lock());
  const std::string content =
      fmt::format("consistent = {}\ncommitTS = {}\nschema-version = {}\n", point.consistent,
                  point.commit_ts.value, point.schema_version.value);
  std::string temporary = path_ + "XXXXXX";
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return io_error("create", temporary);
  auto written = write_whole(fd, temporary, content);
  if (written.ok() && ::rename(temporary.c_str(), path_.c_str()) != 0) {
    written = io_error("rename", temporary);
  }
  if (!written.ok()) {
    ::unlink(temporary.c_str());
    return written;
  }
  const std::string directory = std::filesystem::path(path_).parent_path().string();
  return sync_directory(directory.empty() ? "." : directory);
}

}  // namespace drainer
