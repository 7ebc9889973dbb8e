#include "tests/upstream/grpc_headers.h"

#include "drainer/proto/pd.grpc.pb.h"

#include "tests/upstream/call_gate.h"
#include "tests/upstream/memcomparable.h"
#include "tests/upstream/services.h"

namespace drainer::upstream {

namespace {

using grpc::ServerContext;
using grpc::Status;

constexpr uint64_t kMemberId = 4611686018427387905;

class PdService final : public pdpb::PD::Service {
 public:
  PdService(World& world, size_t member) : world_(world), member_(member) {}

  Status GetMembers(ServerContext* context, const pdpb::GetMembersRequest* request,
                    pdpb::GetMembersResponse* response) override {
    (void)request;
    if (Status status = admit_call(world_, kPdNode, *context); !status.ok()) return status;
    fill(response->mutable_header());
    for (size_t i = 0; i < world_.addresses().pd_urls.size(); ++i) {
      pdpb::Member& member = *response->add_members();
      member.set_name(fmt::format("pd-{}", i + 1));
      member.set_member_id(kMemberId + i);
      member.add_peer_urls(world_.addresses().pd_urls[i]);
      member.add_client_urls(world_.addresses().pd_urls[i]);
    }
    const pdpb::Member leader = response->members(static_cast<int>(world_.pd_leader));
    if (!world_.faults.take(kPdNode, "no-leader")) *response->mutable_leader() = leader;
    *response->mutable_etcd_leader() = leader;
    return Status::OK;
  }

  Status Tso(ServerContext* context,
             grpc::ServerReaderWriter<pdpb::TsoResponse, pdpb::TsoRequest>* stream) override {
    for (pdpb::TsoRequest request; stream->Read(&request);) {
      if (Status status = admit(*context, request.header()); !status.ok()) return status;
      if (world_.faults.take(kPdNode, "tso-end")) return Status::OK;
      if (request.count() == 0) {
        return {grpc::StatusCode::UNKNOWN, "tso count should be positive"};
      }
      const CommitTs ts = world_.tso.next(request.count());
      pdpb::TsoResponse response;
      fill(response.mutable_header());
      response.set_count(request.count());
      response.mutable_timestamp()->set_physical(physical_ms(ts));
      response.mutable_timestamp()->set_logical(ts.value & ((1 << 18) - 1));
      if (!stream->Write(response)) break;
    }
    return Status::OK;
  }

  Status GetRegion(ServerContext* context, const pdpb::GetRegionRequest* request,
                   pdpb::GetRegionResponse* response) override {
    return answer_region(*context, *request, response,
                         [&](ByteView key) { return std::optional(world_.regions.find(key)); });
  }

  Status GetPrevRegion(ServerContext* context, const pdpb::GetRegionRequest* request,
                       pdpb::GetRegionResponse* response) override {
    return answer_region(*context, *request, response,
                         [&](ByteView key) { return world_.regions.find_previous(key); });
  }

  Status GetRegionByID(ServerContext* context, const pdpb::GetRegionByIDRequest* request,
                       pdpb::GetRegionResponse* response) override {
    if (Status status = admit(*context, request->header()); !status.ok()) return status;
    fill(response->mutable_header());
    if (const auto region = world_.regions.find_by_id(request->region_id())) {
      fill(*region, response->mutable_region(), response->mutable_leader());
    }
    return Status::OK;
  }

  Status ScanRegions(ServerContext* context, const pdpb::ScanRegionsRequest* request,
                     pdpb::ScanRegionsResponse* response) override {
    if (Status status = admit(*context, request->header()); !status.ok()) return status;
    fill(response->mutable_header());
    Bytes start;
    Bytes end;
    if (!decode_key(request->start_key(), start) || !decode_key(request->end_key(), end)) {
      return {grpc::StatusCode::INVALID_ARGUMENT, "bad region key"};
    }
    const auto limit = static_cast<size_t>(std::max(request->limit(), 0));
    for (const Region& region : world_.regions.scan(start, end, limit)) {
      auto* with_leader = response->add_regions();
      fill(region, with_leader->mutable_region(), with_leader->mutable_leader());
      fill(region, response->add_region_metas(), response->add_leaders());
    }
    return Status::OK;
  }

  Status GetStore(ServerContext* context, const pdpb::GetStoreRequest* request,
                  pdpb::GetStoreResponse* response) override {
    if (Status status = admit(*context, request->header()); !status.ok()) return status;
    fill(response->mutable_header());
    if (request->store_id() == RegionMap::kStoreId) {
      fill(response->mutable_store());
    } else {
      auto* error = response->mutable_header()->mutable_error();
      error->set_type(pdpb::UNKNOWN);
      error->set_message(fmt::format("invalid store ID {}, not found", request->store_id()));
    }
    return Status::OK;
  }

