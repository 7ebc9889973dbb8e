#include "syncer/file/file_sink.h"

#include <algorithm>
#include <utility>

#include "drainer/base/log.h"

namespace drainer::file {

namespace {

constexpr QueueLimits kInputLimits{.items = 4096, .bytes = 8u << 20};
constexpr QueueLimits kAppliedLimits{.items = 1024, .bytes = 1024};
// How long records may wait for the disk and for their report.
constexpr Duration kReportInterval = std::chrono::milliseconds(100);
constexpr Duration kRemovalInterval = std::chrono::hours(1);

}  // namespace

Result<std::unique_ptr<FileSink>> FileSink::open(FileSinkOptions options, Clock& clock) {
  ASSIGN_OR_RETURN(tidb::TimeZone zone, tidb::TimeZone::local());
  ASSIGN_OR_RETURN(SegmentWriter segments,
                   SegmentWriter::open({.directory = options.directory,
                                        .acknowledged = options.checkpoint,
                                        .file_bytes_max = options.file_bytes_max},
                                       clock));
  ASSIGN_OR_RETURN(CommitTsSet written, segments.find_unacknowledged());
  if (!written.empty()) {
    log_info("binlog files hold transactions newer than the checkpoint, not to be written again",
             {{"count", written.size()}, {"checkpoint", options.checkpoint}});
  }
  return std::make_unique<FileSink>(std::move(options), std::move(zone), std::move(segments),
                                    std::move(written), clock);
}

FileSink::FileSink(FileSinkOptions options, tidb::TimeZone zone, SegmentWriter segments,
                   CommitTsSet written, Clock& clock)
    : options_(std::move(options)),
      zone_(std::move(zone)),
      clock_(clock),
      input_(kInputLimits),
      applied_(kAppliedLimits),
      submitted_(options_.checkpoint),
      segments_(std::move(segments)),
      written_(std::move(written)) {
  for (const CommitTs ts : written_) newest_written_ = std::max(newest_written_, ts);
}

void FileSink::start(ThreadGroup& threads) {
  threads.start("file", [this](const StopToken& stop) { return run(stop); });
}

Result<void> FileSink::submit(Txn txn, const StopToken& stop) {
  CHECK(txn.commit_ts > submitted_, "commit ts {} after {}", txn.commit_ts, submitted_);
  submitted_ = txn.commit_ts;
  const size_t size_bytes = txn.size_bytes();
  if (!input_.push(std::move(txn), size_bytes, stop)) {
    return stopped();
  }
  return {};
}

Result<void> FileSink::run(const StopToken& stop) {
  Result<void> result = write_all(stop);
  applied_.close();
  return result;
}

Result<void> FileSink::write_all(const StopToken& stop) {
  last_report_ = clock_.now();
  last_removal_ = last_report_;
  while (true) {
    remove_old_files();
    std::optional<Txn> txn = input_.try_pop();
    if (!txn) {
      // Nothing waits: let readers of the files see what there is. Progress without records need
      // not wait for the disk.
      TRY(segments_.flush());
      if (unreported_ && !needs_sync_) TRY(report(stop));
      txn = unreported_ ? input_.pop_for(kReportInterval, stop) : input_.pop(stop);
    }
    if (txn) {
      if (Result<void> written = write(*txn); !written.ok()) {
        return std::move(written).error().because("write commit ts {}", txn->commit_ts);
      }
    } else if (input_.is_drained() || stop.stop_requested()) {
      return report(stop);
    }
    const bool is_due = clock_.now() - last_report_ >= kReportInterval;
    const bool is_wanted = options_.sync == FileSync::kTransaction && needs_sync_;
    if (unreported_ && (is_due || is_wanted || unreported_->is_ddl)) TRY(report(stop));
  }
}

Result<void> FileSink::write(const Txn& txn) {
  if (txn.has_message() && !was_written(txn.commit_ts)) {
    buffer_.clear();
    TRY(messages_.put(buffer_, txn));
    TRY(segments_.append(buffer_.view()));
    needs_sync_ = true;
  }
  if (!unreported_) unreported_.emplace();
  unreported_->commit_ts = txn.commit_ts;
  unreported_->schema_version = txn.schema_version;
  unreported_->is_ddl |= txn.is_ddl();
  unreported_->rows += txn.rows.size();
  return {};
}

bool FileSink::was_written(CommitTs commit_ts) {
  if (written_.empty()) return false;
  if (written_.erase(commit_ts) == 0) {
    if (commit_ts < newest_written_) {
      log_warn(
          "the binlog files hold newer transactions than one that they lack, all behind it are "
          "written again",
          {{"commit ts", commit_ts}, {"newest", newest_written_}});
    }
    written_.clear();
    return false;
  }
  log_debug("already in the binlog files", {{"commit ts", commit_ts}});
  return true;
}

Result<void> FileSink::report(const StopToken& stop) {
  if (needs_sync_) TRY(options_.sync == FileSync::kNever ? segments_.flush() : segments_.sync());
  needs_sync_ = false;
  last_report_ = clock_.now();
  if (!unreported_) return {};
  const Applied applied = *std::exchange(unreported_, std::nullopt);
  if (!applied_.push(applied, 1, stop)) return stopped();
  return {};
}

void FileSink::remove_old_files() {
  if (options_.retention_days <= 0 || clock_.now() - last_removal_ < kRemovalInterval) return;
  last_removal_ = clock_.now();
  remove_old_segments(options_.directory, options_.retention_days, clock_.unix_ms());
}

}  // namespace drainer::file
