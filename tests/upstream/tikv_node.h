#pragma once

#include <optional>

#include "tests/upstream/services.h"

namespace tikvpb {
class BatchGetRequest;
class BatchGetResponse;
class CheckSecondaryLocksRequest;
class CheckSecondaryLocksResponse;
class CheckTxnStatusRequest;
class CheckTxnStatusResponse;
class CleanupRequest;
class CleanupResponse;
class Context;
class GetRequest;
class GetResponse;
class KeyError;
class LockInfo;
class RegionError;
class ResolveLockRequest;
class ResolveLockResponse;
class ScanRequest;
class ScanResponse;
}  // namespace tikvpb

namespace drainer::upstream {

/// The store's answers to single commands: region checks, versions, locks. Any thread.
///
/// Locks are there only when a fault puts them; they hide the value that is read once they are
/// resolved, whatever their transaction's fate.
class TikvNode {
 public:
  explicit TikvNode(World& world) : world_(world) {}

  void answer(const tikvpb::GetRequest& request, tikvpb::GetResponse* response);
  void answer(const tikvpb::BatchGetRequest& request, tikvpb::BatchGetResponse* response);
  void answer(const tikvpb::ScanRequest& request, tikvpb::ScanResponse* response);
  void answer(const tikvpb::CheckTxnStatusRequest& request,
              tikvpb::CheckTxnStatusResponse* response);
  void answer(const tikvpb::CheckSecondaryLocksRequest& request,
              tikvpb::CheckSecondaryLocksResponse* response);
  void answer(const tikvpb::ResolveLockRequest& request, tikvpb::ResolveLockResponse* response);
  void answer(const tikvpb::CleanupRequest& request, tikvpb::CleanupResponse* response);

 private:
  enum class Fate : uint8_t { kDead, kCommitted, kAsync, kAlive };
  struct Lock {
    uint64_t start_ts = 0;
    Fate fate = Fate::kDead;
    Bytes primary{};
    uint64_t ttl_ms = 0;
    TimePoint alive_until{};
    uint64_t commit_ts = 0;  // of kCommitted, kAsync, and kAlive once it has committed
  };

  /// Sets the error of a request that this region cannot answer. False if it can.
  bool refuse(const tikvpb::Context& context, std::optional<ByteView> key,
              tikvpb::RegionError* error);
  void fill_scripted(const std::string& kind, const tikvpb::Context& context,
                     tikvpb::RegionError* error);
  void fill_epoch(const Region& region, tikvpb::RegionError* error);

  /// Sets the error when a reader at `version` meets a lock.
  bool meets_lock(const tikvpb::Context& context, ByteView key, uint64_t version,
                  tikvpb::KeyError* error) EXCLUDES(mutex_);
  Lock place_lock(ByteView key, const std::string& kind, uint64_t version) const;
  static void fill(ByteView key, const Lock& lock, tikvpb::LockInfo* out);
  const Lock* find_txn(uint64_t start_ts) const REQUIRES(mutex_);

  World& world_;
  Mutex mutex_;
  std::map<Bytes, Lock, std::less<>> locks_ GUARDED_BY(mutex_);
};

}  // namespace drainer::upstream
