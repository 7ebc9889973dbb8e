#include "syncer/kafka/producer.h"

#include <algorithm>
#include <set>

#include <fmt/core.h>

#include <catch2/catch.hpp>

#include "drainer/base/threads.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/topic_reader.h"
#include "tests/unit/kafka/mock_cluster.h"

using namespace drainer;
using fakes::MockCluster;
using kafka::DeliveryReport;
using kafka::Producer;

namespace {

constexpr Duration kPoll = std::chrono::milliseconds(100);
constexpr int kPollsMax = 600;

// Kafka's error codes.
constexpr int kNoError = 0;
constexpr int kUnknownTopic = 3;
constexpr int kDropConnection = -1;
constexpr int kNotLeader = 6;
constexpr int kRequestTimedOut = 7;
constexpr int kTooLarge = 10;
constexpr int kNotEnoughReplicas = 19;
constexpr int kNotAuthorized = 29;

std::unique_ptr<Producer> open(const MockCluster& cluster, int64_t message_bytes_max = 1 << 30) {
  kafka::ProducerOptions options;
  options.brokers = cluster.brokers();
  options.topic = "t";
  options.message_bytes_max = message_bytes_max;
  auto producer = kafka::open_producer(options);
  INFO((producer.ok() ? "" : producer.error().to_string()));
  REQUIRE(producer.ok());
  return std::move(producer).value();
}

std::vector<Bytes> numbered(size_t count, size_t size) {
  std::vector<Bytes> out;
  for (size_t i = 0; i < count; ++i) {
    Bytes message = std::to_string(i);
    message.resize(size, '.');
    out.push_back(std::move(message));
  }
  return out;
}

// What was read is what was sent, in order; else the first place where it is not.
void check_same(const std::vector<Bytes>& sent, const std::vector<Bytes>& read) {
  const auto number = [](const Bytes& message) { return message.substr(0, message.find('.')); };
  for (size_t i = 0; i < std::min(sent.size(), read.size()); ++i) {
    if (sent[i] != read[i]) FAIL("at " << i << " is " << number(read[i]));
  }
  CHECK(read.size() == sent.size());
}

// Polls until so many reports are in; fewer when they do not come in time.
std::vector<DeliveryReport> wait_for_reports(Producer& producer, size_t count) {
  std::vector<DeliveryReport> out;
  for (int i = 0; i < kPollsMax && out.size() < count; ++i) {
    for (DeliveryReport& report : producer.poll(kPoll)) out.push_back(std::move(report));
  }
  return out;
}

kafka::ProducerOptions options_of(const MockCluster& cluster) {
  kafka::ProducerOptions options;
  options.brokers = cluster.brokers();
  options.topic = "t";
  return options;
}

Bytes read_last(const MockCluster& cluster, Duration settle, Clock& clock) {
  const StopToken stop;
  const auto last = kafka::read_last_message(options_of(cluster), settle, {clock, stop});
  INFO((last.ok() ? "" : last.error().to_string()));
  REQUIRE(last.ok());
  return last->value_or("none");
}

}  // namespace

