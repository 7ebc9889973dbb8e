#pragma once

#include <memory>
#include <string>

#include "drainer/base/ids.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "drainer/cluster/channels.h"
#include "drainer/cluster/pd_members.h"

namespace drainer::cluster {

/// Timestamps over one stream to PD's leader that stays open (spec/upstream-protocols.md 5.4).
///
/// Threads take turns: each waits until the one before has its answer. Any thread.
class TsoStream {
 public:
  /// All must outlive it.
  TsoStream(const PdOptions& options, PdMembers& members, ChannelPool& channels, Clock& clock);

  /// A fresh timestamp; reopens the stream as needed for up to `tso_retry_time`.
  Result<CommitTs> next(const StopToken& stop) EXCLUDES(mutex_);

 private:
  Result<CommitTs> ask_with_retries(const StopToken& stop);
  Result<CommitTs> ask(const StopToken& stop);

  const PdOptions& options_;
  PdMembers& members_;
  ChannelPool& channels_;
  Clock& clock_;

  Mutex mutex_;
  CondVar freed_;
  bool is_taken_ GUARDED_BY(mutex_) = false;

  // Belong to the thread that has set is_taken_.
  std::unique_ptr<rpc::GrpcStream> stream_;
  std::string stream_leader_;
};

}  // namespace drainer::cluster
