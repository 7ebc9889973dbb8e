// The drainer as a process between the simulated cluster and its own files or librdkafka's mock
// brokers: what comes out is what the Go drainer left of the same capture, byte for byte.

#include "syncer/file/record.h"
#include "tests/fakes/process.h"
#include "tests/integration/json_events.h"
#include "tests/integration/message_text.h"
#include "tests/integration/output_run.h"
#include "tests/unit/kafka/mock_cluster.h"

#include <fmt/core.h>

#include <catch2/catch.hpp>

#include <filesystem>
#include <random>

using namespace drainer;
using integration::check_equal;
using integration::OutputRun;
using integration::pace_for;

namespace {

integration::ExpectedMessages expected_files(const OutputRun& run) {
  return integration::load_file_payloads(run.capture().directory).value();
}

integration::ExpectedMessages expected_kafka(const OutputRun& run) {
  return integration::load_kafka_messages(run.capture().directory).value();
}

std::string topic_at(const fakes::MockCluster& cluster, const std::string& more = "") {
  return fmt::format("kafka-addrs = \"{}\"\ntopic-name = \"t\"\n[syncer.to.kafka]\n{}",
                     cluster.brokers(), more);
}

// As if a power failure had cut the write of the next record.
void tear_tail(const OutputRun& run, const integration::ExpectedMessages& expected,
               std::mt19937& random) {
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(run.path("data"), absent)) {
    if (!entry.path().filename().string().starts_with("binlog-")) continue;
    Bytes content = fakes::read_file(entry.path());
    file::RecordReader reader(content);
    size_t count = 0;
    while (reader.next()) ++count;
    if (reader.damage() || count == expected.messages.size()) return;
    Bytes record;
    file::append_record(record, expected.messages[count]);
    std::uniform_int_distribution<size_t> torn_size(0, record.size() - 1);
    fakes::write_file(entry.path(), content + record.substr(0, torn_size(random)));
    return;
  }
}

void check_files_after_kills(int kills) {
  OutputRun run("file", "", {"--pace", pace_for(kills)});
  const auto expected = expected_files(run);
  std::mt19937 random(20261121);
  for (int i = 0; i < kills; ++i)
    run.kill_at_any_time(random, [&] { tear_tail(run, expected, random); });
  CHECK(run.interrupted() > kills / 2);
  run.finish();
  check_equal(expected, integration::payloads_in(run.path("data")),
              integration::file_payload_lines);
}

// What was sent is acknowledged and in the checkpoint when an ordered stop ends: nothing comes
// twice.
void check_kafka_after_stops(int stops) {
  fakes::MockCluster cluster;
  OutputRun run("kafka", topic_at(cluster), {"--pace", pace_for(stops)});
  std::mt19937 random(20261121);
  for (int i = 0; i < stops; ++i) {
    // From 20 ms on, messages wait in line when the stop comes.
    cluster.set_delay_ms(1, i % 3 * 20);
    run.stop_at_any_time(random);
  }
  CHECK(run.interrupted() > stops / 2);
  cluster.set_delay_ms(1, 0);
  run.finish();
  check_equal(expected_kafka(run), cluster.read_all(), integration::kafka_message_lines);
}

void check_kafka_after_kills(int kills, bool reads_back) {
  constexpr int kBrokers = 3;
  fakes::MockCluster cluster(kBrokers);
  OutputRun run("kafka", topic_at(cluster, fmt::format("read-back = {}", reads_back)),
                {"--pace", pace_for(kills)});
  if (reads_back) run.reads_back();
  std::mt19937 random(20261121);
  std::uniform_int_distribution<int> any(1, kBrokers);
  int down = 0;
  for (int i = 0; i < kills; ++i) {
    // Not leader, timed out, not enough replicas, connection dropped: in the next run.
    cluster.fail_produce_requests({0, 6, 0, 0, 7, 19, 0, -1});
    run.kill_at_any_time(random, [&] {
      if (down != 0) cluster.set_up(down);
      down = any(random);
      cluster.set_leader(down % kBrokers + 1);
      cluster.set_delay_ms(down % kBrokers + 1, i % 3 == 0 ? 50 : 0);
      cluster.set_down(down);
    });
  }
  cluster.set_up(down);
  for (int broker = 1; broker <= kBrokers; ++broker) cluster.set_delay_ms(broker, 0);
  run.finish();
  const auto expected = expected_kafka(run);
  const std::vector<Bytes> sent = cluster.read_all();
  check_equal(expected, integration::without_repeats(sent), integration::kafka_message_lines);
  if (reads_back) CHECK(sent.size() == expected.messages.size());
}

}  // namespace

TEST_CASE("outputs: the files hold what the original wrote") {
  OutputRun run("file", "");
  run.finish();
  check_equal(expected_files(run), integration::payloads_in(run.path("data")),
              integration::file_payload_lines);
}

TEST_CASE("outputs: killed at any time, each record is in the files once") {
  check_files_after_kills(6);
}

