#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "conf/options.h"
#include "drainer/base/clock.h"
#include "drainer/base/queue.h"
#include "syncer/mysql/checkpoint_note.h"
#include "syncer/mysql/ddl.h"
#include "syncer/mysql/in_hand.h"
#include "syncer/mysql/order/dispatcher.h"
#include "syncer/mysql/planner.h"
#include "syncer/mysql/progress_table.h"
#include "syncer/mysql/rows/downstream_tables.h"
#include "syncer/mysql/session/downstream.h"
#include "syncer/mysql/sink_start.h"
#include "syncer/mysql/slow_log.h"
#include "syncer/mysql/worker.h"
#include "syncer/sink.h"

namespace drainer::mysql {

/// All that the MySQL output depends on.
struct MysqlSinkOptions {
  SyncerOptions syncer;
  uint64_t cluster_id = 0;  ///< of the upstream
  schema::TableName progress_table = default_progress_table();

  /// Where the checkpoint stands: its commit ts (or the initial one) and `consistent`;
  /// has_checkpoint is false when no drainer has saved one.
  CommitTs checkpoint_ts;
  bool is_consistent = false;
  bool has_checkpoint = false;
  /// Without a checkpoint: somebody has said where to start, also where the downstream knows more.
  bool is_start_given = false;
  /// Reads the three again, once no other drainer can announce a checkpoint any more: one that
  /// still ran may have saved since. Empty: they stand.
  std::function<Result<void>(MysqlSinkOptions&)> read_checkpoint{};

  /// What comes was recorded before: the drainer of the opposite direction is told nothing.
  bool is_replay = false;

  /// When the downstream lacks a column; empty: as `sync-mode` says.
  std::optional<MissingColumns> missing_columns;
  int attempts_max = 100;
  /// Of transactions that wait or are in hand; one of any size is always let in.
  size_t memory_bytes = 40u << 20;
  size_t txn_bytes_max = size_t{1} << 30;
  /// When the checkpoint is a Go drainer's, its workers may have applied beyond it, but nothing
  /// above this: safe mode until then. PD's time after its end.
  CommitTs safe_until{INT64_MAX};
};

/// Sink for MySQL, MariaDB and TiDB: whole upstream transactions, each exactly once.
///
/// The thread `mysql:plan` reads the input queue and finds out which transactions conflict;
/// `mysql:0` … `mysql:<worker-count - 1>` write those that wait for no other, each through its own
/// session. Conflicting ones keep their order; with one worker, all do. The progress rows of the
/// downstream (progress_table.h) decide what has been applied, not the checkpoint.
class MysqlSink final : public Sink {
 public:
  /// Connects, takes over the progress row and so shuts out any older drainer of this cluster.
  /// kStopped on `stop`, between two statements.
  static Result<std::unique_ptr<MysqlSink>> open(MysqlSinkOptions options, Clock& clock,
                                                 const StopToken& stop);

  void start(ThreadGroup& threads) override;
  Result<void> submit(Txn txn, const StopToken& stop) override;
  void close() override { input_.close(); }
  std::optional<Applied> next_applied(const StopToken& stop) override;
  Result<void> announce(CommitTs checkpoint, const StopToken& stop) override {
    return note_.announce(checkpoint, stop);
  }
  void log_unfinished() override { (void)in_hand_.tell(); }
  CommitTs resume_from(CommitTs checkpoint) const override;
  CommitTs holds_up_to() const override { return holds_up_to_; }
  const tidb::TimeZone& time_zone() const override { return time_zone_; }

  bool starts_in_safe_mode() const { return starts_in_safe_mode_; }

 private:
  MysqlSink(const MysqlSinkOptions& options, const Downstream& downstream,
            const ProgressTable::Id& progress, const ConflictPolicies& conflicts,
            std::unique_ptr<Session> session, const SinkStart& start, Clock& clock);

  Result<void> run_planner(const StopToken& stop);
  Result<void> run_worker(size_t number, const StopToken& stop);
  Result<void> run_groups(size_t number, const StopToken& stop);

  /// What one worker thread uses.
  struct Slot {
    Worker worker;
    DdlRunner ddl;
  };
  Result<void> run_ddl(Slot& slot, const Group& group, const StopToken& stop);

  const tidb::TimeZone time_zone_;
  const CommitTs resume_from_;
  const CommitTs holds_up_to_;
  const bool starts_in_safe_mode_;
  Clock& clock_;
  const bool is_commit_ordered_;

  BoundedQueue<Txn> input_;
  CommitTs last_submitted_;
  DownstreamTables tables_;
  PlanCache plans_;
  Dispatcher dispatcher_;
  SlowLog slow_;
  InHand in_hand_;
  CheckpointNote note_;     ///< of the thread that reports progress
  Planner planner_;         ///< of its thread
  std::deque<Slot> slots_;  ///< each of its worker's thread
};

}  // namespace drainer::mysql
