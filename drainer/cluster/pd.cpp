#include "drainer/cluster/pd.h"

#include "drainer/base/log.h"
#include "drainer/cluster/key_codec.h"
#include "drainer/cluster/pd_members.h"
#include "drainer/cluster/pd_retry.h"
#include "drainer/cluster/pd_tso.h"
#include "drainer/cluster/region_info.h"
#include "drainer/proto/pd.pb.h"

#include <algorithm>

namespace drainer::cluster {

namespace {

/// Leaves out the peers that PD counts as down.
Result<RegionInfo> to_region_with_leader(const pdpb::GetRegionResponse& response) {
  ASSIGN_OR_RETURN(RegionInfo region, to_region(response.region()));
  region.leader = to_peer(response.leader());
  std::erase_if(region.peers, [&](const PeerRef& peer) {
    const auto& down = response.down_peers();
    return std::any_of(down.begin(), down.end(),
                       [&](const pdpb::PeerStats& stats) { return stats.peer().id() == peer.id; });
  });
  return region;
}

bool is_tiflash(const pdpb::Store& store) {
  return std::any_of(store.labels().begin(), store.labels().end(), [](const auto& label) {
    return label.key() == "engine" && label.value() == "tiflash";
  });
}

class Client final : public PdClient {
 public:
  Client(PdOptions options, Clock& clock)
      : options_(std::move(options)),
        clock_(clock),
        channels_({.channels = options_.channels,
                   .tls = options_.tls,
                   .connect_timeout = options_.call_timeout},
                  clock),
        members_(options_, channels_, clock),
        tso_(options_, members_, channels_, clock) {}

  Result<void> discover(const StopToken& stop) { return members_.discover(stop); }

  Result<void> run(const StopToken& stop) override {
    while (clock_.sleep_for(options_.refresh_interval, stop)) {
      const Result<void> refreshed = members_.refresh(stop);
      if (!refreshed.ok() && refreshed.error().code() != ErrorCode::kStopped) {
        log_warn("[pd] cannot refresh the members", {{"error", refreshed.error()}});
      }
    }
    return {};
  }

  uint64_t cluster_id() const override { return members_.cluster_id(); }
  std::vector<std::string> member_urls() const override { return members_.urls(); }
  Result<CommitTs> tso(const StopToken& stop) override { return tso_.next(stop); }

  Result<RegionInfo> region_of(std::string_view raw_key, const StopToken& stop) override {
    pdpb::GetRegionRequest request;
    append_memcomparable(*request.mutable_region_key(), raw_key);
    PdRetry retry = new_retry();
    while (true) {
      pdpb::GetRegionResponse response;
      TRY(call_leader("/pdpb.PD/GetRegion", request, response, retry, stop));
      if (!response.has_region()) {
        TRY(retry.after_refusal(
            make_error(ErrorCode::kUnavailable, "PD knows no region of key {}", to_hex(raw_key)),
            stop));
        continue;
      }
      ASSIGN_OR_RETURN(RegionInfo region, to_region_with_leader(response));
      if (!region.contains(raw_key)) {
        return make_error(ErrorCode::kInternal, "PD gives region {} for key {} outside of it",
                          region.id, to_hex(raw_key));
      }
      return region;
    }
  }

  Result<StoreInfo> store(uint64_t store_id, const StopToken& stop) override {
    pdpb::GetStoreRequest request;
    request.set_store_id(store_id);
    pdpb::GetStoreResponse response;
    PdRetry retry = new_retry();
    Result<void> answered = call_leader("/pdpb.PD/GetStore", request, response, retry, stop);
    if (!answered.ok() && answered.error().code() == ErrorCode::kNotFound) {
      return StoreInfo{.id = store_id, .address = "", .is_gone = true};
    }
    TRY(std::move(answered));
    const pdpb::Store& store = response.store();
    return StoreInfo{
        .id = store_id,
        .address = store.address(),
        .is_gone = store.state() == pdpb::Tombstone || store.node_state() == pdpb::Removed,
        .is_tiflash = is_tiflash(store)};
  }

  Result<CommitTs> update_service_gc_safe_point(std::string_view service_id, int64_t ttl_seconds,
                                                CommitTs safe_point,
                                                const StopToken& stop) override {
    pdpb::UpdateServiceGCSafePointRequest request;
    request.set_service_id(std::string(service_id));
    request.set_ttl(ttl_seconds);
    request.set_safe_point(static_cast<uint64_t>(safe_point.value));
    pdpb::UpdateServiceGCSafePointResponse response;
    PdRetry retry = new_retry();
    TRY(call_leader("/pdpb.PD/UpdateServiceGCSafePoint", request, response, retry, stop));
    return CommitTs(static_cast<int64_t>(response.min_safe_point()));
  }

 private:
  PdRetry new_retry() { return PdRetry(members_, clock_, options_.read_retry_time); }

  /// One request to the leader, repeated as 5.3 says. kNotFound: no such store.
  template <class Request, class Response>
  Result<void> call_leader(std::string_view method, Request& request, Response& response,
                           PdRetry& retry, const StopToken& stop) {
    request.mutable_header()->set_cluster_id(members_.cluster_id());
    while (true) {
      const std::string leader = members_.leader();
      ASSIGN_OR_RETURN(rpc::GrpcChannel * channel, channels_.at(leader));
      Result<void> answered =
          call_unary(*channel, method, request, response, options_.call_timeout, stop);
      if (!answered.ok()) {
        TRY(retry.after_call_error(about_server(std::move(answered).error(), "PD", leader), stop));
        continue;
      }
      const pdpb::Error& refused = response.header().error();
      if (refused.type() == pdpb::OK) return {};
      TRY(after_header_error(method, leader, refused, retry, stop));
    }
  }

  static Result<void> after_header_error(std::string_view method, const std::string& leader,
                                         const pdpb::Error& refused, PdRetry& retry,
                                         const StopToken& stop) {
    const std::string& message = refused.message();
    const std::string text = fmt::format("PD at {} refuses {}: {} {}", leader, method,
                                         pdpb::ErrorType_Name(refused.type()), message);
    const auto says = [&](std::string_view part) { return message.find(part) != message.npos; };
    if (refused.type() == pdpb::NOT_BOOTSTRAPPED) {
      return retry.after_refusal(Error(ErrorCode::kUnavailable, text), stop);
    }
    if (says("server not started") || says("not leader")) {
      return retry.after_call_error(Error(ErrorCode::kUnavailable, text), stop);
    }
    const bool is_store_gone = says("invalid store ID") || refused.type() == pdpb::STORE_TOMBSTONE;
    return Error(is_store_gone ? ErrorCode::kNotFound : ErrorCode::kInvalid, text);
  }

  const PdOptions options_;
  Clock& clock_;
  ChannelPool channels_;
  PdMembers members_;
  TsoStream tso_;
};

}  // namespace

Result<std::unique_ptr<PdClient>> PdClient::open(PdOptions options, Clock& clock,
                                                 const StopToken& stop) {
  auto client = std::make_unique<Client>(std::move(options), clock);
  TRY(client->discover(stop));
  return std::unique_ptr<PdClient>(std::move(client));
}

}  // namespace drainer::cluster
