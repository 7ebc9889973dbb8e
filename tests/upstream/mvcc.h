#pragma once

#include <map>
#include <optional>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/mutex.h"

namespace drainer::upstream {

/// Keys with all their versions, as TiKV holds them. What has been read stays where it is, as
/// nothing is ever taken out. Any thread.
class MvccStore {
 public:
  struct Pair {
    ByteView key;
    ByteView value;
  };

  struct Range {
    ByteView start;  ///< inclusive
    ByteView end;    ///< exclusive; empty is unbounded
    size_t limit;
    bool reverse = false;  ///< from the end downwards
  };

  /// Sets (or, without a value, deletes) `key` from `version` on. Any order of versions; one that
  /// readers may have seen is not set again.
  void put(ByteView key, uint64_t version, std::optional<Bytes> value) EXCLUDES(mutex_);

  /// What a reader at `version` sees; nothing when the key did not exist then.
  std::optional<ByteView> get(ByteView key, uint64_t version) const EXCLUDES(mutex_);
  std::vector<Pair> scan(const Range& range, uint64_t version) const EXCLUDES(mutex_);

  size_t size() const EXCLUDES(mutex_);
  /// The key at `part` of `parts` of the key space, to split regions evenly.
  ByteView key_at(size_t part, size_t parts) const EXCLUDES(mutex_);

 private:
  using Versions = std::map<uint64_t, std::optional<Bytes>>;

  static const Bytes* visible(const Versions& versions, uint64_t version);

  mutable Mutex mutex_;
  std::map<Bytes, Versions, std::less<>> keys_ GUARDED_BY(mutex_);
};

}  // namespace drainer::upstream
