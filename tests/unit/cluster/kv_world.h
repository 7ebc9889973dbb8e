#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drainer/cluster/tikv.h"
#include "drainer/proto/tikv.pb.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/cluster/fake_net.h"
#include "tests/unit/cluster/fake_pd.h"

namespace drainer::fakes {

constexpr CommitTs kVersion(419430400000000005);

/// PD, three stores and a client. The one region is 2, epoch {5,60}, peers 3, 4, 5 on stores 1, 2,
/// 3 (addresses s1:1, s2:1, s3:1), leader peer 3; tests change what they are about.
struct KvWorld {
  FakeClock clock;
  FakeNet net;
  FakePd pd{clock};
  std::unique_ptr<cluster::KvClient> client;
  std::map<std::string, std::string> requests;  ///< last of each method, serialized

  explicit KvWorld(uint32_t page_pairs = 256) {
    for (uint64_t id = 1; id <= 3; ++id) {
      pd.stores[id] = {.id = id, .address = fmt::format("s{}:1", id)};
    }
    pd.regions = {region(2, "", "")};
    cluster::KvOptions options;
    options.page_pairs = page_pairs;
    options.channels = net.factory();
    client = cluster::KvClient::create(pd, nullptr, clock, std::move(options));
  }

  static cluster::RegionInfo region(uint64_t id, std::string start, std::string end) {
    cluster::RegionInfo info;
    info.id = id;
    info.start_key = std::move(start);
    info.end_key = std::move(end);
    info.conf_ver = 5;
    info.version = 60;
    for (uint64_t store = 1; store <= 3; ++store) {
      info.peers.push_back({.id = store + 2, .store_id = store, .role = 0});
    }
    info.leader = info.peers.front();
    return info;
  }

  /// Serves one store by a function per method; absent methods are UNIMPLEMENTED.
  using Methods = std::map<std::string, FakeNet::Server>;
  void serve(uint64_t store, Methods methods) {
    net.serve(fmt::format("s{}:1", store),
              [this, methods = std::move(methods)](std::string_view method,
                                                   ByteView request) -> Result<Bytes> {
                const std::string name(method.substr(method.rfind('/') + 1));
                requests[name] = Bytes(request);
                const auto found = methods.find(name);
                if (found == methods.end()) {
                  return grpc_error(rpc::GrpcStatus::kUnimplemented, "unknown method");
                }
                return found->second(method, request);
              });
  }

  /// Duration of all pauses so far.
  Duration slept() const {
    Duration sum = Duration::zero();
    for (const Duration pause : clock.slept()) sum += pause;
    return sum;
  }
};

/// A server function out of one that takes and gives messages.
template <class Request, class Response>
FakeNet::Server handler(std::function<Response(const Request&)> function) {
  return [function = std::move(function)](std::string_view, ByteView bytes) -> Result<Bytes> {
    Request request;
    if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      return Error(ErrorCode::kInternal, "test server got a broken request");
    }
    return function(request).SerializeAsString();
  };
}

/// Answers the given messages one after another, the last one for ever.
template <class Response>
FakeNet::Server script(std::vector<Response> responses) {
  auto next = std::make_shared<size_t>(0);
  return [responses = std::move(responses), next](std::string_view, ByteView) -> Result<Bytes> {
    const Response& response = responses[std::min(*next, responses.size() - 1)];
    ++*next;
    return response.SerializeAsString();
  };
}

inline tikvpb::GetResponse value_response(std::string value) {
  tikvpb::GetResponse response;
  response.set_value(std::move(value));
  return response;
}

inline tikvpb::GetResponse region_error(const std::function<void(tikvpb::RegionError&)>& fill) {
  tikvpb::GetResponse response;
  fill(*response.mutable_region_error());
  return response;
}

}  // namespace drainer::fakes