  Status GetAllStores(ServerContext* context, const pdpb::GetAllStoresRequest* request,
                      pdpb::GetAllStoresResponse* response) override {
    if (Status status = admit(*context, request->header()); !status.ok()) return status;
    fill(response->mutable_header());
    fill(response->add_stores());
    return Status::OK;
  }

  Status UpdateServiceGCSafePoint(ServerContext* context,
                                  const pdpb::UpdateServiceGCSafePointRequest* request,
                                  pdpb::UpdateServiceGCSafePointResponse* response) override {
    if (Status status = admit(*context, request->header()); !status.ok()) return status;
    fill(response->mutable_header());
    GcPins& gc = world_.pins;
    MutexLock lock(gc.mutex);
    auto& pins = gc.pins;
    const TimePoint now = world_.clock.now();
    std::erase_if(pins, [&](const auto& pin) { return pin.second.deadline <= now; });
    const auto minimum = [&]() NO_THREAD_SAFETY_ANALYSIS {
      auto least = pins.begin();
      for (auto at = pins.begin(); at != pins.end(); ++at) {
        if (at->second.safe_point < least->second.safe_point) least = at;
      }
      return least;
    };
    if (request->ttl() <= 0) {
      pins.erase(request->service_id());
    } else if (pins.empty() || request->safe_point() >= minimum()->second.safe_point) {
      pins.insert_or_assign(
          request->service_id(),
          GcPins::Pin{request->safe_point(), now + std::chrono::seconds(request->ttl())});
    }
    if (pins.empty()) return Status::OK;
    const auto least = minimum();
    response->set_service_id(least->first);
    response->set_ttl(
        std::chrono::duration_cast<std::chrono::seconds>(least->second.deadline - now).count());
    response->set_min_safe_point(least->second.safe_point);
    return Status::OK;
  }

 private:
  /// What the leader checks before it answers (5.2, 5.3).
  Status admit(const ServerContext& context, const pdpb::RequestHeader& header) {
    if (Status status = admit_call(world_, kPdNode, context); !status.ok()) return status;
    if (member_ != world_.pd_leader || world_.faults.take(kPdNode, "not-leader")) {
      return {grpc::StatusCode::UNAVAILABLE, "not leader"};
    }
    if (header.cluster_id() != world_.cluster_id) {
      return {grpc::StatusCode::FAILED_PRECONDITION,
              fmt::format("mismatch cluster id, need {} but got {}", world_.cluster_id,
                          header.cluster_id())};
    }
    return Status::OK;
  }

  static bool decode_key(ByteView encoded, Bytes& raw) {
    if (encoded.empty()) return true;
    auto decoded = take_memcomparable(encoded);
    if (!decoded.ok()) return false;
    raw = std::move(decoded).value();
    return true;
  }

  template <class Find>
  Status answer_region(const ServerContext& context, const pdpb::GetRegionRequest& request,
                       pdpb::GetRegionResponse* response, Find find) {
    if (Status status = admit(context, request.header()); !status.ok()) return status;
    fill(response->mutable_header());
    Bytes key;
    if (!decode_key(request.region_key(), key)) {
      return {grpc::StatusCode::INVALID_ARGUMENT, "bad region key"};
    }
    if (world_.faults.take(kPdNode, "no-region")) return Status::OK;
    if (const std::optional<Region> region = find(key)) {
      fill(*region, response->mutable_region(), response->mutable_leader());
    }
    return Status::OK;
  }

  void fill(pdpb::ResponseHeader* header) const { header->set_cluster_id(world_.cluster_id); }

  void fill(pdpb::Store* store) const {
    store->set_id(RegionMap::kStoreId);
    store->set_address(world_.addresses().tikv);
    store->set_version("6.5.9");
    store->set_peer_address(world_.addresses().tikv);
    store->set_status_address(world_.addresses().tikv);
    store->set_node_state(pdpb::Serving);
  }

  static void fill(const Region& region, pdpb::Region* out, pdpb::Peer* leader) {
    out->set_id(region.id);
    if (!region.start.empty()) out->set_start_key(memcomparable(region.start));
    if (!region.end.empty()) out->set_end_key(memcomparable(region.end));
    out->mutable_region_epoch()->set_conf_ver(region.conf_ver);
    out->mutable_region_epoch()->set_version(region.version);
    leader->set_id(region.peer_id);
    leader->set_store_id(RegionMap::kStoreId);
    *out->add_peers() = *leader;
  }

  World& world_;
  const size_t member_;
};

}  // namespace

Services make_pd_services(World& world, size_t member) {
  Services out;
  out.push_back(std::make_unique<PdService>(world, member));
  return out;
}

}  // namespace drainer::upstream
