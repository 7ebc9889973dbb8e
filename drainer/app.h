#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conf/options.h"
#include "drainer/base/clock.h"
#include "drainer/base/threads.h"
#include "drainer/cluster/heartbeat.h"
#include "drainer/cluster/safepoint.h"
#include "drainer/end_signals.h"
#include "drainer/pipeline.h"
#include "drainer/rpc/tls.h"
#include "drainer/schema/schema.h"
#include "drainer/schema_keeper.h"
#include "drainer/server/metrics_push.h"
#include "drainer/server/server.h"
#include "drainer/upstream.h"
#include "syncer/checkpoint/checkpoint.h"
#include "syncer/progress.h"
#include "syncer/sink.h"

namespace drainer {

/// The whole program: builds the parts, starts their threads, stops them in stream order
/// (spec/drainer-process.md 2.1, 2.4). The only place that knows every class. One thread.
class App {
 public:
  explicit App(Options options) : options_(std::move(options)) {}

  /// Until a signal or the first error. 0 after a signal, 1 when it did not come to replicate, 2
  /// when that failed later. The error is logged, and printed on standard error for people.
  int run();

 private:
  Result<void> start();
  Result<void> register_node();
  Result<void> begin_progress();
  Result<void> open_server();
  server::Status status() const;
  Result<void> open_downstream();
  Result<void> open_schema();
  Result<void> start_threads();
  Result<void> stop();
  void commit_status();
  Result<void> drain_sink();
  SaveEnds save_ends() const {
    return {.stopping = asked_to_end_.get_token(), .give_up = saves_end_.get_token()};
  }
  void ask_to_end() {
    asked_to_end_.request_stop();
    stop_.request_stop();
  }
  bool is_signalled() const { return signals_ != nullptr && signals_->has_come(); }
  void fail() {
    has_failed_ = true;
    stop_.request_stop();
  }
  int report(const Error& error, int code);

  const Options options_;
  SystemClock clock_;
  StopSource stop_;
  StopSource asked_to_end_;  ///< by a signal or over the port, which is not until-commit-ts
  StopSource saves_end_;     ///< kDrainLimit after the begin of the end
  std::atomic<bool> has_failed_ = false;
  bool has_registered_ = false;  ///< or tried to

  std::string node_id_;
  std::shared_ptr<const rpc::TlsContext> tls_;
  std::unique_ptr<Upstream> upstream_;
  std::unique_ptr<Checkpoint> checkpoint_;
  SavePoint start_point_;
  std::unique_ptr<schema::Schema> schema_;
  std::unique_ptr<SchemaKeeper> schema_keeper_;  ///< not with load-schema-snapshot
  std::unique_ptr<Sink> sink_;
  SyncerRules rules_;

  std::unique_ptr<Pipeline> pipeline_;  ///< once it replicates
  std::unique_ptr<Progress> progress_;
  std::unique_ptr<cluster::Heartbeat> heartbeat_;
  std::unique_ptr<server::Server> server_;
  std::unique_ptr<server::MetricsPusher> metrics_pusher_;
  std::unique_ptr<cluster::SafePointKeeper> safe_point_;  ///< only with load-schema-snapshot

  // In stream order behind the pipeline's; stop() goes through them in it. Destroyed before what
  // they use.
  ThreadGroup sink_threads_{[this] { fail(); }};
  ThreadGroup progress_threads_{[this] { fail(); }};
  ThreadGroup service_threads_{[this] { fail(); }};
  std::unique_ptr<EndSignals> signals_;  ///< null until start() has set up the log
};

}  // namespace drainer
