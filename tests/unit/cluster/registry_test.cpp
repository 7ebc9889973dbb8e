#include "drainer/cluster/registry.h"

#include "tests/unit/cluster/fake_etcd.h"

#include <catch2/catch.hpp>

namespace drainer::cluster {
namespace {

using fakes::FakeEtcd;

const NodeStatus kNode{.node_id = "host1:8249",
                       .host = "10.0.0.1:8249",
                       .state = NodeState::kOnline,
                       .is_alive = false,
                       .score = 0,
                       .max_commit_ts = 419430400000000005,
                       .update_ts = 419430400262144005};
const std::string kNodeJson =
    R"({"nodeId":"host1:8249","host":"10.0.0.1:8249","state":"online","isAlive":false,"score":0,)"
    R"("label":null,"maxCommitTS":419430400000000005,"updateTS":419430400262144005})";

TEST_CASE("registry: an entry is written byte for byte as Go writes it") {
  CHECK(to_json(kNode) == kNodeJson);
}

TEST_CASE("registry: entries of the Go drainer and of pumps read and write back unchanged") {
  // From captures/go-drainer/etcd_registry.txt.
  for (
      const std::string json :
      {R"({"nodeId":"drainer-1","host":"127.0.0.1:8299","state":"online","isAlive":false,"score":0,)"
       R"("label":null,"maxCommitTS":470610849116979208,"updateTS":470610851069952001})",
       R"({"nodeId":"bidi-b-bidi","host":"127.0.0.1:38259","state":"paused","isAlive":false,)"
       R"("score":0,"label":null,"maxCommitTS":470610821775097857,"updateTS":470610822810828801})",
       R"({"nodeId":"pump-B-2","host":"127.0.0.1:38251","state":"online","isAlive":false,"score":0,)"
       R"("label":null,"maxCommitTS":470610850139078657,"updateTS":470610850637152257})"}) {
    const Result<NodeStatus> node = parse_node_status(json);
    REQUIRE(node.ok());
    CHECK(to_json(*node) == json);
  }
}

TEST_CASE("registry: strings are escaped like Go's encoder does") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"a<b>c&d", "a\\u003cb\\u003ec\\u0026d"},
      {"q\"b\\s/", "q\\\"b\\\\s/"},
      {"\n\r\t", "\\n\\r\\t"},
      {std::string("\0\x1f\x7f", 3), "\\u0000\\u001f\x7f"},
      {"\u2028\u2029", "\\u2028\\u2029"},
      {"pümp 泵 🚰", "pümp 泵 🚰"},
      {"\xff"
       "a\xc3",
       "\\ufffda\\ufffd"},
      {"\xc0\xaf", "\\ufffd\\ufffd"},                        // overlong
      {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},             // surrogate
      {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},  // beyond U+10FFFF
  };
  for (const auto& [text, escaped] : cases) {
    NodeStatus node;
    node.node_id = text;
    CHECK(to_json(node).starts_with("{\"nodeId\":\"" + escaped + "\",\"host\""));
  }
}

TEST_CASE("registry: the reader is as lenient as Go's") {
  const auto parsed = [](std::string_view json) { return parse_node_status(json).value(); };
  CHECK(parsed("{}") == NodeStatus{});
  CHECK(parsed(R"({"NODEID":"a","HoSt":"h","maxcommitts":7,"new":{"x":[1,{}]}})") ==
        NodeStatus{.node_id = "a", .host = "h", .max_commit_ts = 7});
  CHECK(parsed(R"({"nodeId":null,"score":null,"isAlive":null,"state":null})") == NodeStatus{});
  CHECK(parsed(R"( {"nodeId":"a","nodeId":"b"} )").node_id == "b");
  CHECK(parsed(R"({"label":{"labels":{"k":"v"}},"state":"closing"})").state == NodeState::kClosing);
  CHECK(parsed(R"({"state":"sleeping"})").state == NodeState::kUnknown);
  CHECK(parsed(R"({"nodeId":"\u003c\ud83d\udeb0"})").node_id == "<🚰");
  // Beyond 2^53, where doubles are no longer exact.
  CHECK(parsed(R"({"maxCommitTS":9223372036854775807})").max_commit_ts == INT64_MAX);
}

