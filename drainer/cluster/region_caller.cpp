#include "drainer/cluster/region_caller.h"

#include "drainer/base/log.h"
#include "drainer/cluster/region_error.h"
#include "drainer/cluster/region_info.h"
#include "drainer/proto/tikv.pb.h"

#include <algorithm>

namespace drainer::cluster {

void RegionCaller::fill_context(const RegionInfo& region, tikvpb::Context& context) {
  context.set_region_id(region.id);
  context.mutable_region_epoch()->set_conf_ver(region.conf_ver);
  context.mutable_region_epoch()->set_version(region.version);
  context.mutable_peer()->set_id(region.leader.id);
  context.mutable_peer()->set_store_id(region.leader.store_id);
  context.mutable_peer()->set_role(static_cast<pdpb::PeerRole>(region.leader.role));
}

Result<bool> RegionCaller::send(std::string_view method, const RegionInfo& region,
                                const google::protobuf::MessageLite& request,
                                google::protobuf::MessageLite& response, Duration timeout,
                                RetryBudget& budget, const StopToken& stop) {
  ASSIGN_OR_RETURN(const StoreInfo store, cache_.store(region.leader.store_id, stop));
  if (store.is_gone || store.is_tiflash) {
    cache_.drop(region);
    TRY(budget.pause(
        BackoffKind::kRegionMiss,
        make_error(ErrorCode::kUnavailable, "store {} of region {} is no TiKV any more",
                   region.leader.store_id, region.id),
        stop));
    return false;
  }
  ASSIGN_OR_RETURN(rpc::GrpcChannel * channel, channels_.at(store.address));
  Result<void> answered = call_unary(*channel, method, request, response, timeout, stop);
  if (answered.ok()) return true;
  Error error = about_server(std::move(answered).error(), "TiKV", store.address);
  const bool is_final = error.code() == ErrorCode::kStopped ||
                        error.code() == ErrorCode::kCorrupt ||
                        has_status(error, rpc::GrpcStatus::kUnimplemented);
  if (is_final) return error;
  TRY(after_unreachable(region, error, budget, stop));
  return false;
}

Result<void> RegionCaller::after_unreachable(const RegionInfo& region, const Error& error,
                                             RetryBudget& budget, const StopToken& stop) {
  log_warn("[tikv] store cannot be reached",
           {{"store", region.leader.store_id}, {"region", region.id}, {"error", error}});
  budget.unreachable_stores.insert(region.leader.store_id);
  // The store may come back under another address.
  cache_.forget_store(region.leader.store_id);
  const auto next =
      std::find_if(region.peers.begin(), region.peers.end(), [&](const PeerRef& peer) {
        return is_readable(peer) && !budget.unreachable_stores.contains(peer.store_id);
      });
  if (next != region.peers.end()) {
    cache_.set_leader(region, *next);
  } else {
    cache_.drop(region);
    budget.unreachable_stores.clear();
  }
  return budget.pause(BackoffKind::kStoreUnreachable, error, stop);
}

Result<void> RegionCaller::learn(const RegionInfo& region, const tikvpb::RegionError& error,
                                 RetryBudget& budget, const StopToken& stop) {
  RegionReaction reaction = reaction_to(error);
  const Error cause =
      to_error(error, fmt::format("store {} for region {}", region.leader.store_id, region.id));
  log_debug("[tikv] region error", {{"error", cause}});
  switch (reaction.action) {
    case RegionAction::kKeep:
      break;
    case RegionAction::kSwitchLeader:
      switch_leader(region, error);
      break;
    case RegionAction::kReplace: {
      ASSIGN_OR_RETURN(const bool is_current, replace(region, error));
      if (!is_current) reaction.pause = BackoffKind::kRegionMiss;
      break;
    }
    case RegionAction::kForgetStore:
      cache_.forget_store(region.leader.store_id);
      cache_.drop(region);
      break;
    case RegionAction::kDrop:
      cache_.drop(region);
      break;
    case RegionAction::kFail:
      return cause;
  }
  if (reaction.pause) return budget.pause(*reaction.pause, cause, stop);
  return budget.retry_now(cause, stop);
}

void RegionCaller::switch_leader(const RegionInfo& region, const tikvpb::RegionError& error) {
  const PeerRef leader = to_peer(error.not_leader().leader());
  const bool is_member = std::any_of(region.peers.begin(), region.peers.end(),
                                     [&](const PeerRef& peer) { return peer.id == leader.id; });
  if (is_member) {
    cache_.set_leader(region, leader);
  } else {
    cache_.drop(region);
  }
}

Result<bool> RegionCaller::replace(const RegionInfo& region, const tikvpb::RegionError& error) {
  std::vector<RegionInfo> current;
  for (const pdpb::Region& listed : error.epoch_not_match().current_regions()) {
    ASSIGN_OR_RETURN(RegionInfo info, to_region(listed));
    const bool is_older =
        info.id == region.id && (info.conf_ver < region.conf_ver || info.version < region.version);
    if (is_older) return false;
    // The store just asked most likely leads all parts of what it led.
    for (const PeerRef& peer : info.peers) {
      const bool is_better = info.leader.id == 0 || peer.store_id == region.leader.store_id;
      if (is_better && is_readable(peer)) info.leader = peer;
    }
    if (info.leader.id != 0) current.push_back(std::move(info));
  }
  cache_.replace(region, std::move(current));
  return true;
}

}  // namespace drainer::cluster