TEST_CASE("producer: order is kept whatever makes requests fail") {
  const auto codes = GENERATE(values<std::vector<int>>({
      {},
      {kNoError, kNoError, kNotLeader},
      {kNoError, kNoError, kRequestTimedOut},
      {kNoError, kNoError, kNotEnoughReplicas},
      {kNoError, kNoError, kDropConnection},
      {kNoError, kNotLeader, kRequestTimedOut, kNoError, kNotEnoughReplicas, kDropConnection},
  }));
  INFO(Catch::Detail::stringify(codes));
  MockCluster cluster;
  cluster.fail_produce_requests(codes);
  const std::unique_ptr<Producer> producer = open(cluster);
  const std::vector<Bytes> messages = numbered(20'000, 200);
  for (size_t i = 0; i < messages.size(); ++i)
    REQUIRE(producer->send(i, {.payload = messages[i]}).ok());
  const std::vector<DeliveryReport> reports = wait_for_reports(*producer, messages.size());
  REQUIRE(reports.size() == messages.size());
  std::set<uint64_t> ids;
  for (const DeliveryReport& report : reports) {
    INFO(report.id << ": " << (report.error ? report.error->to_string() : ""));
    REQUIRE_FALSE(report.error);
    ids.insert(report.id);
  }
  CHECK(ids.size() == messages.size());
  check_same(messages, cluster.read(messages.size()));
}

TEST_CASE("producer: a request takes as many messages as the setting allows, and no more") {
  const size_t most = GENERATE(100, 2'000);
  MockCluster cluster;
  kafka::ProducerOptions options;
  options.brokers = cluster.brokers();
  options.topic = "t";
  options.messages_per_request_max = static_cast<int64_t>(most);
  // So that only a full request leaves before the test is over, after that of the first message.
  options.properties = {{"linger.ms", "500"}};
  const std::unique_ptr<Producer> producer = kafka::open_producer(options).value();
  cluster.hold_produce_answer(1, /*after=*/1);
  const std::vector<Bytes> messages = numbered(3'000, 100);
  for (size_t i = 0; i < messages.size(); ++i)
    REQUIRE(producer->send(i, {.payload = messages[i]}).ok());
  for (int i = 0; i < kPollsMax && !cluster.is_answer_held(1); ++i) (void)producer->poll(kPoll);
  CHECK(cluster.count() == 1 + most);
}

TEST_CASE("producer: messages wait for a broker that is down and are delivered once, in order") {
  MockCluster cluster;
  const std::unique_ptr<Producer> producer = open(cluster);
  const std::vector<Bytes> messages = numbered(2'000, 100);
  for (size_t i = 0; i < 1'000; ++i) REQUIRE(producer->send(i, {.payload = messages[i]}).ok());
  REQUIRE(wait_for_reports(*producer, 1'000).size() == 1'000);
  cluster.set_down(1);
  for (size_t i = 1'000; i < 2'000; ++i) REQUIRE(producer->send(i, {.payload = messages[i]}).ok());
  CHECK(producer->poll(kPoll).empty());
  cluster.set_up(1);
  CHECK(wait_for_reports(*producer, 1'000).size() == 1'000);
  check_same(messages, cluster.read(messages.size()));
}

TEST_CASE("producer: a message above the limit is refused by name, not skipped") {
  MockCluster cluster;
  const std::unique_ptr<Producer> producer = open(cluster, 2'000);
  const Bytes message(2'100, 'x');
  const Result<void> sent = producer->send(0, {.payload = message});
  REQUIRE_FALSE(sent.ok());
  CHECK(sent.error().code() == ErrorCode::kInvalid);
  CHECK(sent.error().text().starts_with("MSG_SIZE_TOO_LARGE"));
}

TEST_CASE("producer: behind a message that is refused while it waits nothing is sent") {
  MockCluster cluster;
  const std::unique_ptr<Producer> producer = open(cluster, 2'000);
  std::vector<Bytes> messages = numbered(5, 100);
  messages[2].resize(2'100);
  // The first one goes at once; without its report, the others wait.
  for (size_t i = 0; i < messages.size(); ++i)
    REQUIRE(producer->send(i, {.payload = messages[i]}).ok());
  const std::vector<DeliveryReport> reports = wait_for_reports(*producer, 3);
  REQUIRE(reports.size() == 3);
  for (size_t i = 0; i < reports.size(); ++i) {
    CHECK(reports[i].id == i);
    CHECK(reports[i].error.has_value() == (i == 2));
  }
  CHECK(reports[2].error->code() == ErrorCode::kInvalid);
  CHECK(producer->send(5, {.payload = messages[0]}).ok());
  CHECK(producer->poll(kPoll).empty());
  check_same({messages[0], messages[1]}, cluster.read_all());
}

TEST_CASE("producer: one thread sends to many partitions, another polls: each keeps its order") {
  constexpr size_t kPartitions = 10;
  constexpr size_t kMessages = 20'000;
  // Two of each topic; the brokers make four.
  const auto topic_of = [](size_t partition) { return fmt::format("t{}", partition / 2); };
  MockCluster cluster;
  cluster.fail_produce_requests({kNoError, kNotLeader, kNoError, kNoError, kRequestTimedOut,
                                 kNoError, kNotEnoughReplicas, kNoError, kDropConnection});
  const std::unique_ptr<Producer> producer = open(cluster);
  const std::vector<Bytes> messages = numbered(kMessages, 200);
  ThreadGroup threads;
  threads.start("send", [&](const StopToken&) -> Result<void> {
    for (size_t i = 0; i < kMessages; ++i) {
      const std::string topic = topic_of(i % kPartitions);
      TRY(producer->send(i, {.payload = messages[i],
                             .topic = topic,
                             .partition = static_cast<int32_t>(i % 2),
                             .key = topic}));
    }
    return {};
  });
  const std::vector<DeliveryReport> reports = wait_for_reports(*producer, kMessages);
  REQUIRE(threads.wait().ok());
  REQUIRE(reports.size() == kMessages);
  std::vector<std::vector<uint64_t>> ids(kPartitions);
  for (const DeliveryReport& report : reports) {
    REQUIRE_FALSE(report.error);
    ids[report.id % kPartitions].push_back(report.id);
  }
  for (size_t partition = 0; partition < kPartitions; ++partition) {
    CHECK(std::is_sorted(ids[partition].begin(), ids[partition].end()));
    CHECK(ids[partition].size() == kMessages / kPartitions);
    if (partition % 2 != 0) continue;
    std::vector<Bytes> sent;
    for (size_t i = partition; i < kMessages; i += kPartitions) sent.push_back(messages[i]);
    check_same(sent, fakes::TopicReader(cluster.brokers(), topic_of(partition)).read_all());
  }
}

TEST_CASE("producer: a message that the brokers find too large is a failed delivery") {
  MockCluster cluster;
  cluster.fail_produce_requests({kTooLarge});
  const std::unique_ptr<Producer> producer = open(cluster);
  const Bytes message(1'000, 'x');
  REQUIRE(producer->send(7, {.payload = message}).ok());
  const std::vector<DeliveryReport> reports = wait_for_reports(*producer, 1);
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].id == 7);
  REQUIRE(reports[0].error);
  CHECK(reports[0].error->code() == ErrorCode::kInvalid);
  CHECK(reports[0].error->detail() == kTooLarge);
}

TEST_CASE("producer: a large message of all byte values passes whole") {
  MockCluster cluster;
  const std::unique_ptr<Producer> producer = open(cluster);
  Bytes large;
  while (large.size() < 20u << 20) {
    for (int c = 0; c < 256; ++c) large.push_back(static_cast<char>(c));
  }
  REQUIRE(producer->send(0, {.payload = large}).ok());
  REQUIRE(wait_for_reports(*producer, 1).size() == 1);
  CHECK((cluster.read(1) == std::vector<Bytes>{large}));
}

TEST_CASE("producer: it can go while messages are on their way") {
  MockCluster cluster;
  const std::vector<Bytes> messages = numbered(1'000, 100);
  cluster.set_down(1);
  {
    const std::unique_ptr<Producer> producer = open(cluster);
    for (size_t i = 0; i < messages.size(); ++i)
      REQUIRE(producer->send(i, {.payload = messages[i]}).ok());
  }
  SUCCEED("no report, no hang, no access to the messages after their end");
}

TEST_CASE("producer: the last message is found while another broker becomes the leader") {
  MockCluster cluster;
  const std::unique_ptr<Producer> producer = open(cluster);
  REQUIRE(producer->send(0, {.payload = "first"}).ok());
  REQUIRE(producer->send(1, {.payload = "last"}).ok());
  REQUIRE(wait_for_reports(*producer, 2).size() == 2);
  // More than the client itself tries again.
  cluster.fail_offset_requests(std::vector<int>(20, kNotLeader));
  fakes::FakeClock clock;
  CHECK(read_last(cluster, Duration::zero(), clock) == "last");
}

TEST_CASE("producer: the last message is read when the topic has stood still for a while") {
  MockCluster cluster;
  const std::unique_ptr<Producer> producer = open(cluster);
  const std::vector<Bytes> messages = {"0", "1", "2"};
  const auto send = [&](uint64_t id) {
    REQUIRE(producer->send(id, {.payload = messages[id]}).ok());
    REQUIRE(wait_for_reports(*producer, 1).size() == 1);
  };
  send(0);
  fakes::FakeClock clock;
  const TimePoint begun = clock.now();
  // Requests of a process that is no more.
  uint64_t sent = 0;
  clock.on_sleep([&] {
    if (clock.now() - begun >= (sent + 1) * std::chrono::seconds(2) && sent < 2) send(++sent);
  });
  CHECK(read_last(cluster, std::chrono::seconds(3), clock) == "2");
  CHECK(clock.now() - begun >= std::chrono::seconds(7));
}

TEST_CASE("producer: a stop ends the wait for a topic to stand still") {
  MockCluster cluster;
  fakes::FakeClock clock;
  StopSource stop;
  const StopToken token = stop.get_token();
  clock.on_sleep([&] { stop.request_stop(); });
  const auto last =
      kafka::read_last_message(options_of(cluster), std::chrono::seconds(3), {clock, token});
  REQUIRE_FALSE(last.ok());
  CHECK(last.error().code() == ErrorCode::kStopped);
  CHECK(clock.slept().size() == 1);
}

TEST_CASE("producer: a topic that is being created is asked for until it has partitions") {
  MockCluster cluster;
  const std::unique_ptr<Producer> producer = open(cluster);
  fakes::FakeClock clock;
  const StopToken stop;
  cluster.fail_topic("late", kUnknownTopic);
  clock.on_sleep([&] {
    if (clock.slept().size() == 20) cluster.fail_topic("late", kNoError);
  });
  const Result<int32_t> count = producer->count_partitions("late", {clock, stop});
  INFO((count.ok() ? "" : count.error().to_string()));
  REQUIRE(count.ok());
  CHECK(*count > 0);
  CHECK(clock.slept().size() == 20);
}

TEST_CASE("producer: a topic that is refused is not asked for again") {
  MockCluster cluster;
  const std::unique_ptr<Producer> producer = open(cluster);
  fakes::FakeClock clock;
  const StopToken stop;
  cluster.fail_topic("secret", kNotAuthorized);
  const Result<int32_t> count = producer->count_partitions("secret", {clock, stop});
  REQUIRE_FALSE(count.ok());
  CHECK_THAT(count.error().to_string(), Catch::Contains("TOPIC_AUTHORIZATION_FAILED"));
  CHECK(clock.slept().empty());
}

TEST_CASE("producer: the topics that there are come with their partitions, and none is created") {
  MockCluster cluster;
  const std::unique_ptr<Producer> producer = open(cluster);
  fakes::FakeClock clock;
  const StopToken stop;
  REQUIRE(producer->count_partitions("made", {clock, stop}).ok());
  for (int i = 0; i < 2; ++i) {
    const Result<kafka::TopicSizes> topics = producer->list_topics({clock, stop});
    INFO((topics.ok() ? "" : topics.error().to_string()));
    REQUIRE(topics.ok());
    CHECK(*topics == kafka::TopicSizes{{"made", 4}, {"t", 1}});
  }
  cluster.fail_topic("made", kNotAuthorized);
  CHECK(producer->list_topics({clock, stop}).value() == kafka::TopicSizes{{"t", 1}});
}

TEST_CASE("producer: brokers that do not tell their topics are asked again until it is too late") {
  MockCluster cluster;
  const std::unique_ptr<Producer> producer = open(cluster);
  cluster.set_down(1);
  fakes::FakeClock clock;
  const StopToken stop;
  const Result<kafka::TopicSizes> topics =
      producer->list_topics({clock, stop, std::chrono::milliseconds(150)});
  REQUIRE_FALSE(topics.ok());
  CHECK_THAT(topics.error().to_string(), Catch::StartsWith("ask for the topics of kafka: "));
  CHECK(clock.slept().size() == 2);
}
