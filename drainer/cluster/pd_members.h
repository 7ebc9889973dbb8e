#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "drainer/cluster/channels.h"
#include "drainer/cluster/pd.h"

namespace drainer::cluster {

/// Who belongs to the PD cluster and who leads it (spec/upstream-protocols.md 5.2). Any thread.
class PdMembers {
 public:
  /// All must outlive it.
  PdMembers(const PdOptions& options, ChannelPool& channels, Clock& clock);

  /// Finds cluster id, then leader, with the attempts of the options. Once, before all else.
  Result<void> discover(const StopToken& stop);
  /// Asks the members once, the configured urls after them, until one names a leader.
  Result<void> refresh(const StopToken& stop);

  uint64_t cluster_id() const EXCLUDES(mutex_);
  std::vector<std::string> urls() const EXCLUDES(mutex_);
  std::string leader() const EXCLUDES(mutex_);

 private:
  struct View {
    uint64_t cluster_id = 0;
    std::vector<std::string> urls;  ///< client urls of all members, sorted
    std::string leader;             ///< empty while none is elected
  };

  Result<View> ask(const std::string& url, Duration timeout, const StopToken& stop);
  Result<void> find_cluster_id(const StopToken& stop);

  const PdOptions& options_;
  ChannelPool& channels_;
  Clock& clock_;

  mutable Mutex mutex_;
  View view_ GUARDED_BY(mutex_);
};

}  // namespace drainer::cluster
