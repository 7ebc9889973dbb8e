#include "drainer/app.h"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "conf/options_json.h"
#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"
#include "drainer/base/log_control.h"
#include "drainer/drain_limit.h"
#include "drainer/log_setup.h"
#include "drainer/node_id.h"
#include "drainer/pair_checks.h"
#include "drainer/relay_recovery.h"
#include "drainer/rules.h"
#include "drainer/schema/schema_store.h"
#include "drainer/schema_source.h"
#include "drainer/sinks.h"
#include "drainer/start_position.h"
#include "drainer/task.h"
#include "syncer/checkpoint/open_checkpoint.h"

namespace drainer {

namespace {

constexpr Duration kWatchInterval = std::chrono::seconds(10);

}  // namespace

int App::run() {
  Result<void> started = start();
  if (started.ok()) started = register_node();
  if (started.ok()) started = begin_progress();
  if (started.ok()) started = start_threads();
  if (started.ok()) {
    Mutex mutex;
    CondVar never;
    MutexLock lock(mutex);
    never.wait(mutex, stop_.get_token(), [] { return false; });
  }
  stop_.request_stop();
  Result<void> stopped = stop();
  if (!started.ok() && !(is_signalled() && started.error().code() == ErrorCode::kStopped)) {
    return report(started.error(), has_registered_ ? 2 : 1);
  }
  if (!stopped.ok()) return report(stopped.error(), 2);
  log_info("drainer exit");
  return 0;
}

int App::report(const Error& error, int code) {
  if (code == 1) {
    log_fatal("create drainer server failed", {{"error", error}});
  } else {
    log_error("start drainer server failed", {{"error", error}});
  }
  std::fprintf(stderr, "drainer: %s\n", error.to_string().c_str());
  return code;
}

Result<void> App::start() {
  TRY(set_up_log(options_));
  const auto reopens_log = [this](int signal) {
    if (signal != SIGHUP || !options_.log.reopen_on_sighup) return false;
    reopen_log();
    log_info("log file opened again", {{"file", options_.log_file}});
    return true;
  };
  ASSIGN_OR_RETURN(signals_,
                   EndSignals::open({.takes = reopens_log, .on_end = [this] { ask_to_end(); }}));
  log_info("start drainer...", {{"config", options_json(options_)}});
  ASSIGN_OR_RETURN(node_id_, make_node_id(options_));
  std::error_code made;
  std::filesystem::create_directories(options_.data_dir, made);
  if (made)
    return make_error(ErrorCode::kInvalid, "mkdir {}: {}", options_.data_dir, made.message());
  ASSIGN_OR_RETURN(tls_, open_tls(options_.security));
  TRY(open_server());
  auto upstream = Upstream::open(options_, tls_, clock_, stop_.get_token());
  if (!upstream.ok()) {
    if (!is_signalled()) TRY(recover_from_relay(options_, clock_, signals_->tokens()));
    return std::move(upstream).error();
  }
  upstream_ = std::move(upstream).value();
  // Before the downstream is taken over from a drainer that may be well.
  ASSIGN_OR_RETURN(rules_, make_rules(options_));
  rules_.started_at = upstream_->started_at;
  TRY(open_downstream());
  TRY(open_schema());
  sink_->note_tables(*schema_, rules_.table_filter);
  return {};
}

// From here on the registry shows this node, whatever it held before. FIX: the original takes over
// another drainer's entry without a word.
Result<void> App::register_node() {
  heartbeat_ = std::make_unique<cluster::Heartbeat>(
      cluster::Heartbeat::Options{
          .node_id = node_id_, .host = options_.advertise_addr, .start_ts = upstream_->started_at},
      *upstream_->registry, clock_);
  heartbeat_->set_max_commit_ts(start_point_.commit_ts);
  has_registered_ = true;
  TRY(heartbeat_->write(stop_.get_token()));
  log_info("register success", {{"drainer node id", node_id_}});
  return {};
}

// By this thread, before there is one that writes downstream.
Result<void> App::begin_progress() {
  progress_ = std::make_unique<Progress>(*sink_, *checkpoint_, start_point_, clock_,
                                         [this](CommitTs saved) {
                                           heartbeat_->set_max_commit_ts(saved);
                                           if (schema_keeper_) schema_keeper_->note_saved(saved);
                                         });
  return progress_->begin(stop_.get_token());
}

Result<void> App::open_server() {
  metric::create_at_start();
  const auto end_as = [this](cluster::NodeState state) {
    return [this, state] {
      if (heartbeat_) heartbeat_->set_state(state);
      ask_to_end();
    };
  };
  server::ServerCallbacks callbacks{
      .status = [this] { return status(); },
      .commit_ts = [this] { return progress_->figures().saved_ts; },
      .state = [this] { return std::string(cluster::to_string(heartbeat_->state())); },
      .on_pause = end_as(cluster::NodeState::kPausing),
      .on_close = end_as(cluster::NodeState::kClosing),
      .notify = [this](const StopToken& stop) -> Result<void> {
        if (stop_.stop_requested()) return make_error(ErrorCode::kStopped, "drainer is closing");
        return pipeline_->refresh_pumps(stop);
      }};
  // Bound before anything is written anywhere (FIX, drainer-process.md 2.1); served once all is up.
  ASSIGN_OR_RETURN(server_,
                   server::Server::open({.addr = options_.addr, .node_id = node_id_, .tls = tls_},
                                        std::move(callbacks), clock_, stop_.get_token()));
  return {};
}

server::Status App::status() const {
  server::Status out{.last_ts = progress_->figures().saved_ts};
  if (const auto positions = pipeline_->pump_positions()) {
    out.pump_positions.emplace();
    for (const auto& [pump, at] : *positions) out.pump_positions->emplace(pump.value, at);
  }
  out.synced = progress_->figures().is_synced(clock_.now(), options_.synced_check_time_min);
  if (safe_point_) {
    const cluster::SafePointKeeper::Status gc = safe_point_->status();
    out.gc_safe_point = {.is_held = gc.is_held,
                         .wanted = gc.requested,
                         .minimum = gc.minimum,
                         .seconds_left = safe_point_->seconds_left()};
  }
  return out;
}

Result<void> App::open_downstream() {
  const CommitTs now = upstream_->started_at;
  ASSIGN_OR_RETURN(checkpoint_, open_checkpoint(options_, upstream_->pd->cluster_id(), clock_));
  ASSIGN_OR_RETURN(const StartPosition start, find_start(options_, *checkpoint_, now));
  start_point_ = start.save_point;
  ASSIGN_OR_RETURN(sink_, open_sink(options_,
                                    {.cluster_id = upstream_->pd->cluster_id(),
                                     .save_point = start_point_,
                                     .has_checkpoint = start.has_checkpoint,
                                     .is_start_given = start.is_start_given,
                                     .checkpoint = checkpoint_.get(),
                                     .opened_at = now},
                                    clock_, stop_.get_token()));
  // The downstream itself may know more than the checkpoint: what it holds is not pulled again.
  start_point_.commit_ts = sink_->resume_from(start_point_.commit_ts);
  if (!start.has_checkpoint && !start.is_start_given && start_point_.commit_ts == now) {
    TRY(check_left_out(options_, find_reached(options_.data_dir, upstream_->pd->cluster_id())));
  }
  return {};
}

Result<void> App::open_schema() {
  if (options_.syncer.load_schema_snapshot) {
    // Held before it is read (FIX, upstream-protocols.md 5.6), then renewed by a thread of its own.
    safe_point_ = std::make_unique<cluster::SafePointKeeper>(*upstream_->pd, clock_, [this] {
      return progress_ ? progress_->figures().saved_ts : start_point_.commit_ts;
    });
    TRY(safe_point_->pin(stop_.get_token()));
  }
  const uint64_t cluster_id = upstream_->pd->cluster_id();
  ASSIGN_OR_RETURN(LoadedSchema loaded, load_schema(options_, cluster_id, start_point_,
                                                    *upstream_->meta, stop_.get_token()));
  schema_ = std::move(loaded.schema);
  TRY(check_pair(options_.syncer, *schema_, *upstream_->registry, node_id_, stop_.get_token()));
  if (options_.syncer.load_schema_snapshot) return {};
  schema_keeper_ = std::make_unique<SchemaKeeper>(schema::schema_store_path(options_.data_dir),
                                                  cluster_id, clock_);
  if (loaded.is_stored) schema_keeper_->set_unchanged(*schema_);
  return {};
}

Result<void> App::start_threads() {
  pipeline_ = std::make_unique<Pipeline>(
      options_,
      Pipeline::Neighbours{
          .upstream = *upstream_, .tls = tls_, .schema = *schema_, .rules = rules_, .sink = *sink_},
      start_point_.commit_ts, clock_, [this] { fail(); });
  Syncer::OnHandled on_handled;
  if (schema_keeper_) {
    on_handled = [this](const schema::Schema& schema, CommitTs commit_ts) {
      schema_keeper_->offer(schema, commit_ts);
    };
    service_threads_.start("schema-keeper",
                           [this](const StopToken& stop) { return schema_keeper_->run(stop); });
  }
  progress_threads_.start("progress", [this](const StopToken& stop) -> Result<void> {
    Result<void> result = progress_->run(stop, save_ends());
    // Also the end of a run with until-commit-ts: the syncer has closed the sink, all is saved.
    stop_.request_stop();
    return result;
  });
  sink_->start(sink_threads_);
  pipeline_->start(std::move(on_handled));
  TRY(server_->start(service_threads_));
  log_info("start to server request",
           {{"addr", (tls_ ? "https://" : "http://") + options_.advertise_addr}});
  if (!options_.metrics_addr.empty() && options_.metrics_interval_s > 0) {
    metrics_pusher_ = std::make_unique<server::MetricsPusher>(
        server::MetricsPusher::Options{
            .address = options_.metrics_addr,
            .node_id = node_id_,
            .interval = std::chrono::seconds(options_.metrics_interval_s)},
        clock_);
    start_task(service_threads_, "metrics",
               [this](const StopToken& s) { return metrics_pusher_->run(s); });
  }
  start_task(service_threads_, "heartbeat",
             [this](const StopToken& s) { return heartbeat_->run(s); });
  if (safe_point_) {
    start_task(service_threads_, "gc_safepoint",
               [this](const StopToken& s) { return safe_point_->run(s); });
  }
  service_threads_.start("watch", [this](const StopToken& stop) -> Result<void> {
    while (clock_.sleep_for(kWatchInterval, stop)) sink_->log_unfinished();
    return {};
  });
  service_threads_.start("pd", [this](const StopToken& stop) { return upstream_->pd->run(stop); });
  return {};
}

// KEEP: the state is written before the queues are drained, so that a supervisor who does not wait
// for that end leaves no drainer behind that looks alive.
void App::commit_status() {
  const bool is_closing = heartbeat_->state() == cluster::NodeState::kClosing;
  heartbeat_->set_state(is_closing ? cluster::NodeState::kOffline : cluster::NodeState::kPaused);
  // The registry is told even when the program ends by an error; it has its own deadline.
  if (Result<void> told = heartbeat_->write(StopToken()); !told.ok()) {
    log_error("update status failed", {{"id", node_id_}, {"error", told.error()}});
  } else {
    log_info("has already update status", {{"id", node_id_}});
  }
  log_info("commit status done");
}

// The first error, if there is one.
Result<void> App::drain_sink() {
  if (has_failed_) sink_threads_.request_stop();
  ThreadGroup limit;
  limit.start("drain-limit", [this](const StopToken& ended) -> Result<void> {
    TRY(stop_after_limit(sink_threads_, clock_, ended));
    if (!ended.stop_requested()) saves_end_.request_stop();
    return {};
  });
  Result<void> drained = sink_threads_.wait();
  // The sink has closed its reports by now, so this ends when the last is saved.
  Result<void> saved = progress_threads_.wait();
  const bool is_drained = progress_->figures().applied_ts >=
                          std::max(pipeline_->syncer().last_submitted(), sink_->holds_up_to());
  if (drained.ok() && saved.ok() && !has_failed_ && is_drained) {
    saved = progress_->save_consistent(save_ends());
  }
  limit.request_stop();
  (void)limit.wait();
  return drained.ok() ? saved : drained;
}

Result<void> App::stop() {
  Result<void> first;
  const auto keep_first = [&first](Result<void> result) {
    if (first.ok() && !result.ok()) first = std::move(result);
  };
  // Also when the start ended while the registry was being told: that may show us online.
  if (has_registered_) {
    log_info("begin to close drainer server");
    commit_status();
  }
  if (pipeline_) {
    keep_first(pipeline_->stop());
    keep_first(drain_sink());
    log_info("applied in this run", {{"commit ts", progress_->figures().applied_ts},
                                     {"rows", progress_->figures().applied_rows}});
  }
  service_threads_.request_stop();
  keep_first(service_threads_.wait());
  // Only a node that does not come back needs no schema of its checkpoint's time.
  if (pipeline_ && safe_point_ && heartbeat_->state() == cluster::NodeState::kOffline) {
    safe_point_->release();
  }
  const bool is_settled = pipeline_ && first.ok() && pipeline_->syncer().is_schema_settled() &&
                          progress_->figures().saved_ts >= pipeline_->syncer().last_submitted();
  if (is_settled && schema_keeper_) {
    schema_keeper_->write_last(*schema_, pipeline_->syncer().last_submitted());
  }
  // FIX: once more, with the commit ts that the drained queues have brought.
  if (pipeline_) (void)heartbeat_->write(StopToken());
  return first;
}

}  // namespace drainer
