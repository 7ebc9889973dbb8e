#include "drainer/cluster/pd.h"

#include "drainer/cluster/key_codec.h"
#include "drainer/proto/pd.pb.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/cluster/fake_net.h"

#include <catch2/catch.hpp>

namespace drainer::cluster {
namespace {

using fakes::FakeClock;
using fakes::FakeNet;
using fakes::grpc_error;
using std::chrono::seconds;

constexpr uint64_t kClusterId = 12345;
constexpr CommitTs kTs(419430400000000005);

/// Three members a, b, c at port 2379, one of which leads.
struct PdWorld {
  FakeClock clock;
  FakeNet net;
  std::string leader = "a";
  std::map<std::string, FakeNet::Server> methods;  ///< of the leader, beside GetMembers
  std::map<std::string, std::string> requests;     ///< last of each method, in hex

  PdWorld() {
    for (const std::string name : {"a", "b", "c"}) serve(name);
    methods["/pdpb.PD/Tso"] = [](auto, auto) { return timestamp(1600000000000, 5); };
  }

  void serve(const std::string& name) {
    net.serve(name + ":2379", [this, name](std::string_view method, ByteView request) {
      return answer(name, method, request);
    });
  }

  Result<Bytes> answer(const std::string& name, std::string_view method, ByteView request) {
    requests[std::string(method)] = to_hex(request);
    if (method == "/pdpb.PD/GetMembers") return members();
    if (name != leader && method == "/pdpb.PD/Tso") {
      return grpc_error(rpc::GrpcStatus::kUnknown,
                        "[PD:tso] requested pd is not leader of cluster");
    }
    if (name != leader) return grpc_error(rpc::GrpcStatus::kUnavailable, "not leader");
    return methods.at(std::string(method))(method, request);
  }

  Result<Bytes> members() const {
    pdpb::GetMembersResponse response;
    response.mutable_header()->set_cluster_id(kClusterId);
    for (const char* name : {"c", "a", "b"}) {
      response.add_members()->add_client_urls(fmt::format("http://{}:2379", name));
    }
    if (!leader.empty()) {
      response.mutable_leader()->add_client_urls(fmt::format("http://{}:2379", leader));
      response.mutable_leader()->add_client_urls("http://elsewhere:1");
    }
    return response.SerializeAsString();
  }

  static Result<Bytes> timestamp(int64_t physical, int64_t logical, uint32_t count = 1) {
    pdpb::TsoResponse response;
    response.set_count(count);
    response.mutable_timestamp()->set_physical(physical);
    response.mutable_timestamp()->set_logical(logical);
    return response.SerializeAsString();
  }

