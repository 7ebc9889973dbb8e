#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/cluster/pd.h"
#include "drainer/cluster/region_caller.h"

namespace tikvpb {
class CheckTxnStatusResponse;
class KeyError;
class LockInfo;
}  // namespace tikvpb

namespace drainer::cluster {

/// Gets locks of other transactions out of a reader's way (spec/upstream-protocols.md 6.6).
///
/// Finishes what a crashed writer has left: it may roll back expired transactions and remove locks
/// of finished ones, as the original does. Any thread.
class LockResolver {
 public:
  /// All must outlive it.
  LockResolver(PdClient& pd, RegionCaller& caller) : pd_(pd), caller_(caller) {}

  /// What the reader does next.
  enum class Advice : uint8_t {
    kRetry,   ///< read again: the lock is gone, or has been waited for
    kIgnore,  ///< read again with the lock's start ts in Context.resolved_locks
  };
  Result<Advice> resolve(const tikvpb::LockInfo& lock, CommitTs read_ts, RetryBudget& budget,
                         const StopToken& stop);

 private:
  /// Lock, reader and time of one resolve().
  struct Case;

  Result<Advice> judge(const Case& c, const tikvpb::CheckTxnStatusResponse& status);
  Result<Advice> resolve_without_status(const Case& c);
  Result<Advice> wait(const Case& c, uint64_t ttl_ms, const Error& cause);
  Result<Advice> finish(const Case& c, uint64_t commit_ts);
  enum class Scope : uint8_t { kKeys, kRegions };  ///< these keys, or all locks in their regions
  Result<void> resolve_locks(const Case& c, std::vector<std::string> keys, Scope scope,
                             uint64_t commit_ts);

  struct SecondariesVerdict {
    bool needs_sync_commit = false;
    uint64_t commit_ts = 0;  ///< 0: rolled back
  };
  Result<SecondariesVerdict> check_secondaries(const Case& c, const tikvpb::LockInfo& primary);

  /// visit(region, its keys) for all keys; again for those whose visit gave false.
  template <class Visit>
  Result<void> by_region(const Case& c, std::vector<std::string> keys, Visit visit);
  static Result<bool> after_key_error(const Case& c, std::string_view method, Result<bool> answered,
                                      const tikvpb::KeyError& error);

  PdClient& pd_;
  RegionCaller& caller_;
};

}  // namespace drainer::cluster
