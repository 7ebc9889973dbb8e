#include "drainer/cluster/heartbeat.h"

#include "drainer/base/log.h"
#include "drainer/base/threads.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/process.h"
#include "tests/unit/cluster/fake_etcd.h"

#include <catch2/catch.hpp>

#include <utility>

namespace drainer::cluster {
namespace {

using fakes::FakeClock;
using fakes::FakeEtcd;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kKey = "/tidb-binlog/v1/drainers/d1";

struct HeartbeatWorld {
  explicit HeartbeatWorld(CommitTs start_ts = CommitTs(10))
      : heartbeat({.node_id = "d1", .host = "10.0.0.1:8249", .start_ts = start_ts}, registry,
                  clock) {}

  NodeStatus stored() const { return parse_node_status(etcd.values.at(std::string(kKey))).value(); }

  FakeClock clock;
  FakeEtcd etcd;
  Registry registry{etcd};
  Heartbeat heartbeat;
};

TEST_CASE("heartbeat: registers as online, whatever was stored before") {
  HeartbeatWorld world;
  world.etcd.values[std::string(kKey)] = R"({"nodeId":"d1","state":"offline"})";
  world.heartbeat.set_max_commit_ts(CommitTs(408012403141509121));
  REQUIRE(world.heartbeat.write({}).ok());
  CHECK(world.etcd.values.at(std::string(kKey)) ==
        R"({"nodeId":"d1","host":"10.0.0.1:8249","state":"online","isAlive":false,"score":0,)"
        R"("label":null,"maxCommitTS":408012403141509121,"updateTS":10})");
}

TEST_CASE("heartbeat: the clock of its entries runs in whole seconds from the start ts") {
  const auto written = [](HeartbeatWorld& world) {
    REQUIRE(world.heartbeat.write({}).ok());
    return world.stored().update_ts;
  };
  HeartbeatWorld world;
  CHECK(written(world) == 10);
  world.clock.advance(milliseconds(999));
  CHECK(written(world) == 10);
  world.clock.advance(milliseconds(1));
  CHECK(written(world) == 262144010);
  HeartbeatWorld without_start(CommitTs(0));
  without_start.clock.advance(seconds(100));
  CHECK(written(without_start) == 0);
}

TEST_CASE("heartbeat: writes at once and then every second what holds at that moment") {
  HeartbeatWorld world;
  StopSource stop;
  std::vector<NodeStatus> seen;
  world.clock.on_sleep([&] {
    seen.push_back(world.stored());
    if (seen.size() == 1) world.heartbeat.set_max_commit_ts(CommitTs(7));
    if (seen.size() == 2) world.heartbeat.set_state(NodeState::kPausing);
    if (seen.size() == 3) stop.request_stop();
  });
  REQUIRE(world.heartbeat.run(stop.get_token()).ok());
  CHECK(world.clock.slept() == std::vector<Duration>(3, seconds(1)));
  CHECK(seen.at(0).max_commit_ts == 0);
  CHECK(seen.at(1).max_commit_ts == 7);
  CHECK(seen.at(1).state == NodeState::kOnline);
  CHECK(seen.at(2).state == NodeState::kPausing);
}

TEST_CASE("heartbeat: a foreign edit of the entry is overwritten") {
  HeartbeatWorld world;
  StopSource stop;
  int sleeps = 0;
  world.clock.on_sleep([&] {
    if (++sleeps == 1) {
      world.etcd.values[std::string(kKey)] = R"({"nodeId":"d1","state":"offline"})";
    } else {
      stop.request_stop();
    }
  });
  REQUIRE(world.heartbeat.run(stop.get_token()).ok());
  CHECK(world.stored().state == NodeState::kOnline);
}

TEST_CASE("heartbeat: the 20th failure in a row ends it, with the last error") {
  HeartbeatWorld world;
  world.etcd.failure = Error(ErrorCode::kUnavailable, "connection refused");
  const Error error = world.heartbeat.run({}).error();
  CHECK(error.to_string() == "fail to send heartbeat: register drainer d1: connection refused");
  CHECK(world.clock.slept() == std::vector<Duration>(19, seconds(1)));
}

TEST_CASE("heartbeat: one success among failures starts the count again") {
  HeartbeatWorld world;
  StopSource stop;
  const Error down(ErrorCode::kUnavailable, "connection refused");
  world.etcd.failure = down;
  int attempts = 1;
  world.clock.on_sleep([&] {
    if (++attempts % 20 == 0) {
      world.etcd.failure.reset();
    } else {
      world.etcd.failure = down;
    }
    if (attempts == 60) stop.request_stop();
  });
  CHECK(world.heartbeat.run(stop.get_token()).ok());
}

TEST_CASE("heartbeat: the final state is the last word, though a write is under way") {
  HeartbeatWorld world;
  // The heartbeat thread has taken "online" and stands before its put, when the final state comes.
  Mutex mutex;
  CondVar changed;
  bool is_in_put = false;
  bool may_go_on = false;
  bool is_first = true;
  world.etcd.before_write = [&] {
    if (!std::exchange(is_first, false)) return;
    MutexLock lock(mutex);
    is_in_put = true;
    changed.notify_all();
    changed.wait(mutex, StopToken(), [&] { return may_go_on; });
  };
  StopSource stop;
  ThreadGroup threads;
  threads.start("beating", [&](StopToken) { return world.heartbeat.run(stop.get_token()); });
  {
    MutexLock lock(mutex);
    changed.wait(mutex, StopToken(), [&] { return is_in_put; });
  }
  world.heartbeat.set_state(NodeState::kPaused);
  stop.request_stop();
  threads.start("closing", [&](StopToken) { return world.heartbeat.write({}); });
  {
    MutexLock lock(mutex);
    may_go_on = true;
    changed.notify_all();
  }
  REQUIRE(threads.wait().ok());
  CHECK(world.stored().state == NodeState::kPaused);
  CHECK(world.etcd.writes.size() == 3);  // Update, create; and the last update.
}

TEST_CASE("heartbeat: tells another drainer of its id from an old or changed entry of its own") {
  constexpr std::string_view kOther = "another drainer is registered with the node id";
  constexpr std::string_view kChanged = "was changed from outside";
  const CommitTs start((int64_t{1'700'000'000'000}) << 18);
  struct Case {
    const char* name;
    bool is_at_start;
    const char* host;
    int64_t age_ms;
    std::string_view told;  ///< empty: nothing
  };
  const Case cases[] = {
      {"it lives elsewhere", true, "10.0.0.2:8249", 9'999, kOther},
      {"our own of before a crash, elsewhere", true, "10.0.0.2:8249", 10'000, ""},
      {"our own of before a crash", true, "10.0.0.1:8249", 1'000, ""},
      {"it comes later", false, "10.0.0.2:8249", 0, kOther},
      {"our own is set back", false, "10.0.0.1:8249", 60'000, kChanged},
  };
  const fakes::TempDir directory("heartbeat");
  for (const Case& c : cases) {
    INFO(c.name);
    const std::string path = directory.path() + "/log";
    fakes::write_file(path, "");
    REQUIRE(open_log({.file = path}).ok());
    HeartbeatWorld world(start);
    if (!c.is_at_start) REQUIRE(world.heartbeat.write({}).ok());
    world.etcd.values[std::string(kKey)] =
        to_json({.node_id = "d1",
                 .host = c.host,
                 .state = NodeState::kOnline,
                 .update_ts = start.value - make_commit_ts(c.age_ms).value});
    REQUIRE(world.heartbeat.write({}).ok());
    REQUIRE(open_log({}).ok());
    const std::string text = fakes::read_file(path);
    for (const std::string_view line : {kOther, kChanged}) {
      CHECK((text.find(line) != std::string::npos) == (line == c.told));
    }
  }
}

}  // namespace
}  // namespace drainer::cluster
