#include "tests/unit/cluster/etcd_server.h"

#include "drainer/cluster/heartbeat.h"
#include "drainer/cluster/registry.h"

#include <catch2/catch.hpp>

namespace drainer::cluster {
namespace {

using std::chrono::seconds;

/// A server of its own and a client, with time enough for a slow machine.
struct RealEtcd {
  fakes::EtcdServer server;
  SystemClock clock;
  std::unique_ptr<EtcdClient> client =
      EtcdClient::create({.endpoints = [this] { return std::vector<std::string>{server.url()}; },
                          .timeout = seconds(60)},
                         clock);
};

#define SKIP_WITHOUT_ETCD()                                         \
  if (!fakes::EtcdServer::is_installed()) {                         \
    WARN("skipped: /usr/bin/etcd (package etcd-server) is absent"); \
    return;                                                         \
  }

TEST_CASE("etcd server: create, update, conflict and range work as with PD's etcd") {
  SKIP_WITHOUT_ETCD();
  RealEtcd etcd;
  // A 0 byte and a high byte, since keys and values are bytes.
  const std::string value("v\0\xff", 3);
  CHECK(etcd.client->get("/a", {}).error().code() == ErrorCode::kNotFound);
  CHECK(etcd.client->update_key("/a", value, {}).error().code() == ErrorCode::kNotFound);
  REQUIRE(etcd.client->create_key("/a", value, {}).ok());
  CHECK(etcd.client->get("/a", {}).value().value == value);
  CHECK(etcd.client->create_key("/a", "other", {}).error().code() == ErrorCode::kConflict);
  CHECK(etcd.client->get("/a", {}).value().value == value);
  CHECK(etcd.client->update_key("/a", "new", {}).value().value == value);
  CHECK(etcd.client->get("/a", {}).value().value == "new");

  REQUIRE(etcd.client->create_key("/a/1", "1", {}).ok());
  REQUIRE(etcd.client->create_key("/a/\xff", "2", {}).ok());
  REQUIRE(etcd.client->create_key("/b", "3", {}).ok());
  const auto keys = [&](std::string_view prefix) {
    const std::vector<EtcdKeyValue> pairs = etcd.client->range_prefix(prefix, {}).value();
    std::vector<std::string> found;
    for (const EtcdKeyValue& kv : pairs) found.push_back(kv.key);
    return found;
  };
  CHECK(keys("/a/") == std::vector<std::string>{"/a/1", "/a/\xff"});
  CHECK(keys("/a") == std::vector<std::string>{"/a", "/a/1", "/a/\xff"});
  CHECK(keys("/a/\xff") == std::vector<std::string>{"/a/\xff"});
  CHECK(keys("/c").empty());
}

TEST_CASE("etcd server: a long list arrives whole") {
  SKIP_WITHOUT_ETCD();
  RealEtcd etcd;
  Registry registry(*etcd.client);
  const std::string padding(20'000, 'x');
  for (int i = 0; i < 300; ++i) {
    REQUIRE(etcd.client
                ->create_key(fmt::format("/tidb-binlog/v1/pumps/p{}", i),
                             fmt::format(R"({{"nodeId":"p{}","x":"{}"}})", i, padding), {})
                .ok());
  }
  CHECK(registry.pumps({}).value().size() == 300);
}

TEST_CASE("etcd server: the registry outlives a restart of the server, and so does the client") {
  SKIP_WITHOUT_ETCD();
  RealEtcd etcd;
  Registry registry(*etcd.client);
  Heartbeat heartbeat({.node_id = "d1", .host = "h:1", .start_ts = CommitTs(10)}, registry,
                      etcd.clock);
  REQUIRE(heartbeat.write({}).ok());
  for (int i = 0; i < 2; ++i) {
    etcd.server.kill();
    etcd.server.start();
    heartbeat.set_max_commit_ts(CommitTs(i + 1));
    REQUIRE(heartbeat.write({}).ok());
    const std::vector<NodeStatus> drainers = registry.drainers({}).value();
    REQUIRE(drainers.size() == 1);
    CHECK(drainers[0].max_commit_ts == i + 1);
    CHECK(drainers[0].node_id == "d1");
  }
}

TEST_CASE("etcd server: an operation that finds no server ends in its time") {
  const std::string nobody = fmt::format("http://127.0.0.1:{}", fakes::free_port());
  SystemClock clock;
  const auto client =
      EtcdClient::create({.endpoints = [&] { return std::vector<std::string>{nobody}; },
                          .timeout = std::chrono::milliseconds(200)},
                         clock);
  const Error error = client->get("/a", {}).error();
  CHECK(error.code() == ErrorCode::kUnavailable);
  CHECK(error.to_string().starts_with("etcd at " + nobody + " does not answer: "));
}

}  // namespace
}  // namespace drainer::cluster
