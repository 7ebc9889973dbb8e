#include "syncer/file/locked_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "drainer/base/files.h"

namespace drainer::file {

namespace {

Error system_error_at(int number, std::string_view action, const std::string& path,
                      uint64_t offset) {
  return Error(ErrorCode::kUnavailable,
               fmt::format("{} {} offset {}: {}", action, path, offset,
                           std::generic_category().message(number)),
               number);
}

}  // namespace

Result<LockedFile> LockedFile::open(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return file_error("open", path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return file_error("lock", path);
    return make_error(ErrorCode::kConflict, "pkg/file: file already locked").because("{}", path);
  }
  return LockedFile(path, std::move(fd));
}

Result<uint64_t> LockedFile::size_bytes() const {
  struct stat status {};
  if (::fstat(fd_.get(), &status) != 0) return file_error("stat", path_);
  return static_cast<uint64_t>(status.st_size);
}

Result<void> LockedFile::append(ByteView bytes, uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
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
  if (::ftruncate(fd_.get(), static_cast<off_t>(size_bytes)) != 0) {
    return system_error_at(errno, "truncate", path_, size_bytes);
  }
  return {};
}

Result<void> LockedFile::sync(uint64_t synced_bytes) {
  // Not repeated when it fails: the kernel may have dropped the pages that it could not write.
  if (::fdatasync(fd_.get()) != 0) return file_error("fdatasync", path_);
  // Nobody reads it soon: the same few pages can take what comes next, instead of ever new ones.
  if (synced_bytes > 0) {
    (void)::posix_fadvise(fd_.get(), 0, static_cast<off_t>(synced_bytes), POSIX_FADV_DONTNEED);
  }
  return {};
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return file_error("open", path);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return file_error("read", path);
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return MappedFile(nullptr, 0);
  void* const mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (mapped == MAP_FAILED) return file_error("read", path);
  return MappedFile(static_cast<const char*>(mapped), size);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

}  // namespace drainer::file
