#include "drainer/cluster/etcd.h"

#include "drainer/proto/etcd.pb.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/cluster/fake_net.h"

#include <catch2/catch.hpp>

namespace drainer::cluster {
namespace {

using fakes::FakeClock;
using fakes::FakeNet;

constexpr std::string_view kKey = "/tidb-binlog/v1/drainers/host1:8249";

struct EtcdWorld {
  FakeClock clock;
  FakeNet net;
  std::vector<std::string> endpoints = {"http://a:2379"};
  std::unique_ptr<EtcdClient> client =
      EtcdClient::create({.endpoints = [this] { return endpoints; },
                          .tls = nullptr,
                          .timeout = std::chrono::seconds(5),
                          .channels = net.factory()},
                         clock);

  /// Answers everything with `response` and keeps the last request.
  FakeNet::Server answering(const google::protobuf::MessageLite& response) {
    return [this, bytes = response.SerializeAsString()](std::string_view, ByteView request) {
      last_request = to_hex(request);
      return Result<Bytes>(bytes);
    };
  }
  std::string last_request;
};

etcdserverpb::TxnResponse txn(bool succeeded) {
  etcdserverpb::TxnResponse response;
  response.set_succeeded(succeeded);
  return response;
}

TEST_CASE("etcd: requests are the documented bytes") {
  EtcdWorld world;
  world.net.serve("a:2379", world.answering(etcdserverpb::RangeResponse()));
  REQUIRE(world.client->range_prefix("/tidb-binlog/v1/pumps/", {}).ok());
  CHECK(world.last_request ==
        "0a162f746964622d62696e6c6f672f76312f70756d70732f12162f746964622d62696e6c6f672f76312f70756d"
        "707330");
  world.net.serve("a:2379", world.answering(txn(true)));
  REQUIRE(world.client->create_key(kKey, "v", {}).ok());
  CHECK(world.last_request ==
        "0a2910021a232f746964622d62696e6c6f672f76312f647261696e6572732f686f7374313a383234393000122a"
        "12280a232f746964622d62696e6c6f672f76312f647261696e6572732f686f7374313a38323439120176");
  etcdserverpb::TxnResponse replaced = txn(true);
  replaced.add_responses()->mutable_response_put()->mutable_prev_kv()->set_value("before");
  world.net.serve("a:2379", world.answering(replaced));
  CHECK(world.client->update_key(kKey, "v", {}).value().value == "before");
  // The documented bytes, and prev_kv.
  CHECK(world.last_request ==
        "0a2b080110021a232f746964622d62696e6c6f672f76312f647261696e6572732f686f7374313a383234393000"
        "122c122a0a232f746964622d62696e6c6f672f76312f647261696e6572732f686f7374313a38323439120176"
        "2001");
  CHECK(world.net.calls() == std::vector<std::string>{"a:2379 /etcdserverpb.KV/Range",
                                                      "a:2379 /etcdserverpb.KV/Txn",
                                                      "a:2379 /etcdserverpb.KV/Txn"});
}

TEST_CASE("etcd: a guard that does not hold is a conflict or an absent key") {
  EtcdWorld world;
  world.net.serve("a:2379", world.answering(txn(false)));
  const Error exists = world.client->create_key(kKey, "v", {}).error();
  CHECK(exists.code() == ErrorCode::kConflict);
  CHECK(exists.text().ends_with("already exists"));
  const Error absent = world.client->update_key(kKey, "v", {}).error();
  CHECK(absent.code() == ErrorCode::kNotFound);
  CHECK(absent.text().ends_with("not found"));
}

TEST_CASE("etcd: an update that is answered without its put is corrupt") {
  EtcdWorld world;
  world.net.serve("a:2379", world.answering(txn(true)));
  CHECK(world.client->update_key(kKey, "v", {}).error().code() == ErrorCode::kCorrupt);
}

TEST_CASE("etcd: an endpoint that is down is passed over, and the live one stays the first") {
  EtcdWorld world;
  world.endpoints = {"http://a:2379", "http://b:2379"};
  etcdserverpb::RangeResponse response;
  response.add_kvs()->set_value("x");
  world.net.serve("b:2379", world.answering(response));
  CHECK(world.client->get("k", {}).value().value == "x");
  CHECK(world.client->get("k", {}).value().value == "x");
  CHECK(world.net.count("a:2379 /etcdserverpb.KV/Range") == 1);
  CHECK(world.net.count("b:2379 /etcdserverpb.KV/Range") == 2);
}

TEST_CASE("etcd: an endpoint with a wrong certificate is passed over too") {
  EtcdWorld world;
  world.endpoints = {"http://a:2379", "http://b:2379"};
  const FakeNet::Server distrusted = [](std::string_view, ByteView) -> Result<Bytes> {
    return Error(ErrorCode::kDenied, "tls: server certificate: certificate has expired");
  };
  world.net.serve("a:2379", distrusted);
  world.net.serve("b:2379", world.answering(etcdserverpb::RangeResponse()));
  CHECK(world.client->range_prefix("k", {}).ok());
  CHECK(world.client->range_prefix("k", {}).ok());
  CHECK(world.net.count("a:2379 /etcdserverpb.KV/Range") == 1);

  // When none is left the reason is told at once.
  world.net.serve("b:2379", distrusted);
  const TimePoint begin = world.clock.now();
  CHECK(world.client->range_prefix("k", {}).error().to_string() ==
        "etcd at http://a:2379 refuses: tls: server certificate: certificate has expired");
  CHECK(world.net.calls().size() == 5);
  CHECK(world.clock.now() - begin < std::chrono::seconds(1));
}

TEST_CASE("etcd: endpoints are asked anew while none answers") {
  EtcdWorld world;
  world.net.serve("c:2379", world.answering(etcdserverpb::RangeResponse()));
  world.clock.on_sleep([&] { world.endpoints = {"http://c:2379"}; });
  CHECK(world.client->get("k", {}).error().code() == ErrorCode::kNotFound);
}

TEST_CASE("etcd: an operation gives up after its time, naming the address and the cause") {
  EtcdWorld world;
  const TimePoint begin = world.clock.now();
  const Error error = world.client->get("k", {}).error();
  CHECK(error.code() == ErrorCode::kUnavailable);
  CHECK(error.to_string() == "etcd at http://a:2379 does not answer: connection refused");
  CHECK(world.clock.now() - begin <= std::chrono::seconds(5));
  CHECK(world.clock.now() - begin >= std::chrono::seconds(4));
}

TEST_CASE("etcd: a refusal is not repeated") {
  EtcdWorld world;
  world.net.serve("a:2379", [](std::string_view, ByteView) -> Result<Bytes> {
    return fakes::grpc_error(rpc::GrpcStatus::kFailedPrecondition, "etcdserver: no space");
  });
  CHECK_FALSE(world.client->get("k", {}).ok());
  CHECK(world.net.calls().size() == 1);
}

TEST_CASE("etcd: an answer that cannot be decoded is an error") {
  EtcdWorld world;
  world.net.serve("a:2379", [](std::string_view, ByteView) { return Result<Bytes>("\x0a\xff"); });
  CHECK(world.client->get("k", {}).error().code() == ErrorCode::kCorrupt);
}

TEST_CASE("etcd: a stop ends the retries") {
  EtcdWorld world;
  StopSource stop;
  world.clock.on_sleep([&] { stop.request_stop(); });
  CHECK(world.client->get("k", stop.get_token()).error().code() == ErrorCode::kStopped);
  CHECK(world.net.calls().size() == 1);
}

}  // namespace
}  // namespace drainer::cluster
