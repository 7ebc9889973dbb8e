#pragma once

#include <memory>
#include <string>

#include "conf/options.h"
#include "drainer/base/clock.h"
#include "drainer/base/queue.h"
#include "drainer/base/result.h"
#include "syncer/file/message.h"
#include "syncer/file/segment.h"
#include "syncer/sink.h"

namespace drainer::file {

struct FileSinkOptions {
  std::string directory;
  int64_t retention_days = 0;  ///< 0: files are kept for ever
  CommitTs checkpoint;         ///< where this run starts
  FileSync sync = FileSync::kCheckpoint;
  uint64_t file_bytes_max = 512ULL << 20;
};

/// The output db-type = "file": one record per transaction into pb files
/// (spec/kafka-and-file-sinks.md 3).
///
/// Progress is reported when the records are on the disk (FIX), for a DDL at once, else ten times a
/// second. Transactions that an earlier run has written, but could not tell its checkpoint of, are
/// not written again (FIX). Threads as in Sink; one of its own writes, and removes old files.
class FileSink final : public Sink {
 public:
  /// Locks the directory and repairs a torn tail; `clock` must outlive the sink.
  static Result<std::unique_ptr<FileSink>> open(FileSinkOptions options, Clock& clock);

  void start(ThreadGroup& threads) override;
  Result<void> submit(Txn txn, const StopToken& stop) override;
  void close() override { input_.close(); }
  std::optional<Applied> next_applied(const StopToken& stop) override { return applied_.pop(stop); }
  CommitTs resume_from(CommitTs checkpoint) const override { return checkpoint; }
  bool wants_ddl_before_rows() const override { return false; }
  const tidb::TimeZone& time_zone() const override { return zone_; }

  /// Takes what open() has prepared.
  FileSink(FileSinkOptions options, tidb::TimeZone zone, SegmentWriter segments,
           CommitTsSet written, Clock& clock);

 private:
  Result<void> run(const StopToken& stop);
  Result<void> write_all(const StopToken& stop);
  Result<void> write(const Txn& txn);
  bool was_written(CommitTs commit_ts);
  Result<void> report(const StopToken& stop);
  void remove_old_files();

  const FileSinkOptions options_;
  const tidb::TimeZone zone_;
  Clock& clock_;
  BoundedQueue<Txn> input_;
  BoundedQueue<Applied> applied_;
  CommitTs submitted_;  ///< syncer's thread

  // Writing thread.
  SegmentWriter segments_;
  MessageWriter messages_{zone_};
  ReverseWriter buffer_;
  CommitTsSet written_;      ///< by an earlier run, after its checkpoint
  CommitTs newest_written_;  ///< of them
  std::optional<Applied> unreported_;
  bool needs_sync_ = false;
  TimePoint last_report_{};
  TimePoint last_removal_{};
};

}  // namespace drainer::file
