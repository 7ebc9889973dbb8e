#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/deque.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "syncer/mysql/order/conflict_graph.h"
#include "syncer/mysql/order/turn_limit.h"
#include "syncer/mysql/order/worker_limit.h"
#include "syncer/sink.h"
#include "syncer/txn.h"

namespace drainer::mysql {

/// An upstream transaction on its way. Plain data.
struct PlannedTxn {
  Txn txn;
  CommitTs previous_ts;    ///< of the transaction before it in the stream; once taken, everything
                           ///< after this ts and before it is applied
  uint64_t first_row = 0;  ///< rows before it were applied by an earlier run
  bool is_begun_ddl = false;  ///< an earlier run noted it, so it may have happened
  std::string ddl_facts{};    ///< that it noted
  NodeId node = 0;
};

/// Whole upstream transactions, in order, that one worker writes in one downstream transaction; or
/// one DDL.
struct Group {
  std::vector<PlannedTxn> txns;
  CommitTs low_water;  ///< everything up to it is applied
  TimePoint taken;

  bool is_ddl() const { return txns[0].txn.is_ddl(); }
};

struct DispatchLimits {
  size_t workers;
  /// Of a group; one transaction always fits.
  size_t group_txns;
  uint64_t group_rows;
  size_t group_bytes;
  /// Of all transactions from add() to their report; one always fits.
  size_t window_txns;
  size_t window_bytes;
  /// Groups are made of neighbours in the stream, so that they can be committed in its order.
  bool is_commit_ordered = false;
};

/// How a worker waits for its turn.
enum class TurnWait : uint8_t {
  kEmptyHanded,  ///< as long as it takes
  kWithLocks,    ///< those before may need them: for a limited time (turn_limit.h)
};

/// Hands transactions to workers: what is ready goes to the first free one, in order, together with
/// what only waits for members of the same group; and turns what comes back into progress in
/// commit-ts order.
///
/// What is ready goes to a worker at once when none is busy. Beside busy ones it gathers a little,
/// since many small groups cost the downstream more than a few larger ones, and no more are made
/// busy than bring a higher rate (worker_limit.h). So groups are as small as they can be at low
/// rates and large at high ones. Where commits are ordered and writing ahead has made others wait
/// for locks, only what is next is handed out for a while (turn_limit.h). add() and close() from
/// one thread, the others from any.
class Dispatcher {
 public:
  /// Transactions up to `low_water` are not to come.
  Dispatcher(DispatchLimits limits, CommitTs low_water, Clock& clock);

  /// What a transaction waits for.
  struct Uses {
    std::vector<KeyUse> keys;
    bool is_barrier = false;  ///< all before it; and all later ones wait for it
  };
  /// Blocks while the window is full; kStopped on `stop`. Returns the transaction's node. Puts the
  /// keys of `uses` in order.
  Result<NodeId> add(PlannedTxn txn, Uses& uses, const StopToken& stop) EXCLUDES(mutex_);
  /// One that an earlier run has applied: only its place in the order counts.
  Result<void> add_applied(const Txn& txn, CommitTs previous_ts, const StopToken& stop)
      EXCLUDES(mutex_);
  bool is_finished(NodeId node) const EXCLUDES(mutex_);
  /// Blocks until everything that was added is applied. False on `stop`.
  bool wait_idle(const StopToken& stop) EXCLUDES(mutex_);
  /// A TSO of the downstream that belongs to the last transaction added; nothing may be open.
  void add_secondary_ts(int64_t secondary_ts) EXCLUDES(mutex_);
  /// No more transactions.
  void close() EXCLUDES(mutex_);

  /// Blocks for work. Nothing on `stop`, or after close() when all is taken.
  std::optional<Group> take(size_t worker, const StopToken& stop) EXCLUDES(mutex_);
  /// Blocks until all before the first of `group`, which has been taken, is finished. False on
  /// `stop`, and, kWithLocks, when the one whose turn it is takes too long: if it waits for locks
  /// that others hold until their turn, all of them give up at the same time.
  bool wait_turn(const Group& group, TurnWait how, const StopToken& stop) EXCLUDES(mutex_);
  /// All of the group is durable. The worker calls take() again.
  void finish(const Group& group) EXCLUDES(mutex_);
  /// The worker has failed: nothing more will be reported.
  void fail() EXCLUDES(mutex_);
  /// A worker takes no more, whatever the reason. After the last one there is nothing to report but
  /// what has been finished.
  void leave() EXCLUDES(mutex_);

