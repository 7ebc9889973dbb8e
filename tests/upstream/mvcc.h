#pragma once

#include <map>
#include <optional>
#include <vector>

#include "drainer/base/bytes.h"

namespace drainer::upstream {

/// Keys with all their versions, as TiKV holds them. Filled by one thread, then immutable.
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

  /// Sets (or, without a value, deletes) `key` from `version` on. Any order of versions.
  void put(ByteView key, uint64_t version, std::optional<Bytes> value);

  /// What a reader at `version` sees; nothing when the key did not exist then.
  std::optional<ByteView> get(ByteView key, uint64_t version) const;
  std::vector<Pair> scan(const Range& range, uint64_t version) const;

  size_t size() const { return keys_.size(); }
  /// The key at `part` of `parts` of the key space, to split regions evenly.
  ByteView key_at(size_t part, size_t parts) const;

 private:
  using Versions = std::map<uint64_t, std::optional<Bytes>>;

  static const Bytes* visible(const Versions& versions, uint64_t version);

  std::map<Bytes, Versions, std::less<>> keys_;
};

}  // namespace drainer::upstream
