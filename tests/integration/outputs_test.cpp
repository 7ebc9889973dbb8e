// The drainer as a process between the simulated cluster and its own files or librdkafka's mock
// brokers: what comes out is what the Go drainer left of the same capture, byte for byte.

#include "syncer/file/message.h"
#include "tests/fakes/process.h"
#include "tests/integration/expected_messages.h"
#include "tests/integration/message_text.h"
#include "tests/integration/pipeline.h"
#include "tests/unit/kafka/mock_cluster.h"

#include <fmt/core.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>

using namespace drainer;
using integration::Capture;

namespace {

const std::string kBinaries = DRAINER_BIN_DIR;
constexpr std::chrono::seconds kEndLimit{120};

// A simulated cluster that plays the bundled capture, and drainers with one configuration.
class Run {
 public:
  Run(const std::string& db_type, const std::string& to,
      const std::vector<std::string>& upstream_options = {}) {
    // The capture was recorded in UTC; the messages do not tell.
    ::setenv("TZ", "UTC", 1);
    std::vector<std::string> arguments = {kBinaries + "/upstream_sim", "--capture",
                                          capture_.directory, "--listen", "127.0.0.1:0"};
    arguments.insert(arguments.end(), upstream_options.begin(), upstream_options.end());
    upstream_ = fakes::Process::start(arguments, path("upstream.log"), /*wants_stdout=*/true);
    REQUIRE(upstream_);
    const auto ready = upstream_->wait_for_line("ready", std::chrono::seconds(240));
    REQUIRE(ready);
    const size_t begin = ready->find("pd=") + 3;
    const std::string pd = ready->substr(begin, ready->find(' ', begin) - begin);
    fakes::write_file(
        path("drainer.toml"),
        fmt::format("addr = \"127.0.0.1:{}\"\npd-urls = \"http://{}\"\n"
                    "data-dir = \"{}\"\n[syncer]\ndb-type = \"{}\"\n[syncer.to]\n{}\n",
                    fakes::free_port(), pd, path("data"), db_type, to));
  }

  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  const Capture& capture() const { return capture_; }
  std::string log() const { return fakes::read_file(path("drainer.log")); }

  std::unique_ptr<fakes::Process> start_drainer() {
    auto drainer = fakes::Process::start(
        {kBinaries + "/drainer", "-config", path("drainer.toml"), "-initial-commit-ts",
         capture_.from_ts, "-until-commit-ts", capture_.until_ts},
        path("drainer.log"));
    REQUIRE(drainer);
    return drainer;
  }

 private:
  Capture capture_ = Capture::bundled();
  fakes::TempDir directory_{"outputs"};
  std::unique_ptr<fakes::Process> upstream_;
};

// The payloads in the pb files of `directory`, copied.
std::vector<Bytes> payloads_in(const std::string& directory) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().filename().string().starts_with("binlog-")) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> out;
  for (const std::string& path : paths) {
    const Bytes content = fakes::read_file(path);
    std::vector<ByteView> payloads;
    CHECK(integration::append_payloads(path, content, payloads));
    out.insert(out.end(), payloads.begin(), payloads.end());
  }
  return out;
}

using Decode = std::vector<std::string> (*)(ByteView);

void check_equal(const integration::ExpectedMessages& expected, const std::vector<Bytes>& actual,
                 Decode decode) {
  REQUIRE_FALSE(expected.messages.empty());
  for (size_t i = 0; i < std::min(expected.messages.size(), actual.size()); ++i) {
    if (expected.messages[i] == actual[i]) continue;
    FAIL("message " << i << "\n"
                    << integration::first_difference(decode(expected.messages[i]),
                                                     decode(actual[i])));
  }
  CHECK(actual.size() == expected.messages.size());
}

// Kills the drainer at moments all over its run; `then` comes after each. True if it ended by
// itself before.
template <class Then>
bool kill_at_any_time(Run& run, std::mt19937& random, Then then) {
  std::uniform_int_distribution<int> limit_ms(30, 900);
  const auto drainer = run.start_drainer();
  const bool has_ended = drainer->wait_ms(limit_ms(random)).has_value();
  if (!has_ended) {
    drainer->send_signal(SIGKILL);
    REQUIRE(drainer->wait(kEndLimit));
  }
  then();
  return has_ended;
}

void check_files_after_kills(int kills) {
  Run run("file", "", {"--pace", std::to_string(400)});
  std::mt19937 random(20261121);
  for (int i = 0; i < kills; ++i) kill_at_any_time(run, random, [] {});
  const auto drainer = run.start_drainer();
  const auto code = drainer->wait(kEndLimit);
  INFO(run.log());
  REQUIRE(code == 0);
  check_equal(integration::load_file_payloads(run.capture().directory).value(),
              payloads_in(run.path("data")), integration::file_payload_lines);
}

