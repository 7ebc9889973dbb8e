#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "drainer/base/file_descriptor.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"

namespace drainer {

/// A log file that is appended to and begun anew when it has grown enough, its older parts named as
/// lumberjack names them: `<name>-<YYYY-MM-DDThh-mm-ss.mmm><ext>` (spec/drainer-process.md 8.2).
///
/// A line that cannot be written is lost and counted; the program goes on. Any thread.
class LogFile {
 public:
  struct Options {
    std::string path;
    uint64_t bytes_max = 300u << 20;  ///< a line that would exceed it begins a new file
    int64_t days_max = 0;             ///< older parts are removed; 0: never
    int64_t backups_max = 0;          ///< so many older parts are kept; 0: all
  };

  /// Creates missing directories (0755) and the file (0600).
  static Result<std::unique_ptr<LogFile>> open(Options options);

  /// Appends a whole line, its end included. False when the file does not take it.
  bool write(std::string_view line) EXCLUDES(mutex_);
  /// As write(), but without the lock, which the calling thread may hold, and into the present
  /// file: for a program that aborts.
  void write_last(std::string_view line);
  /// Opens the path again, where somebody may have moved the file away.
  Result<void> reopen() EXCLUDES(mutex_);

 private:
  explicit LogFile(Options options) : options_(std::move(options)) {}

  Result<void> open_file(uint32_t mode) REQUIRES(mutex_);
  Result<void> rotate() REQUIRES(mutex_);
  void take_back(uint64_t size_bytes) REQUIRES(mutex_);
  void remove_old_files() const;

  const Options options_;
  /// Keeps its number, whichever file is behind it: write_last() takes no lock.
  FileDescriptor fd_;
  Mutex mutex_;
  uint64_t size_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace drainer
