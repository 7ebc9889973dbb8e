#pragma once

#include <string>
#include <unordered_set>

#include "drainer/base/clock.h"
#include "drainer/base/drainer_metrics.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "syncer/file/locked_file.h"
#include "syncer/file/segment_names.h"

namespace drainer::file {

/// Commit ts of records.
using CommitTsSet = std::unordered_set<CommitTs>;

/// Where the whole records of the newest file end; the rest is a tail that a crash tore and that
/// will be written again, because its records are newer than `acknowledged`.
///
/// kCorrupt, with file and offset, when the damage hits what the checkpoint counts as written.
/// `content` is that of the file at `path`.
Result<uint64_t> find_end(const std::string& path, ByteView content, CommitTs acknowledged);

/// The directory of pb files, open for writing at its end (spec/kafka-and-file-sinks.md 3.1–3.4).
///
/// Holds the lock of the directory and of the newest file. Move only; one thread.
class SegmentWriter {
 public:
  struct Options {
    std::string directory;
    CommitTs acknowledged;  ///< the checkpoint: what lies before must be intact
    uint64_t file_bytes_max = 512ULL << 20;
  };

  /// Creates the directory and the first file if there are none; cuts off a torn tail. What the
  /// newest file holds is on the disk afterwards.
  static Result<SegmentWriter> open(Options options, const Clock& clock);

  /// The records that are newer than the checkpoint: written by a run that could not tell of it.
  /// Of files that go back to an earlier commit ts, what stands before and is newer does not count.
  Result<CommitTsSet> find_unacknowledged() const;

  /// Takes a record; it reaches the file with the next flush() at the latest. A full file is closed
  /// first. FIX: not after its last record, because an empty newest file misleads reparo.
  Result<void> append(ByteView payload);
  /// All records are in the file. When the disk is full nothing of them is.
  Result<void> flush();
  /// All records are on the disk.
  Result<void> sync();

  /// Of the newest file.
  uint64_t index() const { return index_; }
  const std::string& directory() const { return options_.directory; }
  /// Length of the newest file, with what has not been flushed yet.
  uint64_t file_bytes() const { return file_bytes_ + pending_.size(); }

 private:
  SegmentWriter(Options options, const Clock& clock, LockedFile directory_lock, LockedFile file);
  static Result<LockedFile> open_file(const Options& options, const std::string& name);
  Result<void> recover();
  Result<void> write(ByteView bytes);
  Result<void> rotate();

  Options options_;
  const Clock* clock_;
  Histogram* record_bytes_ = &metric::binlogfile_write_binlog_size();
  Histogram* write_seconds_ = &metric::binlogfile_write_binlog_duration_time();
  LockedFile directory_lock_;
  LockedFile file_;
  uint64_t index_ = 0;
  uint64_t file_bytes_ = 0;  ///< whole records in the file
  Bytes pending_;            ///< records to come behind them
};

}  // namespace drainer::file
