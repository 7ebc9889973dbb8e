#include "syncer/mysql/mysql_sink.h"

#include <algorithm>
#include <utility>

#include "drainer/base/log.h"
#include "drainer/base/metrics.h"
#include "loopback/mark_table.h"

namespace drainer::mysql {
namespace {

/// As many as the original caches, but bytes are counted too. One transaction is always let in.
constexpr QueueLimits kInputLimits{.items = 1024, .bytes = 64 << 20};
constexpr QueueLimits kAppliedLimits{.items = 1024, .bytes = 1 << 20};
/// Rows of a downstream transaction: this many times `txn-batch`.
constexpr int64_t kRowsPerTxnBatch = 50;
constexpr size_t kBatchBytes = 8 << 20;
constexpr size_t kBatchTxns = 1024;
constexpr Duration kSecondaryTsInterval = std::chrono::seconds(60);
constexpr int32_t kUnsupportedByServer = 1105;

BatchLimits batch_limits(const SyncerOptions& options) {
  if (!options.enable_dispatch) return {.txns = 1, .rows = 0, .bytes = 0};
  return {.txns = kBatchTxns,
          .rows = static_cast<uint64_t>(std::max<int64_t>(options.txn_batch, 1) * kRowsPerTxnBatch),
          .bytes = kBatchBytes};
}

Gauge& queue_gauge() {
  static Gauge& gauge =
      metrics().gauge("binlog_drainer_queue_size", "the size of queue", {{"name", "worker_0"}});
  return gauge;
}

Result<void> set_up_marks(const SyncerOptions& syncer, Session& session) {
  const loopback::MarkTable marks(syncer.channel_id);
  for (const std::string& sql : marks.setup_statements(syncer.worker_count)) {
    auto done = session.execute(sql);
    if (!done.ok()) return std::move(done).error().because("set up the mark table: {}", sql);
  }
  return {};
}

}  // namespace

MysqlSink::Start MysqlSink::decide_start(const MysqlSinkOptions& options,
                                         const std::optional<ProgressTable::Previous>& previous) {
  // Without our own progress the checkpoint is a Go drainer's or none; after its crash the
  // downstream may hold more.
  const Start from_checkpoint{.state = {.commit_ts = options.checkpoint_ts},
                              .is_safe = options.has_checkpoint && !options.is_consistent};
  if (!previous) return from_checkpoint;
  if (options.checkpoint_ts < previous->checkpoint_ts) {
    log_warn("the checkpoint has been moved back since the last start; starting there",
             {{"checkpoint", options.checkpoint_ts},
              {"checkpoint of the last start", previous->checkpoint_ts},
              {"applied", previous->state.commit_ts}});
    return {.state = {.commit_ts = options.checkpoint_ts}, .is_safe = true};
  }
  if (options.checkpoint_ts > previous->state.commit_ts) return from_checkpoint;
  return {.state = previous->state, .is_safe = false};
}

Result<std::unique_ptr<MysqlSink>> MysqlSink::open(MysqlSinkOptions options, Clock& clock) {
  ASSIGN_OR_RETURN(const Downstream downstream,
                   probe_downstream(options.syncer.to, options.syncer.sql_mode));
  ASSIGN_OR_RETURN(auto session, Session::open(downstream.dml));
  if (options.syncer.loopback_control) TRY(set_up_marks(options.syncer, *session));
  ProgressTable progress({.schema = options.progress_schema,
                          .cluster_id = options.cluster_id,
                          .worker = 0,
                          .owner = make_owner_name()});
  TRY(progress.create(*session));
  ASSIGN_OR_RETURN(const auto previous, progress.take_over(*session));
  const Start start = decide_start(options, previous);
  TRY(progress.start_at(*session, start.state, options.checkpoint_ts));
  log_info("mysql sink starts", {{"applied", start.state.commit_ts},
                                 {"checkpoint", options.checkpoint_ts},
                                 {"safe mode", start.is_safe || options.syncer.safe_mode}});

  WorkerOptions worker{.session = downstream.dml,
                       .missing_columns = options.syncer.to.sync_mode == kSyncModePartialColumns
                                              ? MissingColumns::kDrop
                                              : MissingColumns::kFail,
                       .mismatch = options.mismatch,
                       .safe_mode = options.syncer.safe_mode,
                       .safe_until = std::nullopt,
                       .attempts_max = options.attempts_max,
                       .max_allowed_packet = downstream.max_allowed_packet,
                       .txn_bytes_max = options.txn_bytes_max,
                       .mark = std::nullopt};
  if (options.syncer.loopback_control) {
    worker.mark = loopback::MarkTable(options.syncer.channel_id).mark_of(/*writer=*/0);
  }
  if (start.is_safe) worker.safe_until = clock.now() + options.safe_window;
  return std::unique_ptr<MysqlSink>(new MysqlSink(  // NOLINT: private constructor
      options, downstream,
      Worker(std::move(worker), std::move(progress), std::move(session), start.state, clock), start,
      clock));
}

MysqlSink::MysqlSink(const MysqlSinkOptions& options, const Downstream& downstream, Worker worker,
                     const Start& start, Clock& clock)
    : clock_(clock),
      time_zone_(downstream.time_zone),
      resume_from_(start.state.commit_ts),
      starts_in_safe_mode_(start.is_safe || options.syncer.safe_mode),
      is_tidb_(options.syncer.db_type == "tidb"),
      input_(kInputLimits),
      applied_(kAppliedLimits),
      last_submitted_(start.state.commit_ts),
      batcher_(input_, batch_limits(options.syncer)),
      worker_(std::move(worker)),
      ddl_(downstream.ddl, options.attempts_max, clock) {}

void MysqlSink::start(ThreadGroup& threads) {
  threads.start("mysql:0", [this](const StopToken& stop) { return run(stop); });
}

Result<void> MysqlSink::submit(Txn txn, const StopToken& stop) {
  CHECK(txn.commit_ts > last_submitted_, "commit ts {} after {}", txn.commit_ts, last_submitted_);
  last_submitted_ = txn.commit_ts;
  const size_t bytes = txn.size_bytes();
  if (!input_.push(std::move(txn), bytes, stop)) return make_error(ErrorCode::kStopped, "stopped");
  return {};
}

std::optional<Applied> MysqlSink::next_applied(const StopToken& stop) {
  return applied_.pop(stop);
}

CommitTs MysqlSink::resume_from(CommitTs /*checkpoint*/) const {
  return resume_from_;
}

Result<void> MysqlSink::run(const StopToken& stop) {
  auto result = run_batches(stop);
  applied_.close();
  return result;
}

Result<void> MysqlSink::run_batches(const StopToken& stop) {
  while (auto batch = batcher_.next(stop)) {
    queue_gauge().set(static_cast<double>(batch->rows));
    if (batch->is_ddl()) {
      TRY(run_ddl(batch->txns[0], stop));
    } else {
      TRY(worker_.apply(batch->txns, stop));
    }
    const Txn& last = batch->txns.back();
    const Applied applied{.commit_ts = last.commit_ts,
                          .schema_version = last.schema_version,
                          .is_ddl = batch->is_ddl(),
                          .secondary_ts = take_secondary_ts(),
                          .rows = batch->rows};
    if (!applied_.push(applied, sizeof applied, stop)) break;
  }
  return {};
}

Result<void> MysqlSink::run_ddl(const Txn& txn, const StopToken& stop) {
  const Ddl& ddl = *txn.ddl;
  const bool is_executed =
      !ddl.should_skip && ddl.effect.action == schema::DdlEffect::Action::kExecute;
  if (is_executed) {
    ASSIGN_OR_RETURN(const bool may_be_done, worker_.begin_ddl(txn.commit_ts, stop));
    TRY(ddl_.run(ddl, txn.commit_ts, may_be_done, stop));
  }
  for (const schema::TableName& name : ddl.effect.touched) worker_.evict(name);
  worker_.evict(ddl.effect.name);
  return worker_.finish_ddl(txn.commit_ts, stop);
}

int64_t MysqlSink::take_secondary_ts() {
  if (!is_tidb_) return 0;
  const TimePoint now = clock_.now();
  if (last_secondary_ts_ && now - *last_secondary_ts_ <= kSecondaryTsInterval) return 0;
  last_secondary_ts_ = now;
  auto position = worker_.downstream_ts();
  if (position.ok()) return *position;
  if (position.error().detail() != kUnsupportedByServer) {
    log_warn("get ts from secondary cluster failed", {{"error", position.error()}});
  }
  return 0;
}

}  // namespace drainer::mysql
