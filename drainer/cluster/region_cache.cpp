#include "drainer/cluster/region_cache.h"

#include "drainer/cluster/region_info.h"

#include <algorithm>
#include <iterator>

namespace drainer::cluster {

Result<RegionInfo> RegionCache::locate(std::string_view key, const StopToken& stop) {
  {
    MutexLock lock(mutex_);
    const auto known = find(key);
    if (known != regions_.end()) return known->second;
  }
  ASSIGN_OR_RETURN(RegionInfo region, pd_.region_of(key, stop));
  if (region.leader.id == 0) {
    const auto peer = std::find_if(region.peers.begin(), region.peers.end(), is_readable);
    if (peer == region.peers.end()) {
      return make_error(ErrorCode::kUnavailable, "region {} has no peer to read from", region.id);
    }
    region.leader = *peer;
  }
  MutexLock lock(mutex_);
  insert(region);
  return region;
}

Result<StoreInfo> RegionCache::store(uint64_t store_id, const StopToken& stop) {
  {
    MutexLock lock(mutex_);
    const auto known = stores_.find(store_id);
    if (known != stores_.end()) return known->second;
  }
  ASSIGN_OR_RETURN(StoreInfo store, pd_.store(store_id, stop));
  if (store.is_gone) return store;
  MutexLock lock(mutex_);
  return stores_.insert_or_assign(store_id, std::move(store)).first->second;
}

void RegionCache::drop(const RegionInfo& region) {
  MutexLock lock(mutex_);
  const auto known = find_version(region);
  if (known != regions_.end()) regions_.erase(known);
}

void RegionCache::set_leader(const RegionInfo& region, const PeerRef& leader) {
  MutexLock lock(mutex_);
  const auto known = find_version(region);
  if (known != regions_.end()) known->second.leader = leader;
}

void RegionCache::replace(const RegionInfo& old, std::vector<RegionInfo> regions) {
  MutexLock lock(mutex_);
  const auto known = find_version(old);
  if (known != regions_.end()) regions_.erase(known);
  for (RegionInfo& region : regions) insert(std::move(region));
}

void RegionCache::forget_store(uint64_t store_id) {
  MutexLock lock(mutex_);
  stores_.erase(store_id);
}

RegionCache::Regions::iterator RegionCache::find(std::string_view key) {
  auto after = regions_.upper_bound(key);
  if (after == regions_.begin()) return regions_.end();
  const auto before = std::prev(after);
  return before->second.contains(key) ? before : regions_.end();
}

RegionCache::Regions::iterator RegionCache::find_version(const RegionInfo& region) {
  const auto known = regions_.find(region.start_key);
  const bool is_same = known != regions_.end() && known->second.id == region.id &&
                       known->second.conf_ver == region.conf_ver &&
                       known->second.version == region.version;
  return is_same ? known : regions_.end();
}

void RegionCache::insert(RegionInfo region) {
  // Whatever overlaps has been split, merged or moved since.
  auto overlapping = regions_.lower_bound(region.start_key);
  if (overlapping != regions_.begin()) {
    const auto before = std::prev(overlapping);
    if (before->second.contains(region.start_key)) overlapping = before;
  }
  while (overlapping != regions_.end() &&
         (region.end_key.empty() || overlapping->first < region.end_key)) {
    overlapping = regions_.erase(overlapping);
  }
  regions_.insert_or_assign(region.start_key, std::move(region));
}

}  // namespace drainer::cluster
