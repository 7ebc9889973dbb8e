// A drainer's life as PD's etcd shows it: registered, online, paused, resumed, offline; with a real
// etcd behind the simulated PD, and binlogctl's way of asking for it.

#include <csignal>
#include <regex>

#include "drainer/cluster/etcd.h"
#include "tests/fakes/log_grammar.h"
#include "tests/integration/pipeline.h"
#include "tests/unit/cluster/etcd_server.h"

#include <catch2/catch.hpp>

using namespace drainer;
using integration::Capture;
using integration::Pipeline;

namespace {

const std::string kKey = "/tidb-binlog/v1/drainers/drainer-1";
constexpr int64_t kSecondOfTso = int64_t{1000} << 18;

// A Pipeline whose registry lies in a real etcd.
struct World {
  fakes::EtcdServer etcd_server;
  SystemClock clock;
  std::unique_ptr<cluster::EtcdClient> etcd = cluster::EtcdClient::create(
      {.endpoints = [this] { return std::vector<std::string>{etcd_server.url()}; }}, clock);
  Pipeline pipeline{Capture::bundled()};

  explicit World(std::vector<std::string> options = {}) {
    const std::string url = etcd_server.url();
    options.insert(options.end(), {"--etcd", url.substr(url.rfind('/') + 1)});
    // It takes a moment until the etcd answers: the client goes on trying for five seconds.
    for (int attempt = 0; attempt < 6 && !etcd->range_prefix("/", StopToken()).ok(); ++attempt) {
    }
    pipeline.start_upstream(options);
    pipeline.write_config();
  }

  void start(std::vector<std::string> more = {}) {
    more.insert(more.end(),
                {"-node-id", "drainer-1", "-initial-commit-ts", pipeline.capture().from_ts});
    pipeline.start_drainer(more);
  }
  std::string entry() { return value_of(kKey); }
  std::string value_of(const std::string& key) {
    const auto found = etcd->get(key, StopToken());
    return found.ok() ? found->value : "";
  }
  bool wait_for_state(const std::string& state) {
    return pipeline.wait_until(
        [&] { return entry().find("\"state\":\"" + state + "\"") != std::string::npos; });
  }
  std::string log_tail() {
    const std::string log = pipeline.drainer_log();
    return log.substr(log.size() > 3000 ? log.size() - 3000 : 0);
  }
};

// The members of an entry, by the form that Go's encoder gives it.
struct Entry {
  std::string state;
  int64_t max_commit_ts = 0;
  int64_t update_ts = 0;
};
std::optional<Entry> parse_entry(const std::string& json, uint16_t port) {
  const std::regex form(
      "\\{\"nodeId\":\"drainer-1\",\"host\":\"127\\.0\\.0\\.1:" + std::to_string(port) +
      "\",\"state\":\"([a-z]+)\",\"isAlive\":false,\"score\":0,\"label\":null,"
      "\"maxCommitTS\":(\\d+),\"updateTS\":(\\d+)\\}");
  std::smatch match;
  if (!std::regex_match(json, match, form)) return std::nullopt;
  return Entry{match[1], std::stoll(match[2]), std::stoll(match[3])};
}

// The messages of a log that are in `wanted`, in the order of the log.
std::vector<std::string> messages_among(const std::string& log,
                                        const std::vector<std::string>& wanted) {
  std::vector<std::string> strange;
  std::vector<std::string> out;
  for (const fakes::LogLine& line : fakes::parse_log(log, strange)) {
    if (std::ranges::find(wanted, line.message) != wanted.end()) out.push_back(line.message);
  }
  CHECK(strange == std::vector<std::string>());
  return out;
}

bool is_skipped() {
  if (fakes::EtcdServer::is_installed()) return false;
  WARN("etcd-server is not installed: skipped");
  return true;
}

}  // namespace

