#include "drainer/cluster/lock_resolver.h"

#include "drainer/base/log.h"
#include "drainer/proto/tikv.pb.h"

#include <algorithm>
#include <limits>

namespace drainer::cluster {

namespace {

constexpr Duration kCallTimeout = std::chrono::seconds(30);
constexpr uint64_t kExecutionMsMax = 20000;
/// A transaction of fewer keys is resolved key by key, others region by region.
constexpr uint64_t kBigTxnKeys = 16;

int64_t physical(uint64_t ts) {
  return physical_ms(CommitTs(static_cast<int64_t>(ts)));
}

bool is_expired(uint64_t start_ts, uint64_t ttl_ms, CommitTs now) {
  return physical(start_ts) + static_cast<int64_t>(ttl_ms) <= physical_ms(now);
}

Error key_error(std::string_view method, const tikvpb::KeyError& error) {
  return make_error(ErrorCode::kUnavailable, "{} answers {}", method, error.ShortDebugString());
}

}  // namespace

struct LockResolver::Case {
  const tikvpb::LockInfo& lock;
  CommitTs read_ts;
  RetryBudget& budget;
  const StopToken& stop;
  CommitTs now;  ///< a fresh timestamp of PD
};

Result<LockResolver::Advice> LockResolver::resolve(const tikvpb::LockInfo& lock, CommitTs read_ts,
                                                   RetryBudget& budget, const StopToken& stop) {
  constexpr std::string_view kMethod = "/tikvpb.Tikv/KvCheckTxnStatus";
  tikvpb::CheckTxnStatusRequest request;
  request.set_primary_key(lock.primary_lock());
  request.set_lock_ts(lock.lock_version());
  request.set_caller_start_ts(static_cast<uint64_t>(read_ts.value));
  request.set_verify_is_primary(true);
  request.mutable_context()->set_max_execution_duration_ms(kExecutionMsMax);
  while (true) {
    ASSIGN_OR_RETURN(const CommitTs now, pd_.tso(stop));
    const Case c{lock, read_ts, budget, stop, now};
    // A time to live of 0 orders an unconditional resolution.
    request.set_current_ts(lock.lock_ttl() == 0 ? std::numeric_limits<uint64_t>::max()
                                                : static_cast<uint64_t>(now.value));
    ASSIGN_OR_RETURN(const RegionInfo region, caller_.locate(lock.primary_lock(), stop));
    tikvpb::CheckTxnStatusResponse status;
    Result<bool> answered =
        caller_.try_call(kMethod, region, request, status, kCallTimeout, budget, stop);
    if (!answered.ok() && has_status(answered.error(), rpc::GrpcStatus::kUnimplemented)) {
      return resolve_without_status(c);  // TiKV before v4.0.
    }
    ASSIGN_OR_RETURN(const bool is_answered, std::move(answered));
    if (!is_answered) continue;

    if (status.error().has_txn_not_found()) {
      if (is_expired(lock.lock_version(), lock.lock_ttl(), now)) {
        request.set_rollback_if_not_exist(true);
        TRY(budget.retry_now(key_error(kMethod, status.error()), stop));
      } else {
        TRY(budget.pause(BackoffKind::kTxnNotFound, key_error(kMethod, status.error()), stop));
      }
      continue;
    }
    if (status.has_error()) {
      TRY(budget.pause(BackoffKind::kTxnLock, key_error(kMethod, status.error()), stop));
      return Advice::kRetry;
    }
    const bool is_async_expired = status.lock_info().use_async_commit() &&
                                  is_expired(lock.lock_version(), status.lock_ttl(), now);
    if (!is_async_expired || request.force_sync_commit()) return judge(c, status);

    ASSIGN_OR_RETURN(const SecondariesVerdict verdict, check_secondaries(c, status.lock_info()));
    if (verdict.needs_sync_commit) {
      request.set_force_sync_commit(true);
      continue;
    }
    const auto& secondaries = status.lock_info().secondaries();
    std::vector<std::string> keys(secondaries.begin(), secondaries.end());
    keys.push_back(lock.primary_lock());
    TRY(resolve_locks(c, std::move(keys), Scope::kKeys, verdict.commit_ts));
    return Advice::kRetry;
  }
}

Result<LockResolver::Advice> LockResolver::judge(const Case& c,
                                                 const tikvpb::CheckTxnStatusResponse& status) {
  if (status.lock_ttl() == 0) return finish(c, status.commit_version());
  const Error cause =
      make_error(ErrorCode::kUnavailable, "key is locked by transaction {}", c.lock.lock_version());
  if (status.action() == tikvpb::MinCommitTSPushed) {
    TRY(c.budget.retry_now(cause, c.stop));
    return Advice::kIgnore;
  }
  return wait(c, status.lock_ttl(), cause);
}

Result<LockResolver::Advice> LockResolver::resolve_without_status(const Case& c) {
  const Error cause =
      make_error(ErrorCode::kUnavailable, "key is locked by transaction {}", c.lock.lock_version());
  // Servers that do not know current_ts roll back whatever the time to live says.
  if (!is_expired(c.lock.lock_version(), c.lock.lock_ttl(), c.now)) {
    return wait(c, c.lock.lock_ttl(), cause);
  }
  tikvpb::CleanupRequest request;
  request.set_key(c.lock.primary_lock());
  request.set_start_version(c.lock.lock_version());
  request.set_current_ts(static_cast<uint64_t>(c.now.value));
  request.mutable_context()->set_max_execution_duration_ms(kExecutionMsMax);
  tikvpb::CleanupResponse response;
  TRY(by_region(c, {c.lock.primary_lock()}, [&](const RegionInfo& region, const auto&) {
    return caller_.try_call("/tikvpb.Tikv/KvCleanup", region, request, response, kCallTimeout,
                            c.budget, c.stop);
  }));
  if (response.has_error()) {
    TRY(c.budget.pause(BackoffKind::kTxnLock, key_error("KvCleanup", response.error()), c.stop));
    return Advice::kRetry;
  }
  return finish(c, response.commit_version());
}

Result<LockResolver::Advice> LockResolver::wait(const Case& c, uint64_t ttl_ms,
                                                const Error& cause) {
  const int64_t end_ms = physical(c.lock.lock_version()) + static_cast<int64_t>(ttl_ms);
  const int64_t remaining_ms = std::max<int64_t>(end_ms - physical_ms(c.now), 1);
  TRY(c.budget.pause(BackoffKind::kTxnLock, cause, c.stop,
                     std::chrono::milliseconds(remaining_ms)));
  return Advice::kRetry;
}

Result<LockResolver::Advice> LockResolver::finish(const Case& c, uint64_t commit_ts) {
  const bool is_small = c.lock.txn_size() < kBigTxnKeys;
  // The status check itself has done it for the primary.
  if (is_small && c.lock.key() == c.lock.primary_lock()) return Advice::kRetry;
  TRY(resolve_locks(c, {c.lock.key()}, is_small ? Scope::kKeys : Scope::kRegions, commit_ts));
  return Advice::kRetry;
}

Result<void> LockResolver::resolve_locks(const Case& c, std::vector<std::string> keys, Scope scope,
                                         uint64_t commit_ts) {
  constexpr std::string_view kMethod = "/tikvpb.Tikv/KvResolveLock";
  log_info("[tikv] resolve locks left behind",
           {{"start ts", c.lock.lock_version()}, {"commit ts", commit_ts}, {"keys", keys.size()}});
  return by_region(c, std::move(keys), [&](const RegionInfo& region, const auto& group) {
    tikvpb::ResolveLockRequest request;
    request.set_start_version(c.lock.lock_version());
    request.set_commit_version(commit_ts);
    if (scope == Scope::kKeys) request.mutable_keys()->Assign(group.begin(), group.end());
    request.mutable_context()->set_max_execution_duration_ms(kExecutionMsMax);
    tikvpb::ResolveLockResponse response;
    Result<bool> answered =
        caller_.try_call(kMethod, region, request, response, kCallTimeout, c.budget, c.stop);
    return after_key_error(c, kMethod, std::move(answered), response.error());
  });
}

Result<LockResolver::SecondariesVerdict> LockResolver::check_secondaries(
    const Case& c, const tikvpb::LockInfo& primary) {
  constexpr std::string_view kMethod = "/tikvpb.Tikv/KvCheckSecondaryLocks";
  SecondariesVerdict verdict{.commit_ts = primary.min_commit_ts()};
  std::optional<uint64_t> decided;  // By a secondary that has no lock any more.
  const auto check = [&](const RegionInfo& region, const auto& group) -> Result<bool> {
    tikvpb::CheckSecondaryLocksRequest request;
    request.mutable_keys()->Assign(group.begin(), group.end());
    request.set_start_version(c.lock.lock_version());
    request.mutable_context()->set_max_execution_duration_ms(kExecutionMsMax);
    tikvpb::CheckSecondaryLocksResponse response;
    Result<bool> answered =
        caller_.try_call(kMethod, region, request, response, kCallTimeout, c.budget, c.stop);
    answered = after_key_error(c, kMethod, std::move(answered), response.error());
    if (!answered.ok() || !*answered) return answered;

    if (static_cast<size_t>(response.locks_size()) < group.size()) {
      if (decided && *decided != response.commit_ts()) {
        return make_error(ErrorCode::kInternal, "transaction {} has two commit ts: {} and {}",
                          c.lock.lock_version(), *decided, response.commit_ts());
      }
      decided = response.commit_ts();
      return true;
    }
    for (const tikvpb::LockInfo& secondary : response.locks()) {
      if (!secondary.use_async_commit()) verdict.needs_sync_commit = true;
      verdict.commit_ts = std::max(verdict.commit_ts, secondary.min_commit_ts());
    }
    return true;
  };
  TRY(by_region(c, {primary.secondaries().begin(), primary.secondaries().end()}, check));
  if (decided) return SecondariesVerdict{.needs_sync_commit = false, .commit_ts = *decided};
  return verdict;
}

template <class Visit>
Result<void> LockResolver::by_region(const Case& c, std::vector<std::string> keys, Visit visit) {
  while (!keys.empty()) {
    ASSIGN_OR_RETURN(const RegionInfo region, caller_.locate(keys.front(), c.stop));
    const auto group = std::partition(
        keys.begin(), keys.end(), [&](const std::string& key) { return !region.contains(key); });
    ASSIGN_OR_RETURN(const bool is_answered,
                     visit(region, std::vector<std::string>(group, keys.end())));
    if (is_answered) keys.erase(group, keys.end());
  }
  return {};
}

Result<bool> LockResolver::after_key_error(const Case& c, std::string_view method,
                                           Result<bool> answered, const tikvpb::KeyError& error) {
  if (!answered.ok() || !*answered || error.ByteSizeLong() == 0) return answered;
  TRY(c.budget.pause(BackoffKind::kTxnLock, key_error(method, error), c.stop));
  return false;
}

}  // namespace drainer::cluster
