#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/mutex.h"
#include "drainer/base/queue.h"
#include "drainer/base/result.h"
#include "syncer/file/segment.h"
#include "syncer/kafka/message.h"
#include "syncer/sink.h"

namespace drainer::relay {

struct RelaySinkOptions {
  std::string directory = {};
  uint64_t file_bytes_max = 10'485'760;
  uint64_t cluster_id = 0;
  CommitTs checkpoint{0};  ///< or where the run begins without one
  /// An earlier run of this cluster has saved it: older records are not needed any more.
  bool has_checkpoint = false;
};

/// Writes each transaction into a relay log before another sink gets it (mysql-sink.md 4, 6.13), so
/// that the downstream can be brought to a consistent point when the upstream is lost.
///
/// The log is on the disk first: the thread `relay` takes what waits, appends it, syncs once, and
/// passes it on. Files all of whose transactions are applied are removed, the newest never; so are
/// all that stand before a transaction older than everything in the log, with which the log begins
/// anew: somebody has started over, and readers take what follows from there (RecordSource). The
/// records are the original's; ours also hold the time zone of their TIMESTAMPs, which is the inner
/// sink's, the loopback marks, the time of a DDL, and the commit ts of the record before (FIX), in
/// fields that the original passes over. Threads as in Sink.
class RelaySink final : public Sink {
 public:
  /// Locks the directory; cuts off a torn tail, which the upstream will bring again. kInvalid when
  /// the log holds transactions of another cluster (log_cluster.h), which may still be needed.
  static Result<std::unique_ptr<RelaySink>> open(RelaySinkOptions options,
                                                 std::unique_ptr<Sink> inner, Clock& clock);

  void start(ThreadGroup& threads) override;
  Result<void> submit(Txn txn, const StopToken& stop) override;
  void close() override { input_.close(); }
  std::optional<Applied> next_applied(const StopToken& stop) override;
  Result<void> announce(CommitTs checkpoint, const StopToken& stop) override {
    return inner_->announce(checkpoint, stop);
  }
  void log_unfinished() override { inner_->log_unfinished(); }
  CommitTs resume_from(CommitTs checkpoint) const override {
    return inner_->resume_from(checkpoint);
  }
  CommitTs holds_up_to() const override { return inner_->holds_up_to(); }
  bool wants_ddl_before_rows() const override { return inner_->wants_ddl_before_rows(); }
  const tidb::TimeZone& time_zone() const override { return inner_->time_zone(); }

  /// Takes what open() has prepared.
  RelaySink(RelaySinkOptions options, std::unique_ptr<Sink> inner, file::SegmentWriter segments);

 private:
  Result<void> run(const StopToken& stop);
  Result<void> log_all(const StopToken& stop);
  Result<void> log(const Txn& txn);
  Result<void> find_ts();
  Result<void> claim() EXCLUDES(mutex_);
  void remove_applied(CommitTs applied) EXCLUDES(mutex_);

  const RelaySinkOptions options_;
  const std::unique_ptr<Sink> inner_;
  BoundedQueue<Txn> input_;

  // The relay thread's.
  file::SegmentWriter segments_;
  kafka::MessageWriter messages_;
  ReverseWriter buffer_;

  Mutex mutex_;
  /// Largest commit ts in each file, by the file's index. Files may overlap: after a crash the
  /// upstream brings what the log has already.
  std::map<uint64_t, CommitTs> last_ts_ GUARDED_BY(mutex_);
  CommitTs last_logged_;
  /// What the next record follows: the one before, at first the last in the log that this run does
  /// not bring again; without such a one, where the run begins.
  CommitTs previous_;
  CommitTs first_ts_{INT64_MAX};  ///< of all in the log
};

}  // namespace drainer::relay
