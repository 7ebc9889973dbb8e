#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/threads.h"
#include "drainer/cluster/registry.h"
#include "pump_client/merger.h"
#include "pump_client/pump_stream.h"

namespace drainer {

/// Follows the registry and keeps one stream per pump (spec/upstream-protocols.md 3.6).
///
/// run() belongs to one thread; refresh() to any.
class PumpSet {
 public:
  /// All must outlive the set; `streams` gets a thread per pump.
  PumpSet(cluster::Registry& registry, Merger& merger, const PumpStreamOptions& options,
          Duration detect_interval, ThreadGroup& streams, Clock& clock)
      : registry_(registry),
        merger_(merger),
        options_(options),
        detect_interval_(detect_interval),
        streams_(streams),
        clock_(clock) {}

  /// Reads the registry now and then every detect interval, until `stop`. Failures are logged and
  /// the old list kept; where there is no pump yet it waits for one.
  Result<void> run(const StopToken& stop);

  /// One full registry read by the caller's thread, for Notify: returns when a pump that was new
  /// before the call has become a merge source.
  Result<void> refresh(const StopToken& stop) EXCLUDES(mutex_);

  /// Each pump with the commit ts of its last binlog, for /status; nothing before the first read.
  std::optional<std::map<PumpId, CommitTs>> positions() const EXCLUDES(mutex_);

 private:
  void apply(const std::vector<cluster::NodeStatus>& nodes) REQUIRES(mutex_);
  void forget_left() REQUIRES(mutex_);
  /// Of binlogs that a pump took with it when it went offline.
  void tell_of_missing(const cluster::NodeStatus& node) REQUIRES(mutex_);
  void tell_of_silence() EXCLUDES(mutex_);

  cluster::Registry& registry_;
  Merger& merger_;
  const PumpStreamOptions& options_;
  const Duration detect_interval_;
  ThreadGroup& streams_;
  Clock& clock_;

  std::atomic<uint64_t> looks_begun_ = 0;

  // Of the thread of run().
  CommitTs silent_at_;  ///< where the merger stood when it was looked at
  TimePoint silent_since_{};
  Duration silence_told_{};  ///< how long it had lasted when the log told of it last

  mutable Mutex mutex_;
  std::map<PumpId, std::shared_ptr<PumpStream>> pumps_ GUARDED_BY(mutex_);
  /// Gone offline; their threads may not have ended yet.
  std::vector<std::shared_ptr<PumpStream>> leaving_ GUARDED_BY(mutex_);
  std::map<PumpId, cluster::NodeState> states_ GUARDED_BY(mutex_);  ///< by the last look
  /// What an offline pump had in all when the log told that some of it is missing.
  std::map<PumpId, CommitTs> told_missing_ GUARDED_BY(mutex_);
  uint64_t last_applied_look_ GUARDED_BY(mutex_) = 0;  ///< 0: none yet
};

}  // namespace drainer
