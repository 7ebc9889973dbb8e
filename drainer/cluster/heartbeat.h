#pragma once

#include <optional>
#include <string>

#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "drainer/cluster/registry.h"

namespace drainer::cluster {

/// Keeps drainer's entry in the registry up to date (spec/drainer-process.md 2.2).
///
/// State and ts are set from outside; each write takes what holds at that moment, and writes never
/// overlap, so that the last one always shows the last state. What others have written in between
/// is overwritten, but told of (spec/upstream-protocols.md 3.5). Any thread.
class Heartbeat {
 public:
  struct Options {
    std::string node_id;
    std::string host;   ///< host:port of advertise-addr, no scheme
    CommitTs start_ts;  ///< PD's timestamp at start: base of the approximate clock
  };

  /// `registry` and `clock` must outlive it. The state begins as online, whatever is registered.
  Heartbeat(Options options, Registry& registry, Clock& clock);

  void set_state(NodeState state) EXCLUDES(mutex_);
  NodeState state() const EXCLUDES(mutex_);
  /// Everything up to here is applied and saved.
  void set_max_commit_ts(CommitTs ts) EXCLUDES(mutex_);

  /// Writes the entry once: at registration and, with the final state set before, at exit.
  Result<void> write(const StopToken& stop) EXCLUDES(mutex_);
  /// Body of a thread: writes at once, then 1 s after each attempt has ended. Fails with
  /// "fail to send heartbeat: <last error>" after 20 failures in a row.
  Result<void> run(const StopToken& stop) EXCLUDES(mutex_);

 private:
  NodeStatus make_entry() const REQUIRES(mutex_);
  void tell_of_others(const std::optional<NodeStatus>& found) REQUIRES(mutex_);

  const Options options_;
  Registry& registry_;
  Clock& clock_;
  const TimePoint started_;

  mutable Mutex mutex_;
  CondVar written_;
  bool is_writing_ GUARDED_BY(mutex_) = false;
  NodeState state_ GUARDED_BY(mutex_) = NodeState::kOnline;
  CommitTs max_commit_ts_ GUARDED_BY(mutex_);
  bool has_written_ GUARDED_BY(mutex_) = false;
  std::optional<NodeStatus> last_written_ GUARDED_BY(mutex_);  ///< nothing after a failure
  std::string host_told_of_ GUARDED_BY(mutex_);  ///< of the last foreign entry in the log
};

}  // namespace drainer::cluster
