#include "tests/upstream/grpc_headers.h"

#include "drainer/proto/etcd.grpc.pb.h"

#include "tests/upstream/etcd_forward.h"

#include "drainer/base/log.h"
#include "tests/upstream/call_gate.h"

namespace drainer::upstream {

namespace {

using etcdserverpb::KV;
using grpc::ServerContext;
using grpc::Status;

constexpr auto kOwnCallLimit = std::chrono::seconds(2);

class ForwardedKv final : public KV::Service {
 public:
  ForwardedKv(World& world, KV::Stub& stub) : world_(world), stub_(stub) {}

  Status Range(ServerContext* context, const etcdserverpb::RangeRequest* request,
               etcdserverpb::RangeResponse* response) override {
    return forward(*context, &KV::Stub::Range, *request, response);
  }
  Status Put(ServerContext* context, const etcdserverpb::PutRequest* request,
             etcdserverpb::PutResponse* response) override {
    return forward(*context, &KV::Stub::Put, *request, response);
  }
  Status DeleteRange(ServerContext* context, const etcdserverpb::DeleteRangeRequest* request,
                     etcdserverpb::DeleteRangeResponse* response) override {
    return forward(*context, &KV::Stub::DeleteRange, *request, response);
  }
  Status Txn(ServerContext* context, const etcdserverpb::TxnRequest* request,
             etcdserverpb::TxnResponse* response) override {
    return forward(*context, &KV::Stub::Txn, *request, response);
  }

 private:
  template <class Call, class Request, class Response>
  Status forward(ServerContext& context, Call call, const Request& request, Response* response) {
    if (Status status = admit_call(world_, kPdNode, context); !status.ok()) return status;
    const auto client = grpc::ClientContext::FromServerContext(context);
    return (stub_.*call)(client.get(), request, response);
  }

  World& world_;
  KV::Stub& stub_;
};

void set_limit(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + kOwnCallLimit);
}

}  // namespace

struct EtcdForward::Stub {
  std::unique_ptr<KV::Stub> kv;
};

EtcdForward::EtcdForward(const std::string& address) : stub_(std::make_unique<Stub>()) {
  grpc::ChannelArguments arguments;
  // An etcd that a test takes away for a moment is looked for again at once.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  stub_->kv = KV::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
}

EtcdForward::~EtcdForward() = default;

std::unique_ptr<grpc::Service> EtcdForward::make_service(World& world) {
  return std::make_unique<ForwardedKv>(world, *stub_->kv);
}

void EtcdForward::put(const std::string& key, const std::string& value) {
  grpc::ClientContext context;
  set_limit(context);
  etcdserverpb::PutRequest request;
  request.set_key(key);
  request.set_value(value);
  etcdserverpb::PutResponse response;
  const Status status = stub_->kv->Put(&context, request, &response);
  if (!status.ok()) log_error("etcd put", {{"key", key}, {"error", status.error_message()}});
}

std::vector<std::string> EtcdForward::values(std::string_view key, std::string_view range_end) {
  grpc::ClientContext context;
  set_limit(context);
  etcdserverpb::RangeRequest request;
  request.set_key(std::string(key));
  request.set_range_end(std::string(range_end));
  etcdserverpb::RangeResponse response;
  const Status status = stub_->kv->Range(&context, request, &response);
  if (!status.ok()) log_error("etcd range", {{"key", key}, {"error", status.error_message()}});
  std::vector<std::string> out;
  for (const auto& pair : response.kvs()) out.push_back(pair.value());
  return out;
}

}  // namespace drainer::upstream
