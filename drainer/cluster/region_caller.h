#pragma once

#include <string_view>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/cluster/channels.h"
#include "drainer/cluster/pd.h"
#include "drainer/cluster/region_cache.h"
#include "drainer/cluster/retry_budget.h"

namespace tikvpb {
class Context;
class RegionError;
}  // namespace tikvpb

namespace drainer::cluster {

/// Sends requests to the leaders of regions and learns from refusals (spec/upstream-protocols.md
/// 6.2). Any thread.
class RegionCaller {
 public:
  /// `pd` and `clock` must outlive it.
  RegionCaller(PdClient& pd, ChannelPoolOptions channels, Clock& clock)
      : cache_(pd), channels_(std::move(channels), clock) {}

  Result<RegionInfo> locate(std::string_view key, const StopToken& stop) {
    return cache_.locate(key, stop);
  }

  /// One request to the leader of `region`; region, epoch and peer of its context are filled in.
  /// True: `response` is the answer. False: it is none, but what it taught is in the cache and its
  /// pause is over; locate again. Errors: budget spent, stop, a method that TiKV does not have.
  template <class Request, class Response>
  Result<bool> try_call(std::string_view method, const RegionInfo& region, Request& request,
                        Response& response, Duration timeout, RetryBudget& budget,
                        const StopToken& stop) {
    fill_context(region, *request.mutable_context());
    ASSIGN_OR_RETURN(const bool is_answered,
                     send(method, region, request, response, timeout, budget, stop));
    if (!is_answered || !response.has_region_error()) return is_answered;
    TRY(learn(region, response.region_error(), budget, stop));
    return false;
  }

 private:
  static void fill_context(const RegionInfo& region, tikvpb::Context& context);
  Result<bool> send(std::string_view method, const RegionInfo& region,
                    const google::protobuf::MessageLite& request,
                    google::protobuf::MessageLite& response, Duration timeout, RetryBudget& budget,
                    const StopToken& stop);
  Result<void> after_unreachable(const RegionInfo& region, const Error& error, RetryBudget& budget,
                                 const StopToken& stop);
  Result<void> learn(const RegionInfo& region, const tikvpb::RegionError& error,
                     RetryBudget& budget, const StopToken& stop);
  void switch_leader(const RegionInfo& region, const tikvpb::RegionError& error);
  /// False when TiKV's view of the region is older than ours.
  Result<bool> replace(const RegionInfo& region, const tikvpb::RegionError& error);

  RegionCache cache_;
  ChannelPool channels_;
};

}  // namespace drainer::cluster
