#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drainer/cluster/tikv.h"

namespace drainer::fakes {

/// A TiKV in memory. One thread.
class FakeKv final : public cluster::KvClient {
 public:
  std::map<Bytes, Bytes, std::less<>> pairs;
  std::map<Bytes, CommitTs, std::less<>> born;  ///< of pairs that older reads do not see
  std::optional<Error> failure;                 ///< of every call, while set
  std::vector<CommitTs> versions;               ///< of every read
  std::function<void()> before_scan;

  Result<std::optional<Bytes>> get(std::string_view key, CommitTs version,
                                   const StopToken&) override {
    versions.push_back(version);
    if (failure) return *failure;
    const auto found = pairs.find(key);
    if (found == pairs.end() || !is_born(key, version)) return std::optional<Bytes>();
    return std::optional<Bytes>(found->second);
  }
  Result<void> scan_keys(std::string_view start, std::string_view end, CommitTs version,
                         const OnPair& on_pair, const StopToken& stop) override {
    return scan(
        start, end, version, [&](ByteView key, ByteView) { return on_pair(key, {}); }, stop);
  }
  Result<void> scan(std::string_view start, std::string_view end, CommitTs version,
                    const OnPair& on_pair, const StopToken&) override {
    versions.push_back(version);
    if (before_scan) before_scan();
    if (failure) return *failure;
    for (auto pair = pairs.lower_bound(start); pair != pairs.end() && pair->first < end; ++pair) {
      if (is_born(pair->first, version)) TRY(on_pair(pair->first, pair->second));
    }
    return {};
  }

 private:
  bool is_born(std::string_view key, CommitTs version) const {
    const auto found = born.find(key);
    return found == born.end() || found->second <= version;
  }
};

}  // namespace drainer::fakes
