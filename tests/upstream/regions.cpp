#include "tests/upstream/regions.h"

#include <algorithm>
#include <utility>

namespace drainer::upstream {

RegionMap::RegionMap(const std::vector<Bytes>& boundaries) {
  {
    MutexLock lock(mutex_);
    regions_.push_back(Region{.id = next_id_, .peer_id = next_id_ + 1});
    next_id_ += 2;
  }
  for (const Bytes& key : boundaries) split(key);
}

size_t RegionMap::index_of(ByteView key) const {
  const auto after =
      std::upper_bound(regions_.begin(), regions_.end(), key,
                       [](ByteView k, const Region& region) { return k < region.start; });
  return static_cast<size_t>(after - regions_.begin()) - 1;
}

Region RegionMap::find(ByteView key) const {
  MutexLock lock(mutex_);
  return regions_[index_of(key)];
}

std::optional<Region> RegionMap::find_previous(ByteView key) const {
  MutexLock lock(mutex_);
  const size_t index = index_of(key);
  if (index == 0) return std::nullopt;
  return regions_[index - 1];
}

std::optional<Region> RegionMap::find_by_id(uint64_t id) const {
  MutexLock lock(mutex_);
  for (const Region& region : regions_) {
    if (region.id == id) return region;
  }
  return std::nullopt;
}

std::vector<Region> RegionMap::scan(ByteView start, ByteView end, size_t limit) const {
  MutexLock lock(mutex_);
  std::vector<Region> out;
  for (size_t i = index_of(start); i < regions_.size(); ++i) {
    if (!end.empty() && regions_[i].start >= end) break;
    out.push_back(regions_[i]);
    if (out.size() == limit) break;
  }
  return out;
}

bool RegionMap::split(ByteView key) {
  MutexLock lock(mutex_);
  const size_t index = index_of(key);
  Region& left = regions_[index];
  if (left.start == key) return false;
  Region right = left;
  right.id = next_id_++;
  right.peer_id = next_id_++;
  right.start = Bytes(key);
  left.end = Bytes(key);
  right.version = ++left.version;
  regions_.insert(regions_.begin() + static_cast<ptrdiff_t>(index) + 1, std::move(right));
  return true;
}

}  // namespace drainer::upstream
