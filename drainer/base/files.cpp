#include "drainer/base/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "drainer/base/file_descriptor.h"

namespace drainer {

namespace {

constexpr size_t kReadBytes = 16 << 10;

Result<void> write_synced(const std::string& path,
                          const std::function<Result<void>(int fd)>& write) {
  const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd) return file_error("create", path);
  TRY(write(fd.get()));
  if (::fsync(fd.get()) != 0) return file_error("sync", path);
  return {};
}

}  // namespace

Error file_error(std::string_view action, const std::string& path) {
  const int number = errno;
  return Error(ErrorCode::kUnavailable,
               fmt::format("{} {}: {}", action, path, std::generic_category().message(number)),
               number);
}

bool read_to_end(int fd, Bytes& out, size_t bytes_max) {
  char buffer[kReadBytes];
  while (bytes_max > 0) {
    const ssize_t got = ::read(fd, buffer, std::min(bytes_max, sizeof buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return true;
    out.append(buffer, static_cast<size_t>(got));
    bytes_max -= static_cast<size_t>(got);
  }
  return true;
}

bool write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

Result<Bytes> read_file(const std::string& path, size_t bytes_max) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return file_error("open", path);
  Bytes out;
  if (!read_to_end(fd.get(), out, bytes_max)) return file_error("read", path);
  return out;
}

Result<void> replace_file(const std::string& path,
                          const std::function<Result<void>(int fd)>& write) {
  const std::string temporary = path + ".tmp";
  Result<void> written = write_synced(temporary, write);
  if (written.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) {
    written = file_error("rename", temporary);
  }
  if (!written.ok()) {
    (void)::unlink(temporary.c_str());
    return written;
  }
  return sync_directory(std::filesystem::path(path).parent_path().string());
}

Result<void> sync_directory(const std::string& directory) {
  const std::string& path = directory.empty() ? "." : directory;
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return file_error("open", path);
  if (::fsync(fd.get()) != 0) return file_error("sync", path);
  return {};
}

}  // namespace drainer
