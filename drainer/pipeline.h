#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "conf/options.h"
#include "drainer/base/clock.h"
#include "drainer/base/queue.h"
#include "drainer/base/threads.h"
#include "drainer/newer_jobs.h"
#include "drainer/rpc/tls.h"
#include "drainer/schema/schema.h"
#include "drainer/upstream.h"
#include "pump_client/collector.h"
#include "pump_client/merger.h"
#include "pump_client/pump_set.h"
#include "syncer/sink.h"
#include "syncer/syncer.h"

namespace drainer {

/// The way of a binlog from the pumps to the sink: pulled, merged by commit ts, collected with its
/// DDL job, translated and submitted. Owns these parts, what waits between them, and their threads.
///
/// One thread, but refresh_pumps() and pump_positions(), which are for any once it is started.
class Pipeline {
 public:
  /// All must outlive it.
  struct Neighbours {
    Upstream& upstream;
    std::shared_ptr<const rpc::TlsContext> tls;
    schema::Schema& schema;
    const SyncerRules& rules;
    Sink& sink;
  };
  /// Binlogs up to `start` are not asked for. `on_failure` is called by a thread that fails.
  Pipeline(const Options& options, const Neighbours& neighbours, CommitTs start, Clock& clock,
           const std::function<void()>& on_failure);

  /// `on_handled` hears of each binlog that the schema has followed, by the syncer's thread.
  void start(Syncer::OnHandled on_handled);
  /// The pumps first, then the syncer, so that what has arrived is submitted. The first error.
  Result<void> stop();

  /// PumpSet::refresh().
  Result<void> refresh_pumps(const StopToken& stop) { return pumps_.refresh(stop); }
  /// PumpSet::positions().
  std::optional<std::map<PumpId, CommitTs>> pump_positions() const { return pumps_.positions(); }
  /// Only to be asked after stop().
  const Syncer& syncer() const { return syncer_; }

 private:
  Merger merger_;
  const PumpStreamOptions pump_options_;
  PumpSet pumps_;
  BoundedQueue<tidb::BinlogItem> binlogs_;
  Collector collector_;
  NewerJobs newer_jobs_;
  Syncer syncer_;
  // Destroyed before what their threads use. In stream order; stop() goes through them in it.
  ThreadGroup upstream_threads_;
  ThreadGroup syncer_threads_;
};

}  // namespace drainer
