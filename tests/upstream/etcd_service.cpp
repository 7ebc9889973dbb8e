#include "tests/upstream/grpc_headers.h"

#include "drainer/proto/etcd.grpc.pb.h"

#include "drainer/base/threads.h"
#include "tests/upstream/call_gate.h"
#include "tests/upstream/services.h"

namespace drainer::upstream {

namespace {

using etcdserverpb::Compare;
using etcdserverpb::RangeRequest;
using grpc::ServerContext;
using grpc::Status;

constexpr uint64_t kMemberId = 4611686018427387905;

void fill(const World& world, int64_t revision, etcdserverpb::ResponseHeader* header) {
  header->set_cluster_id(world.cluster_id);
  header->set_member_id(kMemberId);
  header->set_revision(revision);
  header->set_raft_term(2);
}

void fill(const StoredKey& stored, etcdserverpb::KeyValue* out) {
  out->set_key(stored.key);
  out->set_value(stored.value);
  out->set_create_revision(stored.create_revision);
  out->set_mod_revision(stored.mod_revision);
  out->set_version(stored.version);
  out->set_lease(stored.lease);
}

/// Orders by the wanted field; keys come in key order from the store.
void sort_range(const RangeRequest& request, std::vector<StoredKey>& keys) {
  const auto less = [&](const StoredKey& a, const StoredKey& b) {
    switch (request.sort_target()) {
      case RangeRequest::VERSION:
        return a.version < b.version;
      case RangeRequest::CREATE:
        return a.create_revision < b.create_revision;
      case RangeRequest::MOD:
        return a.mod_revision < b.mod_revision;
      case RangeRequest::VALUE:
        return a.value < b.value;
      default:
        return a.key < b.key;
    }
  };
  if (request.sort_order() == RangeRequest::DESCEND) {
    std::stable_sort(keys.begin(), keys.end(),
                     [&](const auto& a, const auto& b) { return less(b, a); });
  } else if (request.sort_target() != RangeRequest::KEY) {
    std::stable_sort(keys.begin(), keys.end(), less);
  }
}

/// The single requests, alone and as parts of a transaction.
class KvService final : public etcdserverpb::KV::Service {
 public:
  explicit KvService(World& world) : world_(world) {}

  Status Range(ServerContext* context, const RangeRequest* request,
               etcdserverpb::RangeResponse* response) override {
    return run(*context, [&](EtcdStore::Txn& txn) { return range(txn, *request, response); });
  }

  Status Put(ServerContext* context, const etcdserverpb::PutRequest* request,
             etcdserverpb::PutResponse* response) override {
    return run(*context, [&](EtcdStore::Txn& txn) { return put(txn, *request, response); });
  }

  Status DeleteRange(ServerContext* context, const etcdserverpb::DeleteRangeRequest* request,
                     etcdserverpb::DeleteRangeResponse* response) override {
    return run(*context, [&](EtcdStore::Txn& txn) { return erase(txn, *request, response); });
  }

  Status Txn(ServerContext* context, const etcdserverpb::TxnRequest* request,
             etcdserverpb::TxnResponse* response) override {
    return run(*context, [&](EtcdStore::Txn& txn) {
      if (Status status = check(txn, *request); !status.ok()) return status;
      return transact(txn, *request, response);
    });
  }

 private:
  template <class Body>
  Status run(const ServerContext& context, Body body) {
    if (Status status = admit_call(world_, kPdNode, context); !status.ok()) return status;
    Status status;
    world_.etcd.transact([&](EtcdStore::Txn& txn) { status = body(txn); });
    return status;
  }

  Status range(const EtcdStore::Txn& txn, const RangeRequest& request,
               etcdserverpb::RangeResponse* response) const {
    fill(world_, txn.revision(), response->mutable_header());
    if (request.key().empty())
      return {grpc::StatusCode::INVALID_ARGUMENT, "etcdserver: key is not provided"};
    if (request.revision() > txn.revision()) {
      return {grpc::StatusCode::OUT_OF_RANGE,
              "etcdserver: mvcc: required revision is a future revision"};
    }
    if (request.revision() > 0 && request.revision() < txn.revision()) {
      return {grpc::StatusCode::OUT_OF_RANGE,
              "etcdserver: mvcc: required revision has been compacted"};
    }
    std::vector<StoredKey> keys = txn.range(request.key(), request.range_end());
    std::erase_if(keys, [&](const StoredKey& key) {
      const auto outside = [](int64_t value, int64_t low, int64_t high) {
        return (low != 0 && value < low) || (high != 0 && value > high);
      };
      return outside(key.mod_revision, request.min_mod_revision(), request.max_mod_revision()) ||
             outside(key.create_revision, request.min_create_revision(),
                     request.max_create_revision());
    });
    response->set_count(static_cast<int64_t>(keys.size()));
    if (request.count_only()) return Status::OK;
    sort_range(request, keys);
    if (request.limit() > 0 && keys.size() > static_cast<size_t>(request.limit())) {
      keys.resize(static_cast<size_t>(request.limit()));
      response->set_more(true);
    }
    for (StoredKey& key : keys) {
      if (request.keys_only()) key.value.clear();
      fill(key, response->add_kvs());
    }
    return Status::OK;
  }