  /// Progress since the last call, in commit-ts order; DDLs stand alone. Blocks; nothing when all
  /// is reported, or on `stop`.
  std::optional<Applied> next_applied(const StopToken& stop) EXCLUDES(mutex_);

 private:
  /// One node; what is kept of it until its report.
  struct Entry {
    std::optional<PlannedTxn> planned;  ///< until it is taken
    CommitTs previous_ts;
    Applied applied;
    size_t bytes = 0;
    TimePoint taken = TimePoint::max();  ///< max: not yet
    uint64_t group_rows = 0;             ///< of the group that it was taken with
    Duration waited{};                   ///< of that group, if it is the first: for its turn
    bool is_finished = false;
    bool is_progress = true;  ///< false: an early DDL
  };
  struct Worker {
    CondVar woken_condition;
    bool is_idle = false;
    TimePoint looks_at = TimePoint::max();  ///< when an idle one looks by itself
    bool is_woken = false;
  };
  using Ready = std::priority_queue<NodeId, std::vector<NodeId>, std::greater<>>;

  Entry& entry(NodeId id) REQUIRES(mutex_) { return entries_[id - base_]; }
  bool wait_for_room(size_t bytes, const StopToken& stop) REQUIRES(mutex_);
  void append_entry(Applied applied, CommitTs previous_ts, size_t bytes) REQUIRES(mutex_);
  void push_ready(NodeId id) REQUIRES(mutex_);
  /// When a worker may take what is ready now; never while nothing is.
  TimePoint takes_at() const REQUIRES(mutex_);
  TimePoint takes_unordered_at() const REQUIRES(mutex_);
  bool may_take() const REQUIRES(mutex_) { return takes_at() <= clock_.now(); }
  bool is_all_taken() const REQUIRES(mutex_) { return is_closed_ && untaken_ == 0; }
  /// Wakes the first free worker when there is something for it to do or to wait for.
  void wake_worker() REQUIRES(mutex_);
  void wake_all() REQUIRES(mutex_);
  bool is_first_idle(size_t worker) const REQUIRES(mutex_);
  Group form_group() REQUIRES(mutex_);
  bool wait_until_first(NodeId first, TurnWait how, const StopToken& stop) REQUIRES(mutex_);
  /// Whether that is to be logged.
  bool give_up_turn() REQUIRES(mutex_);
  /// The start of the span of finished transactions right before `id`.
  CommitTs previous_open(NodeId id, CommitTs previous) REQUIRES(mutex_);
  static bool has_marks_of(const Group& group, const Txn& next);
  bool fits(const Group& group, const Entry& next, uint64_t rows, size_t bytes) const
      REQUIRES(mutex_);
  void advance_low_water() REQUIRES(mutex_);
  void report(const Applied& applied) REQUIRES(mutex_);

  const DispatchLimits limits_;
  Clock& clock_;

  mutable Mutex mutex_;
  CondVar room_;     ///< for add() and wait_idle()
  CondVar applied_;  ///< for next_applied()
  CondVar turn_;     ///< for wait_turn()
  ConflictGraph graph_ GUARDED_BY(mutex_);
  NodeId base_ GUARDED_BY(mutex_) = 1;  ///< of entries_.front()
  Deque<Entry> entries_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;  ///< of entries_
  size_t untaken_ GUARDED_BY(mutex_) = 0;
  Ready ready_ GUARDED_BY(mutex_);
  uint64_t ready_rows_ GUARDED_BY(mutex_) = 0;  ///< of ready_
  TimePoint ready_since_ GUARDED_BY(mutex_){};  ///< some have been ready since then
  std::deque<Worker> workers_ GUARDED_BY(mutex_);
  WorkerLimit limit_ GUARDED_BY(mutex_);
  TurnLimit turn_limit_ GUARDED_BY(mutex_);
  TimePoint log_again_ GUARDED_BY(mutex_) = TimePoint::min();
  size_t busy_workers_ GUARDED_BY(mutex_) = 0;  ///< those that run a DDL are not counted
  CommitTs low_water_ GUARDED_BY(mutex_);
  Applied last_applied_ GUARDED_BY(mutex_);  ///< at the low-water mark
  std::deque<Applied> reports_ GUARDED_BY(mutex_);
  bool is_closed_ GUARDED_BY(mutex_) = false;
  bool is_failed_ GUARDED_BY(mutex_) = false;
  size_t workers_left_ GUARDED_BY(mutex_) = 0;
};

}  // namespace drainer::mysql