TEST_CASE("outputs: a full disk ends the drainer with file and offset; with room it goes on") {
  OutputRun run("file", "");
  // Files cannot grow beyond 256 blocks of 1,024 bytes.
  const auto full = run.start_drainer({"/bin/bash", "-c", "ulimit -f 256; exec \"$0\" \"$@\""});
  const auto code = full->wait(integration::kEndLimit);
  INFO(run.log());
  REQUIRE(code == 2);
  CHECK_THAT(run.log(), Catch::Contains("/binlog-0000000000000000-") &&
                            Catch::Contains(" offset 262144: File too large"));
  run.finish();
  check_equal(expected_files(run), integration::payloads_in(run.path("data")),
              integration::file_payload_lines);
}

TEST_CASE("outputs: the topic holds what the original sent, also over failing requests") {
  fakes::MockCluster cluster;
  // Not leader, timed out, connection dropped.
  cluster.fail_produce_requests({0, 0, 6, 0, 7, 0, -1});
  OutputRun run("kafka", topic_at(cluster));
  run.finish();
  const auto expected = expected_kafka(run);
  check_equal(expected, cluster.read(expected.messages.size()), integration::kafka_message_lines);
}

// These brokers do not know a request that comes again, so each one is in the topic twice.
TEST_CASE("outputs: acknowledgements that are lost: each commit ts in the topic, in order") {
  fakes::MockCluster cluster;
  OutputRun run("kafka", topic_at(cluster), {"--pace", "400"});
  cluster.hold_produce_answer(1, /*after=*/0);
  const auto drainer = run.start_drainer();
  for (int cuts = 1; cuts <= 5; ++cuts) {
    while (!cluster.is_answer_held(1) && !drainer->wait_ms(5)) {
    }
    // Taken, and the connection goes before the answer.
    cluster.set_down(1);
    if (cuts < 5) cluster.hold_produce_answer(1, /*after=*/2);
    cluster.set_up(1);
  }
  const auto code = drainer->wait(integration::kEndLimit);
  INFO(run.log());
  REQUIRE(code == 0);
  const auto expected = expected_kafka(run);
  const std::vector<Bytes> messages = cluster.read_all();
  CHECK(messages.size() > expected.messages.size());
  check_equal(expected, integration::without_repeats(messages), integration::kafka_message_lines);
}

TEST_CASE("outputs: canal-json and debezium tell every row change and DDL") {
  const std::string protocol = GENERATE("canal-json", "debezium");
  INFO(protocol);
  fakes::MockCluster cluster;
  OutputRun run("kafka", topic_at(cluster, fmt::format("protocol = \"{}\"\ntidb-extension = true",
                                                       protocol)));
  run.finish();
  integration::Changes expected = integration::changes_in(expected_kafka(run));
  integration::Changes actual = integration::changes_in_json(cluster.read_all());
  // The mock keeps the newest 5 MB, which debezium, with its schemas, fills. The first transaction
  // that it has may be cut.
  if (actual.size() < expected.size()) {
    const CommitTs first = actual.begin()->first;
    actual.erase(first);
    expected.erase(expected.begin(), expected.upper_bound(first));
  }
  CHECK(actual.size() > 300);
  integration::check_changes(expected, actual);
}

TEST_CASE("outputs: kill -9 and brokers that fail: each commit ts in the topic, in order") {
  check_kafka_after_kills(5, /*reads_back=*/false);
}

TEST_CASE("outputs: with read-back nothing is in the topic twice") {
  check_kafka_after_kills(5, /*reads_back=*/true);
}

TEST_CASE("outputs: stopped in order at any time, nothing is in the topic twice") {
  check_kafka_after_stops(6);
}

TEST_CASE("outputs: 50 ordered stops of the Kafka output", "[.campaign]") {
  check_kafka_after_stops(50);
}

TEST_CASE("outputs: 50 kills of the Kafka output, without and with read-back", "[.campaign]") {
  const bool reads_back = GENERATE(false, true);
  INFO((reads_back ? "with read-back" : "without read-back"));
  check_kafka_after_kills(50, reads_back);
}

TEST_CASE("outputs: 100 kills of the file output", "[.campaign]") {
  check_files_after_kills(100);
}

TEST_CASE("outputs: the disk is full at any byte, again and again", "[.campaign]") {
  OutputRun run("file", "");
  std::mt19937 random(20261121);
  std::uniform_int_distribution<int> growth_kib(1, 40);
  int full = 0;
  for (int limit_kib = 1;; limit_kib += growth_kib(random)) {
    const auto drainer = run.start_drainer(
        {"/bin/bash", "-c", fmt::format("ulimit -f {}; exec \"$0\" \"$@\"", limit_kib)});
    const auto code = drainer->wait(integration::kEndLimit);
    if (code == 0) break;
    // The log is full too.
    INFO(limit_kib << " KiB");
    REQUIRE(code == 2);
    ++full;
  }
  CHECK(full > 10);
  check_equal(expected_files(run), integration::payloads_in(run.path("data")),
              integration::file_payload_lines);
}

TEST_CASE("outputs: without brokers the drainer ends and says from where on it will send again") {
  OutputRun run("kafka", fmt::format("kafka-addrs = \"127.0.0.1:{}\"\ntopic-name = \"t\"",
                                     fakes::free_port()));
  const auto code = run.start_drainer()->wait(integration::kEndLimit);
  INFO(run.log());
  REQUIRE(code == 2);
  CHECK(run.log().find(fmt::format("{} messages from commit ts ",
                                   expected_kafka(run).messages.size())) != std::string::npos);
}
