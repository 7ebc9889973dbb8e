#include "drainer/cluster/pd.h"
#include "drainer/cluster/tikv.h"

#include "drainer/base/threads.h"
#include "drainer/proto/pd.pb.h"
#include "drainer/proto/tikv.pb.h"
#include "tests/fakes/wait_until.h"
#include "tests/unit/rpc/stock_server.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <set>

namespace drainer::cluster {
namespace {

using rpc::ServerCall;
using rpc::ServerStatus;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr uint64_t kClusterId = 7;
constexpr int kUnknown = 2;
constexpr int kUnavailable = 14;

template <class Request, class Response>
ServerStatus answer_one(ServerCall& call, std::function<Response(const Request&)> function) {
  Request request;
  if (!request.ParseFromString(call.read().value_or(""))) return {.code = kUnknown, .message = ""};
  call.write(function(request).SerializeAsString());
  return {};
}

/// Two PDs and two TiKVs of the stock gRPC library on real sockets; store 2 leads the only region.
/// PD changes its leader when `pd_leader` is set.
class StockCluster {
 public:
  std::atomic<int> pd_leader{0};
  std::atomic<bool> is_tso_silent{false};
  std::atomic<int> tso_streams{0};

  StockCluster() { is_built_ = true; }

  PdOptions pd_options() const {
    PdOptions options;
    options.urls = {url(0), url(1)};
    return options;
  }

 private:
  std::string url(int pd) const {
    return fmt::format("http://127.0.0.1:{}", pds_[static_cast<size_t>(pd)]->port());
  }

  ServerStatus serve_pd(int self, const std::string& method, ServerCall& call) {
    if (method == "/pdpb.PD/GetMembers") {
      return answer_one<pdpb::GetMembersRequest, pdpb::GetMembersResponse>(
          call, [&](const auto&) { return members(); });
    }
    const bool is_leader = self == pd_leader;
    if (method == "/pdpb.PD/Tso") return serve_tso(self, call);
    if (!is_leader) return {.code = kUnavailable, .message = "not leader"};
    if (method == "/pdpb.PD/GetRegion") {
      return answer_one<pdpb::GetRegionRequest, pdpb::GetRegionResponse>(
          call, [&](const auto&) { return region(); });
    }
    return answer_one<pdpb::GetStoreRequest, pdpb::GetStoreResponse>(
        call, [&](const pdpb::GetStoreRequest& request) {
          pdpb::GetStoreResponse response;
          response.mutable_store()->set_address(
              fmt::format("127.0.0.1:{}", tikvs_[request.store_id() - 1]->port()));
          return response;
        });
  }

  ServerStatus serve_tso(int self, ServerCall& call) {
    ++tso_streams;
    while (const std::optional<Bytes> message = call.read()) {
      if (self != pd_leader) return {.code = kUnknown, .message = "pd is not leader of cluster"};
      if (is_tso_silent) call.wait_cancelled();
      pdpb::TsoRequest request;
      if (!request.ParseFromString(*message)) return {.code = kUnknown, .message = "bad request"};
      pdpb::TsoResponse response;
      response.set_count(request.count());
      response.mutable_timestamp()->set_physical(1000 + self);
      response.mutable_timestamp()->set_logical(++logical_);
      if (!call.write(response.SerializeAsString())) return {};
    }
    return {};
  }

  pdpb::GetMembersResponse members() const {
    pdpb::GetMembersResponse response;
    response.mutable_header()->set_cluster_id(kClusterId);
    for (const int pd : {0, 1}) response.add_members()->add_client_urls(url(pd));
    response.mutable_leader()->add_client_urls(url(pd_leader));
    return response;
  }

  static pdpb::GetRegionResponse region() {
    pdpb::GetRegionResponse response;
    response.mutable_region()->set_id(1);
    for (const uint64_t store : {1, 2}) {
      pdpb::Peer& peer = *response.mutable_region()->add_peers();
      peer.set_id(store + 10);
      peer.set_store_id(store);
    }
    *response.mutable_leader() = response.region().peers(0);  // Outdated: store 2 leads.
    return response;
  }

  template <class Response>
  static bool refuse_on_store_1(int store, Response& response) {
    if (store == 2) return false;
    auto& leader = *response.mutable_region_error()->mutable_not_leader()->mutable_leader();
    leader.set_id(12);
    leader.set_store_id(2);
    return true;
  }