TEST_CASE("registry: what is no entry is refused, not guessed") {
  for (const std::string json :
       {"", "null", "[]", "\"x\"", "{", "{}x", R"({"nodeId":1})", R"({"score":"1"})",
        R"({"score":1.5})", R"({"updateTS":9223372036854775808})", R"({"isAlive":0})",
        R"({"state":5})"}) {
    CAPTURE(json);
    const Result<NodeStatus> node = parse_node_status(json);
    REQUIRE_FALSE(node.ok());
    CHECK(node.error().code() == ErrorCode::kCorrupt);
  }
  // Deep nesting must not exhaust the stack.
  CHECK_FALSE(parse_node_status("{\"x\":" + std::string(1'000'000, '[')).ok());
}

TEST_CASE("registry: all pumps are returned, unreadable ones skipped") {
  FakeEtcd etcd;
  etcd.values = {
      {"/tidb-binlog/v1/pumps/a", R"({"nodeId":" pump-a \n","state":"online"})"},
      {"/tidb-binlog/v1/pumps/b", "broken"},
      {"/tidb-binlog/v1/pumps/c", ""},
      {"/tidb-binlog/v1/pumps/d", R"({"nodeId":"  "})"},
      {"/tidb-binlog/v1/pumps/e/f", R"({"nodeId":"e/f","state":"offline"})"},
      {"/tidb-binlog/v1/pumpsx", R"({"nodeId":"not a pump"})"},
      {"/tidb-binlog/v1/drainers/g", R"({"nodeId":"g","state":"paused"})"},
  };
  Registry registry(etcd);
  const std::vector<NodeStatus> pumps = registry.pumps({}).value();
  REQUIRE(pumps.size() == 2);
  CHECK(pumps[0].node_id == "pump-a");
  CHECK(pumps[1].node_id == "e/f");
  CHECK(pumps[1].state == NodeState::kOffline);
  const std::vector<NodeStatus> drainers = registry.drainers({}).value();
  REQUIRE(drainers.size() == 1);
  CHECK(drainers[0].state == NodeState::kPaused);
}

TEST_CASE("registry: a failed read is an error, not an empty list") {
  FakeEtcd etcd;
  etcd.failure = Error(ErrorCode::kUnavailable, "connection refused");
  Registry registry(etcd);
  CHECK(registry.pumps({}).error().to_string() == "read the pumps registered: connection refused");
}

TEST_CASE("registry: a drainer is created once, then replaced") {
  FakeEtcd etcd;
  Registry registry(etcd);
  NodeStatus node = kNode;
  REQUIRE(registry.replace_drainer(node, {}).ok());
  node.state = NodeState::kPaused;
  REQUIRE(registry.replace_drainer(node, {}).ok());
  CHECK(etcd.writes == std::vector<std::string>{"update /tidb-binlog/v1/drainers/host1:8249",
                                                "create /tidb-binlog/v1/drainers/host1:8249",
                                                "update /tidb-binlog/v1/drainers/host1:8249"});
  CHECK(registry.drainers({}).value().at(0).state == NodeState::kPaused);
}

TEST_CASE("registry: keys are cleaned like file paths") {
  FakeEtcd etcd;
  Registry registry(etcd);
  for (const std::string id : {"a//b", "./c", "x/../d", "e/"}) {
    NodeStatus node;
    node.node_id = id;
    REQUIRE(registry.replace_drainer(node, {}).ok());
  }
  CHECK(etcd.values.contains("/tidb-binlog/v1/drainers/a/b"));
  CHECK(etcd.values.contains("/tidb-binlog/v1/drainers/c"));
  CHECK(etcd.values.contains("/tidb-binlog/v1/drainers/d"));
  CHECK(etcd.values.contains("/tidb-binlog/v1/drainers/e"));
}

TEST_CASE("registry: what another writer put at the last moment is what was replaced") {
  FakeEtcd etcd;
  Registry registry(etcd);
  REQUIRE(registry.replace_drainer(kNode, {}).ok());
  NodeStatus paused = kNode;
  paused.state = NodeState::kPaused;
  etcd.before_write = [&] { etcd.values["/tidb-binlog/v1/drainers/host1:8249"] = to_json(paused); };
  CHECK(registry.replace_drainer(kNode, {}).value() == paused);
}

TEST_CASE("registry: an entry that another writer creates at the last moment is an error") {
  FakeEtcd etcd;
  Registry registry(etcd);
  etcd.before_write = [&] {
    if (etcd.writes.size() == 2) etcd.values["/tidb-binlog/v1/drainers/host1:8249"] = "other";
  };
  CHECK(registry.replace_drainer(kNode, {}).error().code() == ErrorCode::kConflict);
}

}  // namespace
}  // namespace drainer::cluster
