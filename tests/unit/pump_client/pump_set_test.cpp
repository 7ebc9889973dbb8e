#include "pump_client/pump_set.h"

#include <catch2/catch.hpp>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"
#include "drainer/base/metrics.h"
#include "tests/fakes/binlogs.h"
#include "tests/fakes/fake_channel.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/process.h"
#include "tests/unit/cluster/fake_etcd.h"

using namespace drainer;
using cluster::NodeState;

namespace {

struct Bench {
  explicit Bench(CommitTs start = CommitTs(5)) : merger(start, {.items = 64, .bytes = 1 << 20}) {}

  fakes::FakeEtcd etcd;
  cluster::Registry registry{etcd};
  fakes::FakeServer server;
  fakes::FakeClock clock;
  Merger merger;
  PumpStreamOptions options{.cluster_id = 7, .make_channel = [this](rpc::GrpcTarget target) {
                              return server.connect(std::move(target));
                            }};
  ThreadGroup threads;
  PumpSet pumps{registry, merger, options, std::chrono::seconds(5), threads, clock};
  StopSource stop;

  void set_pump(const std::string& name, NodeState state, CommitTs max = {}) {
    etcd.values["/tidb-binlog/v1/pumps/" + name] = cluster::to_json(
        {.node_id = name, .host = "127.0.0.1:8250", .state = state, .max_commit_ts = max.value});
  }
  void refresh() { REQUIRE(pumps.refresh(stop.get_token()).ok()); }
};

bool is_on_page(const std::string& pump) {
  return metrics().to_text().find("nodeID=\"" + pump + "\"") != std::string::npos;
}

}  // namespace

TEST_CASE("pump set: positions are there from the first look on, be there pumps or not") {
  Bench bench;
  CHECK_FALSE(bench.pumps.positions().has_value());
  bench.refresh();
  REQUIRE(bench.pumps.positions().has_value());
  CHECK(bench.pumps.positions()->empty());
}

TEST_CASE("pump set: while no pump is registered or all are offline it waits for one") {
  const bool is_registered = GENERATE(false, true);
  Bench bench;
  if (is_registered) bench.set_pump("p1", NodeState::kOffline);
  bench.server.add({.messages = {fakes::pull_response(fakes::dml_payload(10))}, .blocks = true});
  bench.clock.on_sleep([&] {
    if (bench.clock.slept().size() == 3) bench.set_pump("p1", NodeState::kOnline);
    if (bench.clock.slept().size() == 5) bench.stop.request_stop();
  });
  CHECK(bench.pumps.run(bench.stop.get_token()).ok());
  CHECK(bench.merger.take(StopToken())->binlog().commit_ts == CommitTs(10));
  // Exactly as often as detect-interval says.
  CHECK(bench.clock.slept() == std::vector<Duration>(5, std::chrono::seconds(5)));
}

TEST_CASE("pump set: a slow look undoes nothing of one that began later") {
  Bench bench;
  bench.set_pump("p1", NodeState::kOffline);
  bench.server.add({.messages = {fakes::pull_response(fakes::dml_payload(10))}, .blocks = true});
  bench.etcd.before_answer = [&] {
    bench.set_pump("p1", NodeState::kOnline);
    bench.refresh();
    CHECK(bench.pumps.positions()->size() == 1);
  };
  bench.refresh();
  REQUIRE(bench.pumps.positions()->size() == 1);
  CHECK(bench.merger.take(StopToken())->binlog().commit_ts == CommitTs(10));
}

TEST_CASE("pump set: a paused pump is dialled again in whatever other state it is seen next") {
  const NodeState next = GENERATE(NodeState::kOnline, NodeState::kPausing, NodeState::kClosing);
  Bench bench;
  bench.set_pump("p1", NodeState::kOnline);
  bench.refresh();
  bench.set_pump("p1", NodeState::kPaused);
  bench.refresh();
  bench.server.add({.messages = {fakes::pull_response(fakes::dml_payload(10))}, .blocks = true});
  bench.set_pump("p1", next);
  bench.refresh();
  CHECK(bench.merger.take(StopToken())->binlog().commit_ts == CommitTs(10));
}

TEST_CASE("pump set: a pump that has gone offline takes its series with it, and may come back") {
  Bench bench;
  bench.set_pump("leaver", NodeState::kOnline);
  bench.server.add({.messages = {fakes::pull_response(fakes::dml_payload(10))}, .blocks = true});
  bench.refresh();
  CHECK(bench.merger.take(bench.stop.get_token())->binlog().commit_ts == CommitTs(10));
  CHECK(is_on_page("leaver"));
  bench.set_pump("leaver", NodeState::kOffline);
  bench.refresh();
  CHECK(bench.threads.wait().ok());
  bench.refresh();
  CHECK_FALSE(is_on_page("leaver"));

  bench.set_pump("leaver", NodeState::kOnline);
  bench.server.add({.messages = {fakes::pull_response(fakes::dml_payload(20))}, .blocks = true});
  bench.refresh();
  CHECK(bench.merger.take(bench.stop.get_token())->binlog().commit_ts == CommitTs(20));
  CHECK(is_on_page("leaver"));
}

TEST_CASE("pump set: binlogs that a pump took offline with it are counted, once for each pump") {
  struct Case {
    const char* name;
    NodeState state_before;
    int64_t more_ms;
    double gaps;
  };
  const Case cases[] = {
      {"an old one that ended below the start", NodeState::kOffline, -5000, 0},
      {"one that ended with fake binlogs", NodeState::kOffline, 10'000, 0},
      {"one that was never seen, with more", NodeState::kOffline, 10'001, 1},
      {"one whose stream had not got all", NodeState::kOnline, 10'001, 1},
      {"one that left in order", NodeState::kOnline, 0, 0},
  };
  const CommitTs start((int64_t{1'700'000'000'000}) << 18);
  for (const Case& c : cases) {
    INFO(c.name);
    Bench bench{start};
    const double before = metric::pump_gaps_total().value();
    bench.set_pump("p1", c.state_before, CommitTs(start.value + c.more_ms * (1 << 18)));
    bench.refresh();
    bench.set_pump("p1", NodeState::kOffline, CommitTs(start.value + c.more_ms * (1 << 18)));
    bench.refresh();
    bench.refresh();
    CHECK(metric::pump_gaps_total().value() - before == c.gaps);
  }
}

TEST_CASE("pump set: of a pump that stays silent the log tells again, less and less often") {
  const fakes::TempDir directory("silence");
  const std::string path = directory.path() + "/log";
  REQUIRE(open_log({.file = path}).ok());
  {
    Bench bench;
    bench.set_pump("p1", NodeState::kPausing);
    bench.server.add({.messages = {}, .blocks = true});
    bench.clock.on_sleep([&] {
      if (bench.clock.slept().size() == 100) bench.etcd.values.clear();
      if (bench.clock.slept().size() == 200) bench.stop.request_stop();
    });
    CHECK(bench.pumps.run(bench.stop.get_token()).ok());
  }
  REQUIRE(open_log({}).ok());
  const std::string text = fakes::read_file(path);
  const auto count = [&](const std::string& wanted) {
    int found = 0;
    for (size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1)) {
      ++found;
    }
    return found;
  };
  // After 30, 60, 120, 240, 480 and 960 s.
  CHECK(count("a pump has sent nothing for a while") == 6);
  CHECK(count("[state=pausing]") == 5);
  CHECK(count("binlogctl -cmd update-pump -node-id p1 -state offline") == 5);
  CHECK(count("not registered any more") == 1);
}
