#include "syncer/mysql/mysql_sink.h"

#include <algorithm>
#include <utility>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"
#include "syncer/mysql/ddl_facts.h"
#include "syncer/mysql/ddl_lock.h"
#include "syncer/mysql/progress_row.h"
#include "syncer/mysql/rows/conflict_policy.h"
#include "syncer/mysql/rows/conflict_resolver.h"

namespace drainer::mysql {
namespace {

/// As many as the original caches, but bytes are counted too. One transaction is always let in.
constexpr size_t kInputItems = 1024;
/// Rows of a downstream transaction: this many times `txn-batch`.
constexpr int64_t kRowsPerTxnBatch = 50;
constexpr size_t kGroupBytes = 8 << 20;
constexpr size_t kGroupTxns = 1024;
constexpr size_t kWindowTxns = 8192;

/// Of the memory so much waits for the planner; the rest is in the window.
size_t input_bytes(const MysqlSinkOptions& options) {
  return options.memory_bytes / 5;
}

DispatchLimits dispatch_limits(const MysqlSinkOptions& sink) {
  const SyncerOptions& options = sink.syncer;
  DispatchLimits limits{.workers = static_cast<size_t>(std::max<int64_t>(options.worker_count, 1)),
                        .group_txns = kGroupTxns,
                        .group_rows = static_cast<uint64_t>(
                            std::max<int64_t>(options.txn_batch, 1) * kRowsPerTxnBatch),
                        .group_bytes = kGroupBytes,
                        .window_txns = kWindowTxns,
                        .window_bytes = sink.memory_bytes - input_bytes(sink),
                        .is_commit_ordered = options.apply.commit_order};
  if (!options.enable_dispatch) {
    limits.workers = 1;
    limits.group_txns = 1;
  }
  return limits;
}

Histogram& commit_latency() {
  static Histogram& histogram = metric::mysql_commit_latency_seconds();
  return histogram;
}

void observe_latency(const Group& group, int64_t now_unix_ms) {
  for (const PlannedTxn& planned : group.txns) {
    const int64_t received = planned.txn.received_unix_ms();
    if (planned.txn.rows.empty() || received == 0) continue;
    const int64_t ms = std::max<int64_t>(now_unix_ms - received, 0);
    commit_latency().observe(static_cast<double>(ms) / 1000);
  }
}

size_t rows_of(const Group& group) {
  size_t rows = 0;
  for (const auto& planned : group.txns) rows += planned.txn.rows.size();
  return rows;
}

/// Where conflicts are recorded; empty: nowhere.
std::string conflict_table(const MysqlSinkOptions& options) {
  std::string table;
  if (options.syncer.apply.record_conflicts) {
    append_table_name(table, options.progress_table.schema, kConflictTableName);
  }
  return table;
}

/// Of MysqlSinkOptions::safe_until, where there is no PD.
constexpr CommitTs kNoEnd{INT64_MAX};

}  // namespace

Result<std::unique_ptr<MysqlSink>> MysqlSink::open(MysqlSinkOptions options, Clock& clock,
                                                   const StopToken& stop) {
  ASSIGN_OR_RETURN(const Downstream downstream,
                   probe_downstream(options.syncer.to, options.syncer.sql_mode));
  ASSIGN_OR_RETURN(auto session, Session::open(downstream.dml));
  ASSIGN_OR_RETURN(const ConflictPolicies conflicts, ConflictPolicies::make(options.syncer));
  if (const std::string table = conflict_table(options); !table.empty()) {
    TRY(create_conflict_table(*session, options.progress_table.schema, table));
  }
  const ProgressTable::Id id{.table = options.progress_table,
                             .cluster_id = options.cluster_id,
                             .owner = make_owner_name()};
  const size_t workers = dispatch_limits(options).workers;
  ASSIGN_OR_RETURN(const SinkStart start, take_over(*session, options, id, workers, clock, stop));
  const bool is_safe = start.safe_until.value > 0;
  log_info("mysql sink starts", {{"applied", start.state.commit_ts},
                                 {"applied above", start.state.spans.size()},
                                 {"checkpoint", start.checkpoint_ts},
                                 {"workers", workers},
                                 {"safe mode", is_safe || options.syncer.safe_mode},
                                 {"safe until", start.safe_until}});
  return std::unique_ptr<MysqlSink>(new MysqlSink(  // NOLINT: private constructor
      options, downstream, id, conflicts, std::move(session), start, clock));
}

MysqlSink::MysqlSink(const MysqlSinkOptions& options, const Downstream& downstream,
                     const ProgressTable::Id& progress, const ConflictPolicies& conflicts,
                     std::unique_ptr<Session> session, const SinkStart& start, Clock& clock)
    : time_zone_(downstream.time_zone),
      resume_from_(start.state.commit_ts),
      // Without PD nobody knows where the overlap ends: at the end of the recovery's log.
      holds_up_to_(std::max(start.state.last_ts(),
                            start.safe_until == kNoEnd ? CommitTs() : start.safe_until)),
      starts_in_safe_mode_(start.safe_until.value > 0 || options.syncer.safe_mode),
      clock_(clock),
      is_commit_ordered_(options.syncer.apply.commit_order),
      input_({.items = kInputItems, .bytes = input_bytes(options)}),
      last_submitted_(start.state.commit_ts),
      tables_(downstream.may_see_triggers),
      plans_(tables_,
             options.missing_columns.value_or(options.syncer.to.sync_mode == kSyncModePartialColumns
                                                  ? MissingColumns::kDrop
                                                  : MissingColumns::kFail),
             conflicts, clock),
      dispatcher_(dispatch_limits(options), start.state.commit_ts, clock),
      slow_(clock),
      in_hand_(dispatch_limits(options).workers, options.attempts_max, clock),
      note_(progress, downstream.dml, start.checkpoint_ts, clock),
      planner_({.session = downstream.dml,
                .attempts_max = options.attempts_max,
                .asks_secondary_ts = options.syncer.db_type == "tidb"},
               std::move(session), start.state, tables_, dispatcher_, clock) {
  WorkerOptions worker{.session = downstream.dml,
                       .writer = {.mismatch = options.syncer.apply.on_row_mismatch,
                                  .conflict_table = conflict_table(options),
                                  .cluster_id = options.cluster_id,
                                  .max_allowed_packet = downstream.max_allowed_packet,
                                  .marks = std::nullopt},
                       .safe_mode = options.syncer.safe_mode,
                       .safe_until = start.safe_until,
                       .attempts_max = options.attempts_max,
                       .txn_bytes_max = options.txn_bytes_max,
                       .dispatcher = &dispatcher_,
                       .is_commit_ordered = options.syncer.apply.commit_order};
  for (size_t i = 0; i < dispatch_limits(options).workers; ++i) {
    if (options.syncer.loopback_control) {
      worker.writer.marks.emplace(options.syncer.channel_id, static_cast<int64_t>(i));
    }
    worker.on_retry = [this, i](int attempts, const Error& error) {
      in_hand_.failed(i, attempts, error);
    };
    slots_.push_back({.worker = Worker(worker, ProgressRow(progress, i),
                                       i == 0 ? start.state : AppliedState(), plans_, clock),
                      .ddl = DdlRunner(downstream.ddl, DdlLock(progress), options.attempts_max,
                                       clock, worker.on_retry)});
  }
}

void MysqlSink::start(ThreadGroup& threads) {
  threads.start("mysql:plan", [this](const StopToken& stop) { return run_planner(stop); });
  for (size_t i = 0; i < slots_.size(); ++i) {
    threads.start(fmt::format("mysql:{}", i),
                  [this, i](const StopToken& stop) { return run_worker(i, stop); });
  }
}

Result<void> MysqlSink::submit(Txn txn, const StopToken& stop) {
  if (txn.is_progress()) {
    CHECK(txn.commit_ts > last_submitted_, "commit ts {} after {}", txn.commit_ts, last_submitted_);
    last_submitted_ = txn.commit_ts;
  }
  const size_t bytes = txn.size_bytes();
  if (!input_.push(std::move(txn), bytes, stop)) return stopped();
  return {};
}

std::optional<Applied> MysqlSink::next_applied(const StopToken& stop) {
  return dispatcher_.next_applied(stop);
}

CommitTs MysqlSink::resume_from(CommitTs /*checkpoint*/) const {
  return resume_from_;
}

Result<void> MysqlSink::run_planner(const StopToken& stop) {
  auto result = planner_.run(input_, stop);
  if (!result.ok()) dispatcher_.fail();
  dispatcher_.close();
  return result;
}

Result<void> MysqlSink::run_worker(size_t number, const StopToken& stop) {
  auto result = run_groups(number, stop);
  if (!result.ok()) dispatcher_.fail();
  dispatcher_.leave();
  return result;
}

Result<void> MysqlSink::run_groups(size_t number, const StopToken& stop) {
  Slot& slot = slots_[number];
  // KEEP: only ten workers are shown.
  Gauge* rows_in_hand =
      number < 10 ? &metric::queue_size(fmt::format("worker_{}", number)) : nullptr;
  while (const auto group = dispatcher_.take(number, stop)) {
    const size_t rows = rows_of(*group);
    const Txn& last = group->txns.back().txn;
    if (rows_in_hand != nullptr) rows_in_hand->set(static_cast<double>(rows));
    const TimePoint begin = clock_.now();
    in_hand_.begin(number, {.commit_ts = last.commit_ts,
                            .rows = rows,
                            .sql = group->is_ddl() ? last.ddl->text : std::string()});
    if (group->is_ddl()) {
      TRY(run_ddl(slot, *group, stop));
    } else if (rows > 0) {
      // Else there is nothing to write: the next transaction with rows, or the next checkpoint,
      // tells of it. In a pair each side would answer the progress of the other for ever.
      TRY(slot.worker.apply(*group, stop));
      observe_latency(*group, clock_.unix_ms());
    }
    in_hand_.end(number);
    slow_.note(group->is_ddl() ? "DDL" : "transaction", begin, last.commit_ts);
    dispatcher_.finish(*group);
  }
  return {};
}

Result<void> MysqlSink::run_ddl(Slot& slot, const Group& group, const StopToken& stop) {
  const Txn& txn = group.txns[0].txn;
  const Ddl& ddl = *txn.ddl;
  const bool is_executed =
      !ddl.should_skip && ddl.effect.action == schema::DdlEffect::Action::kExecute;
  // The order of commits holds for DDL as well.
  if (is_commit_ordered_ && !dispatcher_.wait_turn(group, TurnWait::kEmptyHanded, stop)) {
    return stopped();
  }
  if (is_executed) {
    DdlRunner::Journal journal{.facts = group.txns[0].ddl_facts,
                               .may_be_done = group.txns[0].is_begun_ddl};
    if (!journal.may_be_done) {
      journal.facts = slot.ddl.read_facts(ddl, stop);
      TRY(slot.worker.begin_ddl(group, journal_mark(ddl) + journal.facts, stop));
    }
    TRY(slot.ddl.run(ddl, txn.commit_ts, std::move(journal), stop));
  }
  // Also after one that was skipped: the operator may have run it.
  plans_.evict(ddl.effect.touched);
  plans_.evict({&ddl.effect.name, 1});
  // An early one stays noted as begun until the rows behind it are applied: after a crash it is
  // looked at again.
  if (ddl.is_early) return {};
  return slot.worker.finish_ddl(group, stop);
}

}  // namespace drainer::mysql
