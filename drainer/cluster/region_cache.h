#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "drainer/cluster/pd.h"

namespace drainer::cluster {

/// What PD said about regions and stores, kept until TiKV contradicts (spec/upstream-protocols.md
/// 5.5). Any thread.
class RegionCache {
 public:
  /// `pd` must outlive it.
  explicit RegionCache(PdClient& pd) : pd_(pd) {}

  /// The region that holds `key`; its leader is always set.
  Result<RegionInfo> locate(std::string_view key, const StopToken& stop) EXCLUDES(mutex_);
  Result<StoreInfo> store(uint64_t store_id, const StopToken& stop) EXCLUDES(mutex_);

  /// These change nothing when the cache meanwhile holds another version of the region.
  void drop(const RegionInfo& region) EXCLUDES(mutex_);
  void set_leader(const RegionInfo& region, const PeerRef& leader) EXCLUDES(mutex_);

  /// Puts `regions` in the place of whatever overlaps them, and of `old`.
  void replace(const RegionInfo& old, std::vector<RegionInfo> regions) EXCLUDES(mutex_);
  void forget_store(uint64_t store_id) EXCLUDES(mutex_);

 private:
  /// By start key; ranges do not overlap.
  using Regions = std::map<std::string, RegionInfo, std::less<>>;

  Regions::iterator find(std::string_view key) REQUIRES(mutex_);
  Regions::iterator find_version(const RegionInfo& region) REQUIRES(mutex_);
  void insert(RegionInfo region) REQUIRES(mutex_);

  PdClient& pd_;

  Mutex mutex_;
  Regions regions_ GUARDED_BY(mutex_);
  std::map<uint64_t, StoreInfo> stores_ GUARDED_BY(mutex_);
};

}  // namespace drainer::cluster
