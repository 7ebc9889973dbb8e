#pragma once

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/base/retry.h"
#include "drainer/cluster/pd_members.h"

namespace drainer::cluster {

/// Decides what follows a failed call of PD, and waits (spec/upstream-protocols.md 5.3).
///
/// Pauses of 500 ms to 3 s until `limit` has passed since construction. One per operation, one
/// thread.
class PdRetry {
 public:
  PdRetry(PdMembers& members, Clock& clock, Duration limit);

  /// Returns when the call is worth another try; the error when it is not, or time is over.
  /// The leader is looked up anew when gRPC itself failed.
  Result<void> after_call_error(Error error, const StopToken& stop);
  /// The same for an answer that says "not yet"; the leader stays.
  Result<void> after_refusal(Error error, const StopToken& stop);

 private:
  PdMembers& members_;
  Clock& clock_;
  const TimePoint deadline_;
  Backoff backoff_;
};

}  // namespace drainer::cluster
