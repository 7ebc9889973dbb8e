#pragma once

#include <optional>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/mutex.h"

namespace drainer::upstream {

/// One part of the key space. Keys are raw; empty is unbounded.
struct Region {
  uint64_t id = 0;
  uint64_t peer_id = 0;
  Bytes start{};
  Bytes end{};
  uint64_t conf_ver = 1;
  uint64_t version = 1;

  bool contains(ByteView key) const { return key >= start && (end.empty() || key < end); }
};

/// The regions of the one store, as PD and TiKV both know them. Any thread.
class RegionMap {
 public:
  static constexpr uint64_t kStoreId = 1;

  /// One region for everything, split at `boundaries` (rising, raw keys).
  explicit RegionMap(const std::vector<Bytes>& boundaries);

  Region find(ByteView key) const EXCLUDES(mutex_);
  /// The region before the one that holds `key`.
  std::optional<Region> find_previous(ByteView key) const EXCLUDES(mutex_);
  std::optional<Region> find_by_id(uint64_t id) const EXCLUDES(mutex_);
  /// Regions that touch [start, end), at most `limit` (0 is all).
  std::vector<Region> scan(ByteView start, ByteView end, size_t limit) const EXCLUDES(mutex_);

  /// Splits the region of `key` there: both halves get the next epoch. False if it is a boundary.
  bool split(ByteView key) EXCLUDES(mutex_);

 private:
  size_t index_of(ByteView key) const REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::vector<Region> regions_ GUARDED_BY(mutex_);  // by start key, without gaps
  uint64_t next_id_ GUARDED_BY(mutex_) = 2;
};

}  // namespace drainer::upstream
