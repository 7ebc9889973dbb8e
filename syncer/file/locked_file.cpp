#include "syncer/file/locked_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace drainer::file {

namespace {

Error system_error(int number, std::string_view action, const std::string& path) {
  return Error(ErrorCode::kUnavailable,
               fmt::format("{} {}: {}", action, path, std::generic_category().message(number)),
               number);
}

Error system_error_at(int number, std::string_view action, const std::string& path,
                      uint64_t offset) {
  return Error(ErrorCode::kUnavailable,
               fmt::format("{} {} offset {}: {}", action, path, offset,
                           std::generic_category().message(number)),
               number);
}

}  // namespace

Result<LockedFile> LockedFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return system_error(errno, "open", path);
  LockedFile file(path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error(errno, "lock", path);
    return make_error(ErrorCode::kConflict, "pkg/file: file already locked").because("{}", path);
  }
  return file;
}

LockedFile::~LockedFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<uint64_t> LockedFile::size_bytes() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) return system_error(errno, "stat", path_);
  return static_cast<uint64_t>(status.st_size);
}

Result<void> LockedFile::append(ByteView bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      return system_error_at(errno, "write", path_, offset);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return {};
}

Result<void> LockedFile::truncate(uint64_t size_bytes) {
  if (::ftruncate(fd_, static_cast<off_t>(size_bytes)) != 0) {
    return system_error_at(errno, "truncate", path_, size_bytes);
  }
  return {};
}

Result<void> LockedFile::sync(uint64_t synced_bytes) {
  // Not repeated when it fails: the kernel may have dropped the pages that it could not write.
  if (::fdatasync(fd_) != 0) return system_error(errno, "fdatasync", path_);
  // Nobody reads it soon: the same few pages can take what comes next, instead of ever new ones.
  if (synced_bytes > 0) {
    (void)::posix_fadvise(fd_, 0, static_cast<off_t>(synced_bytes), POSIX_FADV_DONTNEED);
  }
  return {};
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error(errno, "open", path);
  struct stat status {};
  const char* data = nullptr;
  int failure = ::fstat(fd, &status) != 0 ? errno : 0;
  const auto size = static_cast<size_t>(status.st_size);
  if (failure == 0 && size > 0) {
    void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED) {
      failure = errno;
    } else {
      data = static_cast<const char*>(mapped);
    }
  }
  ::close(fd);
  if (failure != 0) return system_error(failure, "read", path);
  return MappedFile(data, size);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

Result<void> sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error(errno, "open", directory);
  const int failure = ::fsync(fd) != 0 ? errno : 0;
  ::close(fd);
  if (failure != 0) return system_error(failure, "fsync", directory);
  return {};
}

}  // namespace drainer::file
