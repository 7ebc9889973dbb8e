// The drainer and Apache Kafka's own brokers. With DRAINER_TEST_KAFKA = addresses of brokers that
// create topics by themselves, or with DRAINER_TEST_KAFKA_JARS = a folder of jars
// (tests/kafka_jars.sh) a private cluster, whose brokers these tests also kill and stop; without
// both nothing is tested here.

#include "drainer/base/clock.h"
#include "tests/fakes/kafka_cluster.h"
#include "tests/fakes/topic_reader.h"
#include "tests/integration/json_events.h"
#include "tests/integration/message_text.h"
#include "tests/integration/output_run.h"

#include <fmt/core.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <random>

using namespace drainer;
using fakes::KafkaCluster;
using fakes::TopicReader;
using integration::check_equal;
using integration::OutputRun;
using integration::pace_for;

namespace {

KafkaCluster* own_cluster() {
  static const std::optional<std::string> jars = KafkaCluster::jars();
  if (!jars) return nullptr;
  static KafkaCluster cluster(*jars);
  return &cluster;
}

// Empty: there are no brokers to test with.
std::string brokers() {
  if (const char* const addresses = std::getenv("DRAINER_TEST_KAFKA")) return addresses;
  KafkaCluster* const cluster = own_cluster();
  return cluster == nullptr ? "" : cluster->addresses();
}

std::string new_topic() {
  static std::mt19937 random{std::random_device()()};
  return fmt::format("drainer-test-{}-{}", SystemClock().unix_ms(), random());
}

std::string settings(const std::string& addresses, const std::string& topic,
                     const std::string& more = "") {
  return fmt::format("kafka-addrs = \"{}\"\ntopic-name = \"{}\"\n[syncer.to.kafka]\n{}", addresses,
                     topic, more);
}

integration::ExpectedMessages expected_messages(const OutputRun& run) {
  return integration::load_kafka_messages(run.capture().directory).value();
}

void check_topic(const OutputRun& run, const std::string& addresses, const std::string& topic,
                 bool allows_repeats) {
  const auto expected = expected_messages(run);
  const std::vector<Bytes> sent = TopicReader(addresses, topic).read_all();
  check_equal(expected, integration::without_repeats(sent), integration::kafka_message_lines);
  INFO("starts, and where they went on:\n" << run.log_lines("read back"));
  if (!allows_repeats) CHECK(sent.size() == expected.messages.size());
}

void check_kills(int kills, bool reads_back) {
  const std::string topic = new_topic();
  OutputRun run("kafka", settings(brokers(), topic, fmt::format("read-back = {}", reads_back)),
                {"--pace", pace_for(kills)});
  if (reads_back) run.reads_back();
  std::mt19937 random(20261121);
  for (int i = 0; i < kills; ++i) run.kill_at_any_time(random, [] {});
  run.finish();
  check_topic(run, brokers(), topic, /*allows_repeats=*/!reads_back);
}

// Until each broker has all of the topic; the one that leads it.
int wait_in_sync(KafkaCluster& cluster, const std::string& topic) {
  cluster.wait_until_started();
  TopicReader reader(cluster.addresses(), topic);
  const TimePoint deadline = SystemClock().now() + integration::kEndLimit;
  while (true) {
    // A broker that was asked to go on may not know yet what the others decided meanwhile.
    const int leader = reader.leader();
    if (leader > 0 && reader.replicas_in_sync() == cluster.size()) return leader;
    REQUIRE(SystemClock().now() < deadline);
    SystemClock().sleep_for(std::chrono::milliseconds(200), StopToken());
  }
}

}  // namespace

TEST_CASE("real brokers: the topic holds what the original sent, once") {
  if (brokers().empty()) return;
  const std::string topic = new_topic();
  OutputRun run("kafka", settings(brokers(), topic));
  run.finish();
  check_topic(run, brokers(), topic, /*allows_repeats=*/false);
}

TEST_CASE("real brokers: canal-json and debezium tell every row change and DDL") {
  if (brokers().empty()) return;
  const std::string protocol = GENERATE("canal-json", "debezium");
  INFO(protocol);
  const std::string topic = new_topic();
  OutputRun run("kafka",
                settings(brokers(), topic,
                         fmt::format("protocol = \"{}\"\ntidb-extension = true", protocol)));
  run.finish();
  integration::check_changes(
      integration::changes_in(expected_messages(run)),
      integration::changes_in_json(TopicReader(brokers(), topic).read_all()));
}

TEST_CASE("real brokers: killed at any time, without and with read-back") {
  if (brokers().empty()) return;
  const bool reads_back = GENERATE(false, true);
  INFO((reads_back ? "with read-back" : "without read-back"));
  check_kills(5, reads_back);
}

TEST_CASE("real brokers: 50 kills, without and with read-back", "[.campaign]") {
  if (brokers().empty()) return;
  const bool reads_back = GENERATE(false, true);
  INFO((reads_back ? "with read-back" : "without read-back"));
  check_kills(50, reads_back);
}

TEST_CASE("real brokers: requests that come again because their answer was lost count once") {
  KafkaCluster* const cluster = own_cluster();
  if (cluster == nullptr) return;
  const std::string topic = new_topic();
  OutputRun run("kafka", settings(cluster->addresses(), topic), {"--pace", "400"});
  const int before = cluster->lost_answers();
  const auto drainer = run.start_drainer();
  // In each record of a row, but not in requests about the topic.
  const std::string marker = "PRIMARY";
  while (!drainer->wait_ms(50)) {
    for (int broker = 1; broker <= cluster->size(); ++broker) cluster->lose_answer(broker, marker);
    if (cluster->lost_answers() - before >= 5) break;
  }
  for (int broker = 1; broker <= cluster->size(); ++broker) cluster->lose_nothing(broker);
  const auto code = drainer->wait(integration::kEndLimit);
  INFO(run.log());
  REQUIRE(code == 0);
  CHECK(cluster->lost_answers() > before);
  check_topic(run, cluster->addresses(), topic, /*allows_repeats=*/false);
}