  Status check_put(const EtcdStore::Txn& txn, const etcdserverpb::PutRequest& request) const {
    if (request.key().empty())
      return {grpc::StatusCode::INVALID_ARGUMENT, "etcdserver: key is not provided"};
    if (request.lease() != 0 && !txn.has_lease(request.lease())) {
      return {grpc::StatusCode::NOT_FOUND, "etcdserver: requested lease not found"};
    }
    if ((request.ignore_value() || request.ignore_lease()) &&
        txn.range(request.key(), {}).empty()) {
      return {grpc::StatusCode::INVALID_ARGUMENT, "etcdserver: key not found"};
    }
    return Status::OK;
  }

  Status put(EtcdStore::Txn& txn, const etcdserverpb::PutRequest& request,
             etcdserverpb::PutResponse* response) const {
    if (Status status = check_put(txn, request); !status.ok()) return status;
    EtcdStore::Txn::Write write{request.key(), request.value(), request.lease()};
    if (request.ignore_value()) write.value = txn.range(request.key(), {})[0].value;
    if (request.ignore_lease()) write.lease = txn.range(request.key(), {})[0].lease;
    const auto before = txn.put(std::move(write));
    if (before && request.prev_kv()) fill(*before, response->mutable_prev_kv());
    fill(world_, txn.revision(), response->mutable_header());
    return Status::OK;
  }

  Status erase(EtcdStore::Txn& txn, const etcdserverpb::DeleteRangeRequest& request,
               etcdserverpb::DeleteRangeResponse* response) const {
    if (request.key().empty())
      return {grpc::StatusCode::INVALID_ARGUMENT, "etcdserver: key is not provided"};
    const auto gone = txn.erase(request.key(), request.range_end());
    response->set_deleted(static_cast<int64_t>(gone.size()));
    if (request.prev_kv()) {
      for (const StoredKey& key : gone) fill(key, response->add_prev_kvs());
    }
    fill(world_, txn.revision(), response->mutable_header());
    return Status::OK;
  }

  static bool holds(const EtcdStore::Txn& txn, const Compare& compare) {
    const auto keys = txn.range(compare.key(), compare.range_end());
    const auto judge = [&](const StoredKey& key) {
      const auto order = [](const auto& a, const auto& b) { return a < b ? -1 : a > b ? 1 : 0; };
      int sign = 0;
      switch (compare.target()) {
        case Compare::VERSION:
          sign = order(key.version, compare.version());
          break;
        case Compare::CREATE:
          sign = order(key.create_revision, compare.create_revision());
          break;
        case Compare::MOD:
          sign = order(key.mod_revision, compare.mod_revision());
          break;
        case Compare::LEASE:
          sign = order(key.lease, compare.lease());
          break;
        default:
          sign = order(key.value, compare.value());
      }
      switch (compare.result()) {
        case Compare::EQUAL:
          return sign == 0;
        case Compare::GREATER:
          return sign > 0;
        case Compare::LESS:
          return sign < 0;
        default:
          return sign != 0;
      }
    };
    // An absent key compares as all zeros, but never by value.
    if (keys.empty()) return compare.target() != Compare::VALUE && judge(StoredKey{});
    return std::all_of(keys.begin(), keys.end(), judge);
  }

  /// etcd refuses a transaction as a whole before it writes anything.
  Status check(const EtcdStore::Txn& txn, const etcdserverpb::TxnRequest& request) const {
    for (const auto* ops : {&request.success(), &request.failure()}) {
      for (const etcdserverpb::RequestOp& op : *ops) {
        Status status;
        if (op.has_request_put()) status = check_put(txn, op.request_put());
        if (op.has_request_txn()) status = check(txn, op.request_txn());
        if (!status.ok()) return status;
      }
    }
    return Status::OK;
  }

