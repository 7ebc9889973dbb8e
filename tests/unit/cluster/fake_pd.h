#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drainer/cluster/pd.h"

namespace drainer::fakes {

/// A PD that knows what the test puts in. One thread.
class FakePd final : public cluster::PdClient {
 public:
  explicit FakePd(Clock& clock) : clock_(clock) {}

  std::vector<cluster::RegionInfo> regions;
  std::map<uint64_t, cluster::StoreInfo> stores;
  int regions_asked = 0;
  int stores_asked = 0;
  std::optional<Error> failure;  ///< of every call, while set

  struct Pin {
    std::string service_id;
    int64_t ttl_seconds;
    CommitTs safe_point;
    friend bool operator==(const Pin&, const Pin&) = default;
  };
  std::vector<Pin> pins;
  CommitTs min_safe_point;

  Result<void> run(const StopToken&) override { return {}; }
  uint64_t cluster_id() const override { return 1; }
  std::vector<std::string> member_urls() const override { return {}; }

  Result<CommitTs> tso(const StopToken& stop) override {
    if (stop.stop_requested()) return stopped();
    if (failure) return *failure;
    return make_commit_ts(clock_.unix_ms(), ++logical_);
  }
  Result<cluster::RegionInfo> region_of(std::string_view key, const StopToken&) override {
    ++regions_asked;
    if (failure) return *failure;
    for (const cluster::RegionInfo& region : regions) {
      if (region.contains(key)) return region;
    }
    return Error(ErrorCode::kUnavailable, "no region");
  }
  Result<cluster::StoreInfo> store(uint64_t id, const StopToken&) override {
    ++stores_asked;
    if (failure) return *failure;
    return stores.at(id);
  }
  Result<CommitTs> update_service_gc_safe_point(std::string_view service_id, int64_t ttl_seconds,
                                                CommitTs safe_point,
                                                const StopToken& stop) override {
    if (stop.stop_requested()) return stopped();
    if (failure) return *failure;
    pins.push_back({std::string(service_id), ttl_seconds, safe_point});
    return min_safe_point;
  }

 private:
  Clock& clock_;
  int64_t logical_ = 0;
};

}  // namespace drainer::fakes
