#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "drainer/base/bytes.h"
#include "drainer/base/file_descriptor.h"
#include "drainer/base/result.h"

namespace drainer::file {

/// An open file that nobody else may open this way: it holds an exclusive flock. Move only; one
/// thread. Errors name the file, and where it matters the offset.
class LockedFile {
 public:
  /// Opens for appending, creates with mode 0600. kConflict when another process holds it.
  static Result<LockedFile> open(const std::string& path);

  const std::string& path() const { return path_; }
  Result<uint64_t> size_bytes() const;
  /// Writes all of `bytes` at `offset`, the end of the file.
  Result<void> append(ByteView bytes, uint64_t offset);
  Result<void> truncate(uint64_t size_bytes);
  /// Content and length are on the disk afterwards, and the first `synced_bytes` no longer in the
  /// system's cache.
  Result<void> sync(uint64_t synced_bytes = 0);

 private:
  LockedFile(std::string path, FileDescriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  FileDescriptor fd_;
};

/// A file's content, read-only, as long as this object lives. Move only; any thread.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  ByteView content() const { return {data_, size_}; }

 private:
  MappedFile(const char* data, size_t size) : data_(data), size_(size) {}

  const char* data_;
  size_t size_;
};

}  // namespace drainer::file
