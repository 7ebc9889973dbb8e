#include "tests/upstream/grpc_headers.h"

#include "drainer/proto/tikv.grpc.pb.h"

#include "tests/upstream/call_gate.h"
#include "tests/upstream/tikv_node.h"

namespace drainer::upstream {

namespace {

using grpc::ServerContext;
using grpc::Status;

/// TiKV's commands one by one and through BatchCommands.
class TikvService final : public tikvpb::Tikv::Service {
 public:
  explicit TikvService(World& world) : world_(world), node_(world) {}

  Status KvGet(ServerContext* context, const tikvpb::GetRequest* request,
               tikvpb::GetResponse* response) override {
    return unary(*context, *request, response);
  }
  Status KvBatchGet(ServerContext* context, const tikvpb::BatchGetRequest* request,
                    tikvpb::BatchGetResponse* response) override {
    return unary(*context, *request, response);
  }
  Status KvScan(ServerContext* context, const tikvpb::ScanRequest* request,
                tikvpb::ScanResponse* response) override {
    return unary(*context, *request, response);
  }
  Status KvCheckTxnStatus(ServerContext* context, const tikvpb::CheckTxnStatusRequest* request,
                          tikvpb::CheckTxnStatusResponse* response) override {
    return unary(*context, *request, response);
  }
  Status KvCheckSecondaryLocks(ServerContext* context,
                               const tikvpb::CheckSecondaryLocksRequest* request,
                               tikvpb::CheckSecondaryLocksResponse* response) override {
    return unary(*context, *request, response);
  }
  Status KvResolveLock(ServerContext* context, const tikvpb::ResolveLockRequest* request,
                       tikvpb::ResolveLockResponse* response) override {
    return unary(*context, *request, response);
  }
  Status KvCleanup(ServerContext* context, const tikvpb::CleanupRequest* request,
                   tikvpb::CleanupResponse* response) override {
    return unary(*context, *request, response);
  }

  Status BatchCommands(ServerContext* context,
                       grpc::ServerReaderWriter<tikvpb::BatchCommandsResponse,
                                                tikvpb::BatchCommandsRequest>* stream) override {
    for (tikvpb::BatchCommandsRequest requests; stream->Read(&requests);) {
      if (Status status = admit_call(world_, kTikvNode, *context); !status.ok()) return status;
      if (requests.requests_size() != requests.request_ids_size()) {
        return {grpc::StatusCode::INVALID_ARGUMENT, "requests and request ids differ in number"};
      }
      tikvpb::BatchCommandsResponse responses;
      *responses.mutable_request_ids() = requests.request_ids();
      for (const auto& request : requests.requests()) answer(request, responses.add_responses());
      if (!stream->Write(responses)) break;
    }
    return Status::OK;
  }

 private:
  template <class Request, class Response>
  Status unary(const ServerContext& context, const Request& request, Response* response) {
    if (Status status = admit_call(world_, kTikvNode, context); !status.ok()) return status;
    node_.answer(request, response);
    return Status::OK;
  }

  void answer(const tikvpb::BatchCommandsRequest::Request& request,
              tikvpb::BatchCommandsResponse::Response* response) {
    using Request = tikvpb::BatchCommandsRequest::Request;
    switch (request.cmd_case()) {
      case Request::kGet:
        return node_.answer(request.get(), response->mutable_get());
      case Request::kScan:
        return node_.answer(request.scan(), response->mutable_scan());
      case Request::kBatchGet:
        return node_.answer(request.batch_get(), response->mutable_batch_get());
      case Request::kCheckTxnStatus:
        return node_.answer(request.check_txn_status(), response->mutable_check_txn_status());
      case Request::kCheckSecondaryLocks:
        return node_.answer(request.check_secondary_locks(),
                            response->mutable_check_secondary_locks());
      case Request::kResolveLock:
        return node_.answer(request.resolve_lock(), response->mutable_resolve_lock());
      case Request::kCleanup:
        return node_.answer(request.cleanup(), response->mutable_cleanup());
      case Request::kEmpty:
        response->mutable_empty()->set_test_id(request.empty().test_id());
        return;
      case Request::CMD_NOT_SET:
        return;
    }
  }

  World& world_;
  TikvNode node_;
};

}  // namespace

Services make_tikv_services(World& world) {
  Services out;
  out.push_back(std::make_unique<TikvService>(world));
  return out;
}

}  // namespace drainer::upstream