  ServerStatus serve_tikv(int store, const std::string& method, ServerCall& call) {
    if (method == "/tikvpb.Tikv/KvGet") {
      return answer_one<tikvpb::GetRequest, tikvpb::GetResponse>(
          call, [&](const tikvpb::GetRequest& request) {
            tikvpb::GetResponse response;
            if (!refuse_on_store_1(store, response)) response.set_value("of " + request.key());
            return response;
          });
    }
    return answer_one<tikvpb::ScanRequest, tikvpb::ScanResponse>(
        call, [&](const tikvpb::ScanRequest& request) {
          tikvpb::ScanResponse response;
          if (refuse_on_store_1(store, response)) return response;
          for (int i = 0; i < 1000; ++i) {
            const std::string key = fmt::format("k{:04}", i);
            if (key < request.start_key() || key >= request.end_key()) continue;
            if (static_cast<uint32_t>(response.pairs_size()) == request.limit()) break;
            response.add_pairs()->set_key(key);
            response.mutable_pairs(response.pairs_size() - 1)->set_value(Bytes(10'000, 'v'));
          }
          return response;
        });
  }

  std::unique_ptr<rpc::StockServer> start_pd(int self) {
    return std::make_unique<rpc::StockServer>(
        [this, self](const auto& method, auto& call) -> ServerStatus {
          if (!is_built_) return {.code = kUnavailable, .message = "starting"};
          return serve_pd(self, method, call);
        });
  }
  std::unique_ptr<rpc::StockServer> start_tikv(int store) {
    return std::make_unique<rpc::StockServer>(
        [this, store](const auto& method, auto& call) { return serve_tikv(store, method, call); });
  }

  std::atomic<bool> is_built_{false};
  std::atomic<int64_t> logical_{0};
  std::vector<std::unique_ptr<rpc::StockServer>> tikvs_ =
      make_servers(start_tikv(1), start_tikv(2));
  std::vector<std::unique_ptr<rpc::StockServer>> pds_ = make_servers(start_pd(0), start_pd(1));

  static std::vector<std::unique_ptr<rpc::StockServer>> make_servers(
      std::unique_ptr<rpc::StockServer> first, std::unique_ptr<rpc::StockServer> second) {
    std::vector<std::unique_ptr<rpc::StockServer>> servers;
    servers.push_back(std::move(first));
    servers.push_back(std::move(second));
    return servers;
  }
};

TEST_CASE("sockets: timestamps, a read and a long scan go through, over a change of both leaders") {
  StockCluster cluster;
  SystemClock clock;
  const auto opened = PdClient::open(cluster.pd_options(), clock, {});
  REQUIRE(opened.ok());
  PdClient& pd = **opened;
  CommitTs last;
  for (int i = 0; i < 5; ++i) {
    const CommitTs ts = pd.tso({}).value();
    CHECK(ts > last);
    last = ts;
  }
  CHECK(cluster.tso_streams == 1);

  const auto kv = KvClient::create(pd, nullptr, clock);
  CHECK(kv->get("a", last, {}).value() == "of a");

  cluster.pd_leader = 1;
  CHECK(physical_ms(pd.tso({}).value()) == 1001);
  int pairs = 0;
  REQUIRE(kv->scan("k", "l", last,
                   [&](ByteView key, ByteView value) -> Result<void> {
                     CHECK(key == fmt::format("k{:04}", pairs++));
                     CHECK(value.size() == 10'000);
                     return {};
                   },
                   {})
              .ok());
  CHECK(pairs == 1000);
}

TEST_CASE("sockets: threads that ask for timestamps at once each get their own") {
  StockCluster cluster;
  SystemClock clock;
  const auto pd = PdClient::open(cluster.pd_options(), clock, {}).value();
  Mutex mutex;
  std::set<CommitTs> seen;
  ThreadGroup threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.start("asks", [&](const StopToken& stop) -> Result<void> {
      for (int i = 0; i < 50; ++i) {
        ASSIGN_OR_RETURN(const CommitTs ts, pd->tso(stop));
        MutexLock lock(mutex);
        seen.insert(ts);
      }
      return {};
    });
  }
  REQUIRE(threads.wait().ok());
  CHECK(seen.size() == 400);
}

TEST_CASE("sockets: a PD that accepts and says nothing is given up in time, or at a stop") {
  StockCluster cluster;
  SystemClock clock;
  PdOptions options = cluster.pd_options();
  options.call_timeout = milliseconds(50);
  options.tso_retry_time = milliseconds(100);
  const auto pd = PdClient::open(options, clock, {}).value();
  cluster.is_tso_silent = true;
  const Error late = pd->tso({}).error();
  CHECK(late.code() == ErrorCode::kTimeout);

  options.call_timeout = seconds(600);
  const auto patient = PdClient::open(options, clock, {}).value();
  StopSource stop;
  const int streams_before = cluster.tso_streams;
  ThreadGroup threads;
  std::optional<Error> stopped;
  threads.start("asks", [&](const StopToken&) -> Result<void> {
    stopped = patient->tso(stop.get_token()).error();
    return {};
  });
  // The call is certainly under way once the server has it.
  REQUIRE(fakes::wait_until([&] { return cluster.tso_streams != streams_before; }));
  stop.request_stop();
  REQUIRE(threads.wait().ok());
  CHECK(stopped->code() == ErrorCode::kStopped);
}

}  // namespace
}  // namespace drainer::cluster