// What a consumer is left with that passes over what it knows: after a crash all behind the
// checkpoint comes again, in order.
std::vector<Bytes> without_repeats(const std::vector<Bytes>& messages) {
  std::vector<Bytes> out;
  CommitTs last(0);
  for (const Bytes& message : messages) {
    const CommitTs ts = file::find_commit_ts(message).value();
    if (ts <= last) continue;
    last = ts;
    out.push_back(message);
  }
  return out;
}

void check_kafka_after_kills(int kills, bool reads_back) {
  constexpr int kBrokers = 3;
  fakes::MockCluster cluster(kBrokers);
  Run run("kafka",
          fmt::format("kafka-addrs = \"{}\"\ntopic-name = \"t\"\n[syncer.to.kafka]\n"
                      "read-back = {}",
                      cluster.brokers(), reads_back),
          {"--pace", "400"});
  std::mt19937 random(20261121);
  std::uniform_int_distribution<int> any(1, kBrokers);
  int down = 0;
  for (int i = 0; i < kills; ++i) {
    // Not leader, timed out, not enough replicas, connection dropped: in the next run.
    cluster.fail_produce_requests({0, 6, 0, 0, 7, 19, 0, -1});
    kill_at_any_time(run, random, [&] {
      if (down != 0) cluster.set_up(down);
      down = any(random);
      cluster.set_leader(down % kBrokers + 1);
      cluster.set_delay_ms(down % kBrokers + 1, i % 3 == 0 ? 50 : 0);
      cluster.set_down(down);
    });
  }
  cluster.set_up(down);
  for (int broker = 1; broker <= kBrokers; ++broker) cluster.set_delay_ms(broker, 0);
  const auto drainer = run.start_drainer();
  const auto code = drainer->wait(kEndLimit);
  INFO(run.log().substr(run.log().size() - std::min<size_t>(run.log().size(), 3000)));
  REQUIRE(code == 0);
  const auto expected = integration::load_kafka_messages(run.capture().directory).value();
  const std::vector<Bytes> sent = cluster.read_all();
  check_equal(expected, without_repeats(sent), integration::kafka_message_lines);
  if (reads_back) CHECK(sent.size() == expected.messages.size());
}

}  // namespace

TEST_CASE("outputs: the files hold what the original wrote") {
  Run run("file", "");
  const auto drainer = run.start_drainer();
  const auto code = drainer->wait(kEndLimit);
  INFO(run.log());
  REQUIRE(code == 0);
  check_equal(integration::load_file_payloads(run.capture().directory).value(),
              payloads_in(run.path("data")), integration::file_payload_lines);
}

TEST_CASE("outputs: killed at any time, each record is in the files once") {
  check_files_after_kills(6);
}

TEST_CASE("outputs: the topic holds what the original sent, also over failing requests") {
  fakes::MockCluster cluster;
  // Not leader, timed out, connection dropped.
  cluster.fail_produce_requests({0, 0, 6, 0, 7, 0, -1});
  Run run("kafka", fmt::format("kafka-addrs = \"{}\"\ntopic-name = \"t\"", cluster.brokers()));
  const auto drainer = run.start_drainer();
  const auto code = drainer->wait(kEndLimit);
  INFO(run.log());
  REQUIRE(code == 0);
  const auto expected = integration::load_kafka_messages(run.capture().directory).value();
  check_equal(expected, cluster.read(expected.messages.size()), integration::kafka_message_lines);
}

TEST_CASE("outputs: kill -9 and brokers that fail: each commit ts in the topic, in order") {
  check_kafka_after_kills(5, /*reads_back=*/false);
}

TEST_CASE("outputs: with read-back nothing is in the topic twice") {
  check_kafka_after_kills(5, /*reads_back=*/true);
}

TEST_CASE("outputs: 50 kills of the Kafka output, without and with read-back", "[.campaign]") {
  const bool reads_back = GENERATE(false, true);
  INFO((reads_back ? "with read-back" : "without read-back"));
  check_kafka_after_kills(50, reads_back);
}

TEST_CASE("outputs: 100 kills of the file output", "[.campaign]") {
  check_files_after_kills(100);
}

TEST_CASE("outputs: without brokers the drainer ends and says from where on it will send again") {
  Run run("kafka",
          fmt::format("kafka-addrs = \"127.0.0.1:{}\"\ntopic-name = \"t\"", fakes::free_port()));
  const auto drainer = run.start_drainer();
  const auto code = drainer->wait(kEndLimit);
  INFO(run.log());
  REQUIRE(code == 2);
  const auto expected = integration::load_kafka_messages(run.capture().directory).value();
  CHECK(run.log().find(fmt::format("{} messages from commit ts ", expected.messages.size())) !=
        std::string::npos);
}
