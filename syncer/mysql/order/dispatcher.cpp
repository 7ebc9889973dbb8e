#include "syncer/mysql/order/dispatcher.h"

#include <algorithm>
#include <utility>

#include "drainer/base/check.h"
#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"

namespace drainer::mysql {
namespace {

/// Reports that wait to be read; DDLs are not put together.
constexpr size_t kReportsMax = 1024;
/// Rows that are worth a further worker at once: this part of the most that a group takes. So is
/// whatever is ready when so many transactions have gathered, which may wait for just that.
constexpr uint64_t kGroupRowsShare = 3;
constexpr size_t kBacklogTxns = 256;
/// Of a transaction and each of its keys in the conflict graph, about.
constexpr size_t kNodeBytes = 256;
constexpr size_t kKeyBytes = 96;
/// Between two lines about writing ahead.
constexpr Duration kLogInterval = std::chrono::minutes(1);

Applied applied_by(const Txn& txn) {
  return {.commit_ts = txn.commit_ts,
          .schema_version = txn.schema_version,
          .is_ddl = txn.is_ddl(),
          .rows = txn.rows.size()};
}

}  // namespace

Dispatcher::Dispatcher(DispatchLimits limits, CommitTs low_water, Clock& clock)
    : limits_(limits),
      clock_(clock),
      workers_(limits.workers),
      limit_(limits.workers),
      low_water_(low_water) {
  workers_left_ = limits.workers;
}

bool Dispatcher::wait_for_room(size_t bytes, const StopToken& stop) {
  return room_.wait(mutex_, stop, [&]() NO_THREAD_SAFETY_ANALYSIS {
    return entries_.empty() ||
           (entries_.size() < limits_.window_txns && bytes_ + bytes <= limits_.window_bytes &&
            reports_.size() < kReportsMax);
  });
}

void Dispatcher::append_entry(Applied applied, CommitTs previous_ts, size_t bytes) {
  Entry& added = entries_.emplace_back();
  added.applied = applied;
  added.previous_ts = previous_ts;
  added.bytes = bytes;
  bytes_ += bytes;
}

Result<NodeId> Dispatcher::add(PlannedTxn txn, Uses& uses, const StopToken& stop) {
  merge_uses(uses.keys);
  const size_t bytes =
      txn.txn.size_bytes() + sizeof(Entry) + kNodeBytes + uses.keys.size() * kKeyBytes;
  MutexLock lock(mutex_);
  if (!wait_for_room(bytes, stop)) return stopped();
  const NodeId id = uses.is_barrier ? graph_.add_barrier() : graph_.add(uses.keys);
  CHECK(id == base_ + entries_.size(), "node {} at {}", id, base_ + entries_.size());
  append_entry(applied_by(txn.txn), txn.previous_ts, bytes);
  entries_.back().is_progress = txn.txn.is_progress();
  txn.node = id;
  entries_.back().planned = std::move(txn);
  ++untaken_;
  if (graph_.is_ready(id)) push_ready(id);
  wake_worker();
  return id;
}

Result<void> Dispatcher::add_applied(const Txn& txn, CommitTs previous_ts, const StopToken& stop) {
  MutexLock lock(mutex_);
  if (!wait_for_room(0, stop)) return stopped();
  std::vector<NodeId> ready;
  const NodeId id = graph_.add({});
  append_entry(applied_by(txn), previous_ts, 0);
  entries_.back().applied.rows = 0;
  // It may have to wait for a barrier: then it is taken like an empty transaction.
  if (!graph_.is_ready(id)) {
    entries_.back().planned.emplace().node = id;
    entries_.back().planned->txn.commit_ts = txn.commit_ts;
    ++untaken_;
    return {};
  }
  graph_.finish(id, ready);
  entries_.back().is_finished = true;
  advance_low_water();
  return {};
}

bool Dispatcher::is_finished(NodeId node) const {
  MutexLock lock(mutex_);
  return graph_.is_finished(node);
}

bool Dispatcher::wait_idle(const StopToken& stop) {
  MutexLock lock(mutex_);
  return room_.wait(mutex_, stop, [&]() NO_THREAD_SAFETY_ANALYSIS { return entries_.empty(); });
}

void Dispatcher::add_secondary_ts(int64_t secondary_ts) {
  MutexLock lock(mutex_);
  CHECK(entries_.empty(), "{} transactions are open", entries_.size());
  Applied report = last_applied_;
  if (report.commit_ts.value == 0) return;
  report.secondary_ts = secondary_ts;
  report.is_ddl = false;
  report.rows = 0;
  reports_.push_back(report);
  applied_.notify_all();
}

void Dispatcher::close() {
  MutexLock lock(mutex_);
  is_closed_ = true;
  wake_all();
  applied_.notify_all();
}

void Dispatcher::leave() {
  MutexLock lock(mutex_);
  --workers_left_;
  applied_.notify_all();
}

void Dispatcher::fail() {
  MutexLock lock(mutex_);
  is_failed_ = true;
  applied_.notify_all();
}

void Dispatcher::push_ready(NodeId id) {
  if (ready_.empty()) ready_since_ = clock_.now();
  ready_.push(id);
  ready_rows_ += entry(id).applied.rows;
}

TimePoint Dispatcher::takes_at() const {
  const TimePoint at = takes_unordered_at();
  const bool is_ahead = !ready_.empty() && ready_.top() != base_;
  return is_ahead ? std::max(at, turn_limit_.ahead_from()) : at;
}

TimePoint Dispatcher::takes_unordered_at() const {
  if (ready_.empty()) return TimePoint::max();
  if (busy_workers_ == 0 || is_closed_) return ready_since_;
  if (busy_workers_ >= limit_.workers()) return ready_since_ + limit_.patience();
  const bool is_worth_it =
      ready_rows_ >= limits_.group_rows / kGroupRowsShare || untaken_ >= kBacklogTxns;
  return is_worth_it ? ready_since_ : ready_since_ + limit_.linger();
}

bool Dispatcher::is_first_idle(size_t worker) const {
  return std::ranges::none_of(workers_.begin(), workers_.begin() + static_cast<ptrdiff_t>(worker),
                              &Worker::is_idle);
}

void Dispatcher::wake_worker() {
  if (ready_.empty()) return;
  const auto idle = std::ranges::find_if(workers_, &Worker::is_idle);
  // One that has been woken looks by itself, and so does one that waits no longer than it has to.
  if (idle == workers_.end() || idle->is_woken) return;
  if (const TimePoint at = takes_at(); idle->looks_at <= at && clock_.now() < at) return;
  idle->is_woken = true;
  idle->woken_condition.notify_one();
}

void Dispatcher::wake_all() {
  for (Worker& worker : workers_) {
    worker.is_woken = true;
    worker.woken_condition.notify_one();
  }
}

std::optional<Group> Dispatcher::take(size_t worker, const StopToken& stop) {
  MutexLock lock(mutex_);
  Worker& self = workers_[worker];
  while (!may_take()) {
    if (stop.stop_requested() || is_all_taken()) return std::nullopt;
    self.is_idle = true;
    const auto is_called = [&]() NO_THREAD_SAFETY_ANALYSIS { return self.is_woken || may_take(); };
    if (!ready_.empty() && is_first_idle(worker)) {
      self.looks_at = takes_at();
      self.woken_condition.wait_for(mutex_, stop, self.looks_at - clock_.now(), is_called);
      self.looks_at = TimePoint::max();
    } else {
      wake_worker();  // The first idle one has to watch the time.
      self.woken_condition.wait(mutex_, stop, is_called);
    }
    self.is_idle = false;
    self.is_woken = false;
  }
  if (stop.stop_requested()) return std::nullopt;
  Group group = form_group();
  if (!group.is_ddl()) ++busy_workers_;
  if (is_all_taken()) {
    wake_all();
  } else {
    wake_worker();
  }
  return group;
}

// A downstream transaction holds changes of one origin only, or its marks would say too much.
bool Dispatcher::has_marks_of(const Group& group, const Txn& next) {
  const auto has_rows = [](const PlannedTxn& planned) { return !planned.txn.is_empty(); };
  const auto first = std::ranges::find_if(group.txns, has_rows);
  return next.is_empty() || first == group.txns.end() || first->txn.marks == next.marks;
}

bool Dispatcher::fits(const Group& group, const Entry& next, uint64_t rows, size_t bytes) const {
  if (group.txns.empty()) return true;
  return !group.is_ddl() && !next.applied.is_ddl && has_marks_of(group, next.planned->txn) &&
         group.txns.size() < limits_.group_txns && rows + next.applied.rows <= limits_.group_rows &&
         bytes + next.bytes <= limits_.group_bytes;
}

Group Dispatcher::form_group() {
  Group group{.txns = {}, .low_water = low_water_, .taken = {}};
  group.txns.reserve(std::min(ready_.size(), limits_.group_txns));
  uint64_t rows = 0;
  size_t bytes = 0;
  std::vector<NodeId> found;
  Ready followers;
  graph_.begin_group();
  while (!ready_.empty() || !followers.empty()) {
    const bool is_follower =
        ready_.empty() || (!followers.empty() && followers.top() < ready_.top());
    const NodeId id = is_follower ? followers.top() : ready_.top();
    if (limits_.is_commit_ordered && !group.txns.empty() && id != group.txns.back().node + 1) break;
    Entry& next = entry(id);
    if (!fits(group, next, rows, bytes)) break;
    if (is_follower) {
      followers.pop();
    } else {
      ready_.pop();
      ready_rows_ -= next.applied.rows;
    }
    rows += next.applied.rows;
    bytes += next.bytes;
    group.txns.push_back(std::move(*next.planned));
    group.txns.back().previous_ts = previous_open(id, next.previous_ts);
    next.planned.reset();
    --untaken_;
    found.clear();
    graph_.take(id, found);
    for (const NodeId follower : found) followers.push(follower);
  }
  group.taken = clock_.now();
  ready_since_ = group.taken;
  for (const PlannedTxn& planned : group.txns) {
    entry(planned.node).taken = group.taken;
    entry(planned.node).group_rows = rows;
  }
  return group;
}

CommitTs Dispatcher::previous_open(NodeId id, CommitTs previous) {
  for (; id > base_ && entry(id - 1).is_finished; --id) previous = entry(id - 1).previous_ts;
  return previous;
}

bool Dispatcher::wait_turn(const Group& group, TurnWait how, const StopToken& stop) {
  Duration span{};
  {
    MutexLock lock(mutex_);
    const NodeId first = group.txns.front().node;
    const TimePoint begin = clock_.now();
    if (wait_until_first(first, how, stop)) {
      entry(first).waited += clock_.now() - begin;
      return true;
    }
    if (stop.stop_requested()) return false;
    metric::mysql_turn_conflicts_total().add();
    if (!give_up_turn()) return false;
    span = turn_limit_.span();
  }
  log_warn(
      "with commit-order, transactions that were written before their turn hold locks, such as "
      "those of a second unique index, for which one before them seems to wait: they are rolled "
      "back, and for a while one worker writes at a time",
      {{"while",
        fmt::format("{}s", std::chrono::duration_cast<std::chrono::seconds>(span).count())},
       {"rolled back so far", metric::mysql_turn_conflicts_total().value()}});
  return false;
}

bool Dispatcher::wait_until_first(NodeId first, TurnWait how, const StopToken& stop) {
  while (base_ != first) {
    const NodeId current = base_;
    const auto has_moved = [&]() NO_THREAD_SAFETY_ANALYSIS { return base_ != current; };
    if (how == TurnWait::kEmptyHanded) {
      if (!turn_.wait(mutex_, stop, has_moved)) return false;
      continue;
    }
    // One that nobody has taken waits for no locks.
    const TimePoint now = clock_.now();
    const Entry& turn = entry(current);
    const TimePoint end = turn_limit_.gives_up_at(turn.group_rows, std::min(turn.taken, now));
    if (!turn_.wait_for(mutex_, stop, end - now, has_moved)) return false;
  }
  return true;
}

bool Dispatcher::give_up_turn() {
  const TimePoint now = clock_.now();
  if (!turn_limit_.note_conflict(now) || now < log_again_) return false;
  log_again_ = now + kLogInterval;
  return true;
}

void Dispatcher::finish(const Group& group) {
  MutexLock lock(mutex_);
  std::vector<NodeId> ready;
  uint64_t rows = 0;
  for (const PlannedTxn& planned : group.txns) {
    graph_.finish(planned.node, ready);
    entry(planned.node).is_finished = true;
    rows += planned.txn.rows.size();
  }
  // A follower that did not fit has become ready only now.
  for (const NodeId id : ready) push_ready(id);
  if (!group.is_ddl()) {
    --busy_workers_;
    const TimePoint now = clock_.now();
    limit_.note(rows, now - group.taken, !ready_.empty(), now);
    const Duration waited = entry(group.txns.front().node).waited;
    turn_limit_.note_written(group.taken, now - group.taken - waited);
  }
  advance_low_water();
  // Nobody is woken: this worker comes back for what is ready, and then calls the next one.
}

void Dispatcher::report(const Applied& applied) {
  CHECK(applied.commit_ts > low_water_, "commit ts {} after {}", applied.commit_ts, low_water_);
  low_water_ = applied.commit_ts;
  if (reports_.empty() || reports_.back().is_ddl || applied.is_ddl ||
      reports_.back().secondary_ts != 0) {
    reports_.push_back(applied);
  } else {
    const uint64_t rows = reports_.back().rows + applied.rows;
    reports_.back() = applied;
    reports_.back().rows = rows;
  }
  last_applied_ = applied;
}

void Dispatcher::advance_low_water() {
  bool has_advanced = false;
  while (!entries_.empty() && entries_.front().is_finished) {
    if (entries_.front().is_progress) report(entries_.front().applied);
    bytes_ -= entries_.front().bytes;
    entries_.pop_front();
    ++base_;
    has_advanced = true;
  }
  if (!has_advanced) return;
  turn_limit_.note_turn(clock_.now());
  room_.notify_all();
  applied_.notify_all();
  turn_.notify_all();
}

std::optional<Applied> Dispatcher::next_applied(const StopToken& stop) {
  MutexLock lock(mutex_);
  applied_.wait(mutex_, stop, [&]() NO_THREAD_SAFETY_ANALYSIS {
    return !reports_.empty() || is_failed_ || workers_left_ == 0 ||
           (is_closed_ && entries_.empty());
  });
  if (reports_.empty()) return std::nullopt;
  Applied report = reports_.front();
  reports_.pop_front();
  room_.notify_all();
  return report;
}

}  // namespace drainer::mysql