  Status transact(EtcdStore::Txn& txn, const etcdserverpb::TxnRequest& request,
                  etcdserverpb::TxnResponse* response) const {
    const bool succeeded = std::all_of(request.compare().begin(), request.compare().end(),
                                       [&](const Compare& compare) { return holds(txn, compare); });
    response->set_succeeded(succeeded);
    Status status;
    for (const auto& op : succeeded ? request.success() : request.failure()) {
      auto* answer = response->add_responses();
      switch (op.request_case()) {
        case etcdserverpb::RequestOp::kRequestRange:
          status = range(txn, op.request_range(), answer->mutable_response_range());
          break;
        case etcdserverpb::RequestOp::kRequestPut:
          status = put(txn, op.request_put(), answer->mutable_response_put());
          break;
        case etcdserverpb::RequestOp::kRequestDeleteRange:
          status = erase(txn, op.request_delete_range(), answer->mutable_response_delete_range());
          break;
        case etcdserverpb::RequestOp::kRequestTxn:
          status = transact(txn, op.request_txn(), answer->mutable_response_txn());
          break;
        case etcdserverpb::RequestOp::REQUEST_NOT_SET:
          break;
      }
      if (!status.ok()) return status;
    }
    fill(world_, txn.revision(), response->mutable_header());
    return Status::OK;
  }

  World& world_;
};

class LeaseService final : public etcdserverpb::Lease::Service {
 public:
  explicit LeaseService(World& world) : world_(world) {}

  Status LeaseGrant(ServerContext* context, const etcdserverpb::LeaseGrantRequest* request,
                    etcdserverpb::LeaseGrantResponse* response) override {
    if (Status status = admit_call(world_, kPdNode, *context); !status.ok()) return status;
    const int64_t ttl_s = std::max<int64_t>(request->ttl(), 1);
    const auto id = world_.etcd.grant(ttl_s, request->id());
    if (!id.ok()) return {grpc::StatusCode::FAILED_PRECONDITION, id.error().text()};
    fill(world_, world_.etcd.revision(), response->mutable_header());
    response->set_id(*id);
    response->set_ttl(ttl_s);
    return Status::OK;
  }

  Status LeaseRevoke(ServerContext* context, const etcdserverpb::LeaseRevokeRequest* request,
                     etcdserverpb::LeaseRevokeResponse* response) override {
    if (Status status = admit_call(world_, kPdNode, *context); !status.ok()) return status;
    const auto revoked = world_.etcd.revoke(request->id());
    if (!revoked.ok()) return {grpc::StatusCode::NOT_FOUND, revoked.error().text()};
    fill(world_, world_.etcd.revision(), response->mutable_header());
    return Status::OK;
  }

  Status LeaseKeepAlive(
      ServerContext* context,
      grpc::ServerReaderWriter<etcdserverpb::LeaseKeepAliveResponse,
                               etcdserverpb::LeaseKeepAliveRequest>* stream) override {
    for (etcdserverpb::LeaseKeepAliveRequest request; stream->Read(&request);) {
      if (Status status = admit_call(world_, kPdNode, *context); !status.ok()) return status;
      etcdserverpb::LeaseKeepAliveResponse response;
      response.set_id(request.id());
      response.set_ttl(world_.etcd.keep_alive(request.id()));
      fill(world_, world_.etcd.revision(), response.mutable_header());
      if (!stream->Write(response)) break;
    }
    return Status::OK;
  }

 private:
  World& world_;
};

class ClusterService final : public etcdserverpb::Cluster::Service {
 public:
  explicit ClusterService(World& world) : world_(world) {}

  Status MemberList(ServerContext* context, const etcdserverpb::MemberListRequest* request,
                    etcdserverpb::MemberListResponse* response) override {
    (void)request;
    if (Status status = admit_call(world_, kPdNode, *context); !status.ok()) return status;
    fill(world_, world_.etcd.revision(), response->mutable_header());
    for (size_t i = 0; i < world_.addresses().pd_urls.size(); ++i) {
      auto* member = response->add_members();
      member->set_id(kMemberId + i);
      member->set_name(fmt::format("pd-{}", i + 1));
      member->add_peerurls(world_.addresses().pd_urls[i]);
      member->add_clienturls(world_.addresses().pd_urls[i]);
    }
    return Status::OK;
  }

 private:
  World& world_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_cluster_service(World& world) {
  return std::make_unique<ClusterService>(world);
}

Services make_etcd_services(World& world) {
  Services out;
  out.push_back(std::make_unique<KvService>(world));
  out.push_back(std::make_unique<LeaseService>(world));
  out.push_back(make_cluster_service(world));
  out.push_back(make_watch_service(world));
  return out;
}

}  // namespace drainer::upstream