  PdOptions options(std::vector<std::string> urls = {"http://a:2379", "http://b:2379"}) {
    PdOptions options;
    options.urls = std::move(urls);
    options.channels = net.factory();
    return options;
  }
  std::unique_ptr<PdClient> open() {
    auto client = PdClient::open(options(), clock, {});
    REQUIRE(client.ok());
    return *std::move(client);
  }
};

template <class Response>
FakeNet::Server answer_with(Response response) {
  return [bytes = response.SerializeAsString()](auto, auto) { return Result<Bytes>(bytes); };
}

template <class Response>
Response refusal(pdpb::ErrorType type, std::string message) {
  Response response;
  response.mutable_header()->mutable_error()->set_type(type);
  response.mutable_header()->mutable_error()->set_message(std::move(message));
  return response;
}

TEST_CASE("pd: discovery finds cluster, members and leader") {
  PdWorld world;
  const auto client = world.open();
  CHECK(client->cluster_id() == kClusterId);
  CHECK(client->member_urls() ==
        std::vector<std::string>{"http://a:2379", "http://b:2379", "http://c:2379"});
}

TEST_CASE("pd: discovery passes over a member that is down") {
  PdWorld world;
  world.net.kill("a:2379");
  world.leader = "c";
  const auto client = world.open();
  CHECK(client->tso({}).value() == kTs);
}

TEST_CASE("pd: discovery waits for a cluster that comes up late") {
  PdWorld world;
  world.net.kill("a:2379");
  world.net.kill("b:2379");
  int sleeps = 0;
  world.clock.on_sleep([&] {
    if (++sleeps == 5) world.serve("b");
  });
  CHECK(world.open()->cluster_id() == kClusterId);
  CHECK(sleeps == 5);
}

TEST_CASE("pd: discovery waits for the election of a leader") {
  PdWorld world;
  world.leader = "";
  int sleeps = 0;
  world.clock.on_sleep([&] {
    if (++sleeps == 7) world.leader = "b";
  });
  CHECK(world.open()->tso({}).value() == kTs);
}

TEST_CASE("pd: discovery gives up after 100 attempts a second apart, with address and cause") {
  PdWorld world;
  const auto options = world.options({"http://x:2379"});
  const Error error = PdClient::open(options, world.clock, {}).error();
  CHECK(error.to_string() ==
        "[pd] failed to get cluster id: PD at http://x:2379 does not answer: connection refused");
  CHECK(world.net.calls().size() == 100);
  CHECK(world.clock.slept() == std::vector<Duration>(99, seconds(1)));
}

TEST_CASE("pd: discovery refuses urls of different clusters at once") {
  PdWorld world;
  pdpb::GetMembersResponse other;
  other.mutable_header()->set_cluster_id(777);
  world.net.serve("b:2379", answer_with(other));
  const Error error = PdClient::open(world.options(), world.clock, {}).error();
  CHECK(error.to_string() ==
        "[pd] unmatched cluster id: http://b:2379 belongs to cluster 777, others to 12345");
  CHECK(world.clock.slept().empty());
}

TEST_CASE("pd: discovery ends on a stop") {
  PdWorld world;
  StopSource stop;
  world.clock.on_sleep([&] { stop.request_stop(); });
  const auto options = world.options({"http://x:2379"});
  CHECK(PdClient::open(options, world.clock, stop.get_token()).error().code() ==
        ErrorCode::kStopped);
}

TEST_CASE("pd: timestamps come over one stream, request and sum as documented") {
  PdWorld world;
  const auto client = world.open();
  for (int i = 0; i < 3; ++i) CHECK(client->tso({}).value() == kTs);
  CHECK(world.requests["/pdpb.PD/Tso"] == "0a0308b96010011a06676c6f62616c");
  CHECK(world.net.streams_opened() == 1);
}

TEST_CASE("pd: a timestamp follows the leader to another member") {
  PdWorld world;
  const auto client = world.open();
  REQUIRE(client->tso({}).ok());
  world.leader = "c";
  CHECK(client->tso({}).value() == kTs);
  CHECK(world.net.calls().back() == "c:2379 /pdpb.PD/Tso");
  CHECK(world.clock.slept().empty());
}

TEST_CASE("pd: a timestamp survives the leader's death and the election after it") {
  PdWorld world;
  const auto client = world.open();
  REQUIRE(client->tso({}).ok());
  world.net.kill("a:2379");
  world.leader = "";
  int sleeps = 0;
  world.clock.on_sleep([&] {
    if (++sleeps == 4) world.leader = "b";
  });
  CHECK(client->tso({}).value() == kTs);
}

TEST_CASE("pd: a stream that the server ends is opened again") {
  PdWorld world;
  const auto client = world.open();
  int asked = 0;
  world.methods["/pdpb.PD/Tso"] = [&](auto, auto) {
    return ++asked == 1 ? Result<Bytes>(Bytes()) : PdWorld::timestamp(1600000000000, 5);
  };
  CHECK(client->tso({}).value() == kTs);
  CHECK(world.net.streams_opened() == 2);
}

TEST_CASE("pd: a timestamp is given up after 15 seconds, with address and cause") {
  PdWorld world;
  const auto client = world.open();
  for (const char* name : {"a:2379", "b:2379", "c:2379"}) world.net.kill(name);
  const TimePoint begin = world.clock.now();
  const Error error = client->tso({}).error();
  CHECK(error.to_string() ==
        "get timestamp: PD at http://a:2379 does not answer: connection refused");
  CHECK(world.clock.now() - begin <= seconds(15));
  CHECK(world.clock.now() - begin >= seconds(12));
}

TEST_CASE("pd: a wrong cluster id and a wrong count are not papered over") {
  PdWorld world;
  const auto client = world.open();
  world.methods["/pdpb.PD/Tso"] = [](auto, auto) -> Result<Bytes> {
    return grpc_error(rpc::GrpcStatus::kFailedPrecondition,
                      "mismatch cluster id, need 7 but got 12345");
  };
  CHECK(client->tso({}).error().to_string().ends_with("mismatch cluster id, need 7 but got 12345"));
  CHECK(world.clock.slept().empty());
  world.methods["/pdpb.PD/Tso"] = [](auto, auto) { return PdWorld::timestamp(1, 1, 2); };
  CHECK(client->tso({}).error().text() == "tso length in rpc response is incorrect");
}

pdpb::GetRegionResponse region_response(std::string_view start, std::string_view end) {
  pdpb::GetRegionResponse response;
  pdpb::Region& region = *response.mutable_region();
  region.set_id(2);
  if (!start.empty()) append_memcomparable(*region.mutable_start_key(), start);
  if (!end.empty()) append_memcomparable(*region.mutable_end_key(), end);
  region.mutable_region_epoch()->set_conf_ver(5);
  region.mutable_region_epoch()->set_version(60);
  for (const uint64_t id : {3, 4, 5}) {
    pdpb::Peer& peer = *region.add_peers();
    peer.set_id(id);
    peer.set_store_id(id + 10);
    if (id == 5) peer.set_role(pdpb::Learner);
  }
  *response.mutable_leader() = region.peers(1);
  *response.add_down_peers()->mutable_peer() = region.peers(0);
  return response;
}

TEST_CASE("pd: a region is asked for by encoded key and comes back with raw ones") {
  PdWorld world;
  const auto client = world.open();
  world.methods["/pdpb.PD/GetRegion"] = answer_with(region_response("m", "n"));
  const Bytes job = hash_field_key("DDLJobHistory", from_hex("000000000000002a"));
  const RegionInfo region = client->region_of(job, {}).value();
  CHECK(world.requests["/pdpb.PD/GetRegion"] ==
        "0a0308b96012366d44444c4a6f6248ff69ff73746f727900ff0000fc0000000000ff0000680000000000ff0000"
        "2aff00000000ff00000000f7000000fc");
  CHECK(region.id == 2);
  CHECK(region.start_key == "m");
  CHECK(region.end_key == "n");
  CHECK(region.conf_ver == 5);
  CHECK(region.version == 60);
  CHECK(region.leader.id == 4);
  REQUIRE(region.peers.size() == 2);  // Without the one that is down.
  CHECK(region.peers[0].store_id == 14);
  CHECK(region.peers[1].role == pdpb::Learner);
}

TEST_CASE("pd: a region in flux is asked for again; one that does not hold the key is refused") {
  PdWorld world;
  const auto client = world.open();
  world.methods["/pdpb.PD/GetRegion"] = answer_with(pdpb::GetRegionResponse());
  world.clock.on_sleep(
      [&] { world.methods["/pdpb.PD/GetRegion"] = answer_with(region_response("", "")); });
  CHECK(client->region_of("k", {}).value().id == 2);
  CHECK(world.clock.slept().size() == 1);
  world.methods["/pdpb.PD/GetRegion"] = answer_with(region_response("x", ""));
  CHECK(client->region_of("k", {}).error().code() == ErrorCode::kInternal);
  pdpb::GetRegionResponse broken = region_response("", "");
  broken.mutable_region()->set_end_key("no code");
  world.methods["/pdpb.PD/GetRegion"] = answer_with(broken);
  CHECK(client->region_of("k", {}).error().code() == ErrorCode::kCorrupt);
}

TEST_CASE("pd: a call follows the leader, and waits for a cluster that starts") {
  PdWorld world;
  const auto client = world.open();
  world.methods["/pdpb.PD/GetRegion"] = answer_with(region_response("", ""));
  world.leader = "b";
  CHECK(client->region_of("k", {}).ok());
  CHECK(world.net.calls().back() == "b:2379 /pdpb.PD/GetRegion");

  for (const auto& not_yet :
       {refusal<pdpb::GetRegionResponse>(pdpb::NOT_BOOTSTRAPPED, "no"),
        refusal<pdpb::GetRegionResponse>(pdpb::UNKNOWN, "server not started")}) {
    world.methods["/pdpb.PD/GetRegion"] = answer_with(not_yet);
    world.clock.on_sleep(
        [&] { world.methods["/pdpb.PD/GetRegion"] = answer_with(region_response("", "")); });
    CHECK(client->region_of("k", {}).ok());
  }
}

TEST_CASE("pd: other refusals go to the caller at once") {
  PdWorld world;
  const auto client = world.open();
  world.methods["/pdpb.PD/GetRegion"] =
      answer_with(refusal<pdpb::GetRegionResponse>(pdpb::INCOMPATIBLE_VERSION, "too old"));
  const Error error = client->region_of("k", {}).error();
  CHECK(error.text() ==
        "PD at http://a:2379 refuses /pdpb.PD/GetRegion: INCOMPATIBLE_VERSION too old");
  CHECK(world.clock.slept().empty());
}

TEST_CASE("pd: stores have an address, or are gone") {
  PdWorld world;
  const auto client = world.open();
  pdpb::GetStoreResponse response;
  pdpb::Store& store = *response.mutable_store();
  store.set_address("tikv1:20160");
  world.methods["/pdpb.PD/GetStore"] = answer_with(response);
  CHECK(client->store(1, {}).value().address == "tikv1:20160");
  CHECK_FALSE(client->store(1, {}).value().is_gone);
  CHECK_FALSE(client->store(1, {}).value().is_tiflash);

  store.set_state(pdpb::Tombstone);
  world.methods["/pdpb.PD/GetStore"] = answer_with(response);
  CHECK(client->store(1, {}).value().is_gone);
  store.set_state(pdpb::Up);
  store.set_node_state(pdpb::Removed);
  world.methods["/pdpb.PD/GetStore"] = answer_with(response);
  CHECK(client->store(1, {}).value().is_gone);
  store.set_node_state(pdpb::Serving);
  store.add_labels()->set_key("engine");
  store.mutable_labels(0)->set_value("tiflash");
  world.methods["/pdpb.PD/GetStore"] = answer_with(response);
  CHECK(client->store(1, {}).value().is_tiflash);

  world.methods["/pdpb.PD/GetStore"] =
      answer_with(refusal<pdpb::GetStoreResponse>(pdpb::UNKNOWN, "invalid store ID 9, not found"));
  CHECK(client->store(9, {}).value().is_gone);
}

TEST_CASE("pd: the service safe point is the documented request; its answer is the minimum") {
  PdWorld world;
  const auto client = world.open();
  pdpb::UpdateServiceGCSafePointResponse response;
  response.set_min_safe_point(77);
  world.methods["/pdpb.PD/UpdateServiceGCSafePoint"] = answer_with(response);
  const Result<CommitTs> minimum =
      client->update_service_gc_safe_point("drainer_1600000000000000000", 300, kTs, {});
  CHECK(minimum.value() == CommitTs(77));
  CHECK(world.requests["/pdpb.PD/UpdateServiceGCSafePoint"] ==
        "0a0308b960121b647261696e65725f3136303030303030303030303030303030303018ac022085808080a0b787"
        "e905");
}

TEST_CASE("pd: a method that PD does not have is not asked for twice") {
  PdWorld world;
  const auto client = world.open();
  world.methods["/pdpb.PD/UpdateServiceGCSafePoint"] = [](auto, auto) -> Result<Bytes> {
    return grpc_error(rpc::GrpcStatus::kUnimplemented, "unknown method");
  };
  const Error error = client->update_service_gc_safe_point("x", 300, kTs, {}).error();
  CHECK(error.code() == ErrorCode::kUnsupported);
  CHECK(world.clock.slept().empty());
}

TEST_CASE("pd: the members are refreshed every minute, also when they have all moved") {
  PdWorld world;
  const auto client = world.open();
  StopSource stop;
  world.leader = "c";
  int sleeps = 0;
  world.clock.on_sleep([&] {
    if (++sleeps == 2) stop.request_stop();
  });
  REQUIRE(client->run(stop.get_token()).ok());
  CHECK(world.clock.slept() == std::vector<Duration>(2, seconds(60)));
  CHECK(client->tso({}).ok());
  CHECK(world.net.calls().back() == "c:2379 /pdpb.PD/Tso");
}

}  // namespace
}  // namespace drainer::cluster