TEST_CASE("lifecycle: register, online, pause, resume, offline, as etcd and the log show it") {
  if (is_skipped()) return;
  World world;
  Pipeline& pipeline = world.pipeline;
  const int64_t from_ts = std::stoll(pipeline.capture().from_ts);
  world.start();
  REQUIRE(world.wait_for_state("online"));
  const auto first = parse_entry(world.entry(), pipeline.drainer_port());
  REQUIRE(first.has_value());
  CHECK(first->max_commit_ts >= from_ts);

  REQUIRE(pipeline.wait_for_end_of_capture());
  const int64_t last_ts = pipeline.capture().last_ts().ddl;
  std::optional<Entry> later;
  REQUIRE(pipeline.wait_until([&] {
    later = parse_entry(world.entry(), pipeline.drainer_port());
    return later && later->max_commit_ts >= last_ts;
  }));
  // Whole seconds since the start, in TSO's unit.
  CHECK(later->update_ts > first->update_ts);
  CHECK((later->update_ts - first->update_ts) % kSecondOfTso == 0);

  CHECK(pipeline.ask_drainer("PUT", "/state/other/pause") ==
        "{\n  \"message\": \"invalid nodeID other, this pump's nodeID is drainer-1\",\n"
        "  \"code\": 3,\n  \"data\": null\n}\n");
  CHECK(pipeline.ask_drainer("PUT", "/state/drainer-1/stop") ==
        "{\n  \"message\": \"invalid action stop\",\n  \"code\": 3,\n  \"data\": null\n}\n");
  CHECK(pipeline.ask_drainer("GET", "/state/drainer-1/pause").empty());
  CHECK(pipeline.ask_drainer("PUT", "/state/drainer-1/pause") ==
        "{\n  \"message\": \"apply action pause success!\",\n  \"code\": 200,\n"
        "  \"data\": null\n}\n");
  INFO(world.log_tail());
  CHECK(pipeline.wait_for_drainer() == 0);
  auto entry = parse_entry(world.entry(), pipeline.drainer_port());
  REQUIRE(entry.has_value());
  CHECK(entry->state == "paused");
  CHECK(entry->max_commit_ts >= later->max_commit_ts);
  const std::vector<std::string> lines = {"Welcome to Drainer",
                                          "start drainer...",
                                          "get cluster id from pd",
                                          "set InitialCommitTS",
                                          "initialize checkpoint",
                                          "node dosen't exist, will create one",
                                          "register success",
                                          "start to server request",
                                          "receive apply action request",
                                          "receive apply action request",
                                          "receive apply action request",
                                          "begin to close drainer server",
                                          "has already update status",
                                          "commit status done",
                                          "drainer exit"};
  CHECK(messages_among(pipeline.drainer_log(), lines) == lines);

  world.start();
  REQUIRE(world.wait_for_state("online"));
  entry = parse_entry(world.entry(), pipeline.drainer_port());
  REQUIRE(entry.has_value());
  CHECK(entry->max_commit_ts >= last_ts);
  REQUIRE(pipeline.wait_until([&] {
    return pipeline.ask_drainer("PUT", "/state/drainer-1/close").find("success") !=
           std::string::npos;
  }));
  CHECK(pipeline.wait_for_drainer() == 0);
  CHECK(parse_entry(world.entry(), pipeline.drainer_port())->state == "offline");
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);

  // Whatever the registry holds, a start makes it online.
  world.start();
  REQUIRE(world.wait_for_state("online"));
  pipeline.drainer().send_signal(SIGHUP);
  CHECK(pipeline.wait_for_drainer() == 0);
  CHECK(parse_entry(world.entry(), pipeline.drainer_port())->state == "paused");
  CHECK_THAT(pipeline.drainer_log(), Catch::Contains("[\"got signal to exit.\"] [signal=hangup]"));
}

TEST_CASE("lifecycle: the GC safe point is kept for the next start, and let go with the node") {
  if (is_skipped()) return;
  World world;
  Pipeline& pipeline = world.pipeline;
  pipeline.write_config({.syncer = "load-schema-snapshot = true\n"});
  for (const bool is_last : {false, true}) {
    world.start();
    REQUIRE(pipeline.wait_for_end_of_capture());
    const std::string action = is_last ? "close" : "pause";
    CHECK_THAT(pipeline.ask_drainer("PUT", "/state/drainer-1/" + action),
               Catch::Contains("success"));
    INFO(world.log_tail());
    CHECK(pipeline.wait_for_drainer() == 0);
    const bool is_released =
        pipeline.drainer_log().find("GC safe point released") != std::string::npos;
    CHECK(is_released == is_last);
  }
}

