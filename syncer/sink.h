#pragma once

#include <optional>

#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/base/threads.h"
#include "drainer/tidb/time_zone.h"
#include "syncer/txn.h"

namespace drainer {

namespace schema {
class Schema;
class TableFilter;
}  // namespace schema

/// Everything up to and including `commit_ts` is durable downstream.
struct Applied {
  CommitTs commit_ts;
  SchemaVersion schema_version;
  bool is_ddl = false;
  /// TSO of a TiDB downstream that belongs to commit_ts (mysql-sink.md 2.12); 0 if not known.
  int64_t secondary_ts = 0;
  uint64_t rows = 0;  ///< row changes since the previous Applied
};

/// An output. Takes transactions in commit-ts order and reports progress in the same order.
///
/// submit() and close() from one thread, next_applied() from another.
class Sink {
 public:
  virtual ~Sink() = default;

  /// The tables as this run finds them, and which are replicated; before start(). For outputs that
  /// have something to tell about tables without new rows.
  virtual void note_tables(const schema::Schema& /*schema*/,
                           const schema::TableFilter& /*filter*/) {}

  /// Starts the sink's threads; they end after close() once all is written, or on stop.
  virtual void start(ThreadGroup& threads) = 0;
  /// Queues a transaction, also an empty one (progress only); blocks while the sink is full. Order
  /// is kept: commit ts must rise, but for early DDL, which is no progress. kStopped on `stop`.
  virtual Result<void> submit(Txn txn, const StopToken& stop) = 0;
  /// No more input: what is queued gets written.
  virtual void close() = 0;
  /// Blocks for the next progress; nothing after close() when all is reported, or on `stop`.
  virtual std::optional<Applied> next_applied(const StopToken& stop) = 0;

  /// The checkpoint is about to be saved; a sink that keeps progress itself notes it, so that a
  /// later start can tell whether somebody else has saved one since. From the thread of
  /// next_applied(). kConflict when another drainer has taken over; kStopped when it could not be
  /// done before `stop`.
  virtual Result<void> announce(CommitTs /*checkpoint*/, const StopToken& /*stop*/) { return {}; }

  /// Says in the log what the output does not get done with, if there is something; to be called
  /// every few seconds. Any thread.
  virtual void log_unfinished() {}

  /// Everything up to here was already applied by an earlier run: the syncer starts after it.
  /// The checkpoint may lag behind it; equal to `checkpoint` when the sink keeps no progress
  /// itself.
  virtual CommitTs resume_from(CommitTs checkpoint) const = 0;
  /// Up to here an earlier run may have applied more than a reader of the checkpoint expects:
  /// until this is passed, a checkpoint is not consistent. 0 where that cannot be.
  virtual CommitTs holds_up_to() const { return {}; }
  /// True: rows that need a DDL come after it, even where the stream has them before it. False: the
  /// order of the stream is kept, as messages have it.
  virtual bool wants_ddl_before_rows() const { return true; }
  /// The zone in which this output wants TIMESTAMPs.
  virtual const tidb::TimeZone& time_zone() const = 0;
};

}  // namespace drainer
