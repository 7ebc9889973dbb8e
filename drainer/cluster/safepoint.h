#pragma once

#include <functional>
#include <string>

#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "drainer/cluster/pd.h"

namespace drainer::cluster {

/// Keeps TiDB's GC from removing schema data that drainer would need after a restart
/// (spec/upstream-protocols.md 5.6). Any thread.
///
/// FIX: the original ignores PD's answer, and reads the snapshot before the first pin. KEEP: a
/// paused or stopped drainer leaves its pin behind, so that the next start still finds the schema
/// of its checkpoint; only one that goes offline releases it (FIX).
class SafePointKeeper {
 public:
  /// Gives the ts up to which everything has been applied and saved.
  using CheckpointTs = std::function<CommitTs()>;

  /// `pd` and `clock` must outlive it. The service id is made from the time of this call.
  SafePointKeeper(PdClient& pd, Clock& clock, CheckpointTs checkpoint_ts);

  /// PD's last word. `is_held` false: GC is not held back at the ts that we need.
  struct Status {
    bool is_held = false;
    CommitTs requested;
    CommitTs minimum;         ///< over all services
    int64_t answered_ms = 0;  ///< Unix time of the last answer, 0 before the first
    std::string last_error;   ///< empty after a good answer
  };
  Status status() const EXCLUDES(mutex_);
  /// How long PD still keeps the last pin when it is not renewed; 0 when there is none.
  int64_t seconds_left() const EXCLUDES(mutex_);
  const std::string& service_id() const { return service_id_; }

  /// Pins once, before the snapshot is read; kConflict when GC has already gone further.
  Result<void> pin(const StopToken& stop) EXCLUDES(mutex_);
  /// Body of a thread: pins at once, then every 150 s until `stop`; a failed round is logged.
  Result<void> run(const StopToken& stop) EXCLUDES(mutex_);
  /// Removes the pin from PD, if the last round has reached PD at all; else it expires.
  void release() EXCLUDES(mutex_);

 private:
  PdClient& pd_;
  Clock& clock_;
  const CheckpointTs checkpoint_ts_;
  const std::string service_id_;

  mutable Mutex mutex_;
  Status status_ GUARDED_BY(mutex_);
};

}  // namespace drainer::cluster