TEST_CASE("lifecycle: the entry is put right when others change or take it") {
  if (is_skipped()) return;
  World world;
  world.start();
  REQUIRE(world.wait_for_state("online"));
  const auto logs = [&](const std::string& text) {
    return world.pipeline.wait_until(
        [&] { return world.pipeline.drainer_log().find(text) != std::string::npos; });
  };
  // As `binlogctl -cmd update-drainer` does.
  std::string paused = world.entry();
  paused.replace(paused.find("online"), 6, "paused");
  REQUIRE(world.etcd->update_key(kKey, paused, StopToken()).ok());
  CHECK(logs("the state in the registry was changed from outside, it is overwritten"));
  CHECK(world.wait_for_state("online"));

  std::string foreign = world.entry();
  foreign.replace(foreign.find("127.0.0.1"), 9, "10.0.0.99");
  REQUIRE(world.etcd->update_key(kKey, foreign, StopToken()).ok());
  CHECK(logs("another drainer is registered with the node id of this one"));
  CHECK(logs("[\"other host\"=10.0.0.99:"));
  CHECK(world.pipeline.wait_until(
      [&] { return world.entry().find("127.0.0.1") != std::string::npos; }));
  world.pipeline.drainer().send_signal(SIGTERM);
  CHECK(world.pipeline.wait_for_drainer() == 0);
}

TEST_CASE(
    "lifecycle: of two drainers with one id only the newer one writes, and the older one tells") {
  if (is_skipped()) return;
  World world({"--pace", "300"});
  Pipeline& pipeline = world.pipeline;
  world.start();
  REQUIRE(world.wait_for_state("online"));
  REQUIRE(pipeline.wait_until(
      [&] { return pipeline.drainer_log().find("mysql sink starts") != std::string::npos; }));
  const std::string other_address = "127.0.0.1:" + std::to_string(fakes::free_port());
  const std::string log = pipeline.directory() + "/second.log";
  const auto second = fakes::Process::start(
      {std::string(DRAINER_BIN_DIR) + "/drainer", "-config", pipeline.directory() + "/drainer.toml",
       "-addr", other_address, "-node-id", "drainer-1", "-initial-commit-ts",
       pipeline.capture().from_ts, "-until-commit-ts", pipeline.capture().until_ts},
      log);
  CHECK(second->wait(std::chrono::seconds(300)) == 0);
  INFO(fakes::read_file(log));
  // The newer one warns if it finds the older one's entry online; that may have stopped by then.
  // The older one finds its progress rows taken over as soon as it writes.
  CHECK(pipeline.wait_for_drainer() == 2);
  INFO(world.log_tail());
  CHECK_THAT(pipeline.drainer_log(), Catch::Contains("start drainer server failed"));
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
}

TEST_CASE("lifecycle: an etcd that goes away is logged, replication goes on, and it comes back") {
  if (is_skipped()) return;
  World world({"--pace", "100"});
  Pipeline& pipeline = world.pipeline;
  world.start();
  REQUIRE(world.wait_for_state("online"));
  world.etcd_server.kill();
  REQUIRE(pipeline.wait_until(
      [&] { return pipeline.drainer_log().find("send heartbeat failed") != std::string::npos; }));
  CHECK(pipeline.drainer().is_running());
  world.etcd_server.start();
  REQUIRE(world.wait_for_state("online"));
  const std::string before = world.entry();
  CHECK(pipeline.wait_until([&] { return !world.entry().empty() && world.entry() != before; }));
  REQUIRE(pipeline.wait_for_end_of_capture());
  pipeline.drainer().send_signal(SIGINT);
  CHECK(pipeline.wait_for_drainer() == 0);
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
}

TEST_CASE("lifecycle: PD's leader changes, then the old one is gone: nobody notices") {
  if (is_skipped()) return;
  World world({"--pds", "3", "--pace", "200", "--history", "served"});
  Pipeline& pipeline = world.pipeline;
  world.start();
  REQUIRE(world.wait_for_state("online"));
  pipeline.apply_fault("pd leader 2");
  pipeline.apply_fault("pd-3 kill 2s");
  const bool reached = pipeline.wait_for_end_of_capture();
  INFO(world.log_tail());
  REQUIRE(reached);
  pipeline.apply_fault("pd leader 3");
  pipeline.apply_fault("pd-2 kill forever");
  const std::string before = world.entry();
  CHECK(pipeline.wait_until([&] { return world.entry() != before; }));
  pipeline.drainer().send_signal(SIGQUIT);
  CHECK(pipeline.wait_for_drainer() == 0);
  CHECK(parse_entry(world.entry(), pipeline.drainer_port())->state == "paused");
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
}