TEST_CASE("real brokers: answers are lost all along", "[.campaign]") {
  KafkaCluster* const cluster = own_cluster();
  if (cluster == nullptr) return;
  const std::string topic = new_topic();
  OutputRun run("kafka", settings(cluster->addresses(), topic), {"--pace", "20"});
  const int before = cluster->lost_answers();
  const auto drainer = run.start_drainer();
  TopicReader reader(cluster->addresses(), topic);
  uint64_t count = 0;
  // A stop waits 10 s only, so the second half has no losses.
  const size_t half = expected_messages(run).messages.size() / 2;
  while (!drainer->wait_ms(20) && count < half) {
    // More than at the last time: the request whose answer was lost has come again, and got one.
    const auto now = reader.try_count();
    if (!now || *now <= count) continue;
    count = *now;
    for (int broker = 1; broker <= cluster->size(); ++broker)
      cluster->lose_answer(broker, "PRIMARY");
  }
  for (int broker = 1; broker <= cluster->size(); ++broker) cluster->lose_nothing(broker);
  const auto code = drainer->wait(integration::kEndLimit);
  INFO(run.log());
  REQUIRE(code == 0);
  CHECK(cluster->lost_answers() - before >= 5);
  check_topic(run, cluster->addresses(), topic, /*allows_repeats=*/false);
}

// Messages wait in line behind a request that gets no answer.
TEST_CASE("real brokers: a stop while all of them hang ends in time and names the rest",
          "[.campaign]") {
  KafkaCluster* const cluster = own_cluster();
  if (cluster == nullptr) return;
  const std::string topic = new_topic();
  OutputRun run("kafka", settings(cluster->addresses(), topic), {"--pace", "20"});
  for (int round = 0; round < 3; ++round) {
    const auto drainer = run.start_drainer();
    REQUIRE_FALSE(drainer->wait_ms(1'500));
    for (int broker = 1; broker <= cluster->size(); ++broker) cluster->pause(broker);
    REQUIRE_FALSE(drainer->wait_ms(1'000));
    drainer->send_signal(SIGTERM);
    const auto code = drainer->wait(std::chrono::seconds(20));
    for (int broker = 1; broker <= cluster->size(); ++broker) cluster->resume(broker);
    INFO(run.log());
    REQUIRE(code == 2);
    CHECK_THAT(run.log(),
               Catch::Contains(" are not acknowledged by kafka; they will be sent again"));
    wait_in_sync(*cluster, topic);
  }
  run.finish();
  check_topic(run, cluster->addresses(), topic, /*allows_repeats=*/true);
}

// One drainer all along: nothing is to be seen twice.
TEST_CASE("real brokers: restarts, leader moves and slow acknowledgements", "[.campaign]") {
  KafkaCluster* const cluster = own_cluster();
  if (cluster == nullptr) return;
  const std::string topic = new_topic();
  OutputRun run("kafka", settings(cluster->addresses(), topic, "ack-timeout-s = 120"),
                {"--pace", "10"});
  const auto drainer = run.start_drainer();
  TopicReader reader(cluster->addresses(), topic);
  std::vector<int> leaders;
  for (int round = 0; round < 4; ++round) {
    const int leader = wait_in_sync(*cluster, topic);
    leaders.push_back(leader);
    if (round % 2 == 0) {
      cluster->kill(leader);
      // The others choose a new one.
      while (reader.leader() == leader || reader.leader() < 0) {
        SystemClock().sleep_for(std::chrono::milliseconds(200), StopToken());
      }
      cluster->start(leader);
    } else {
      // Requests hang until it answers again, or until another one leads.
      cluster->pause(leader);
      const auto ended = drainer->wait_ms(15'000);
      cluster->resume(leader);
      if (ended) break;
    }
  }
  wait_in_sync(*cluster, topic);
  const auto code = drainer->wait(std::chrono::minutes(10));
  INFO(run.log());
  REQUIRE(code == 0);
  CHECK(leaders.size() == 4);
  check_topic(run, cluster->addresses(), topic, /*allows_repeats=*/false);
}

// What a killed leader has not passed on when ours reads back may still appear and come again
// (syncer/kafka/README.md), so repeats are allowed here.
TEST_CASE("real brokers: both are killed, ours 50 times: all is there, in order", "[.campaign]") {
  KafkaCluster* const cluster = own_cluster();
  if (cluster == nullptr) return;
  const std::string topic = new_topic();
  OutputRun run("kafka",
                settings(cluster->addresses(), topic, "ack-timeout-s = 120\nread-back = true"),
                {"--pace", "20"});
  run.reads_back();
  std::mt19937 random(20261121);
  int down = 0;
  for (int i = 0; i < 50; ++i) {
    run.kill_at_any_time(random, [&] {
      if (i % 10 == 0) cluster->kill(down = i / 10 % cluster->size() + 1);
      if (i % 10 == 5) cluster->start(std::exchange(down, 0));
      if (i % 10 == 9) wait_in_sync(*cluster, topic);
    });
  }
  run.finish();
  check_topic(run, cluster->addresses(), topic, /*allows_repeats=*/true);
}
