#include "syncer/kafka/kafka_sink.h"

#include <catch2/catch.hpp>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/txns.h"
#include "tests/unit/kafka/sink_harness.h"

using namespace drainer;
using fakes::patient;
using fakes::TxnBuilder;
using tidb::Value;
using Harness = fakes::SinkHarness;

TEST_CASE("kafka sink: progress never passes a message that is not acknowledged") {
  Harness h(patient());
  h.sink.start(h.threads);
  h.submit(1);
  h.submit(2);
  h.submit(3);
  h.wait_for_sent(3);
  h.report({h.id_of(1), std::nullopt});
  h.report({h.id_of(2), std::nullopt});
  h.report({h.id_of(0), std::nullopt});
  // One report of all three, or of the first and then the rest: never 2 or 3 before 1.
  CommitTs last;
  while (last < CommitTs(3)) {
    const CommitTs applied = h.next();
    CHECK(applied > last);
    last = applied;
  }
  h.sink.close();
  CHECK(h.threads.wait().ok());
  CHECK_FALSE(h.sink.next_applied(StopToken()));
}

TEST_CASE("kafka sink: a transaction of several events is progress with the last of them") {
  kafka::KafkaSinkOptions options = patient();
  options.to.kafka.protocol = KafkaProtocol::kCanalJson;
  options.to.kafka.transaction_markers = true;
  options.to.kafka.watermark_interval_ms = 0;
  options.topic = "topic";
  Harness h(std::move(options));
  h.sink.start(h.threads);
  h.submit(7);
  h.wait_for_sent(3);
  {
    MutexLock lock(h.producer->mutex);
    CHECK_THAT(h.producer->sent[0].second, Catch::Contains("TRANSACTIONBEGIN"));
    CHECK_THAT(h.producer->sent[1].second, Catch::Contains(R"("type":"INSERT")"));
    CHECK_THAT(h.producer->sent[2].second, Catch::Contains("TRANSACTIONEND"));
  }
  h.report({h.id_of(0), std::nullopt});
  h.report({h.id_of(1), std::nullopt});
  CHECK(h.next() < CommitTs(7));
  h.report({h.id_of(2), std::nullopt});
  while (h.next() < CommitTs(7)) {
  }
  h.sink.close();
  CHECK(h.threads.wait().ok());
}

TEST_CASE(
    "kafka sink: a DDL of several events is progress with the last of them, one of none too") {
  kafka::KafkaSinkOptions options = patient();
  options.to.kafka.protocol = KafkaProtocol::kCanalJson;
  options.to.kafka.tidb_extension = true;
  options.topic = "topic";
  Harness h(std::move(options));
  h.sink.start(h.threads);
  const auto submit = [&](int64_t commit_ts, const std::string& text) {
    REQUIRE(h.sink.submit(TxnBuilder(commit_ts).ddl("d", "t", text).build(), StopToken()).ok());
  };
  submit(7, "RENAME TABLE `a` TO `b`, `c` TO `d`");
  h.wait_for_sent(3);
  {
    MutexLock lock(h.producer->mutex);
    CHECK_THAT(h.producer->sent[0].second, Catch::Contains("RENAME TABLE `d`.`a` TO `d`.`b`"));
    CHECK_THAT(h.producer->sent[1].second, Catch::Contains("RENAME TABLE `d`.`c` TO `d`.`d`"));
    CHECK_THAT(h.producer->sent[2].second, Catch::Contains(R"("watermarkTs":7})"));
  }
  h.report({h.id_of(0), std::nullopt});
  CHECK(h.next() < CommitTs(7));
  h.acknowledge_all();  // watermarks may follow
  submit(8, "/*T![placement] DROP PLACEMENT POLICY `p` */");
  h.report({h.id_of(1), std::nullopt});
  h.report({h.id_of(2), std::nullopt});
  while (h.next() < CommitTs(8)) {
  }
  h.sink.close();
  CHECK(h.threads.wait().ok());
}

TEST_CASE("kafka sink: what the topic holds already is not sent again") {
  kafka::KafkaSinkOptions options = patient();
  options.sent_before = CommitTs(2);
  Harness h(std::move(options));
  h.acknowledge_all();
  h.sink.start(h.threads);
  for (const int64_t ts : {1, 2, 3}) h.submit(ts);
  h.sink.close();
  while (h.next() < CommitTs(3)) {
  }
  CHECK(h.threads.wait().ok());
  MutexLock lock(h.producer->mutex);
  CHECK(h.producer->sent.size() == 1);
}

TEST_CASE("kafka sink: nothing is reported while the first message lacks its acknowledgement") {
  Harness h(patient());
  h.sink.start(h.threads);
  h.submit(1);
  h.submit(2);
  h.wait_for_sent(2);
  h.report({h.id_of(1), std::nullopt});
  h.report({h.id_of(0), make_error(ErrorCode::kUnavailable, "gone")});
  CHECK_FALSE(h.sink.next_applied(StopToken()));
  const Result<void> ended = h.threads.wait();
  REQUIRE_FALSE(ended.ok());
  CHECK(ended.error().to_string() ==
        "fail to produce message to kafka, please check the state of kafka server: commit ts 1: "
        "gone");
}

TEST_CASE("kafka sink: messages go out in commit-ts order, byte for byte") {
  Harness h(patient());
  h.acknowledge_all();
  h.sink.start(h.threads);
  for (int64_t ts = 1; ts <= 500; ++ts) h.submit(ts);
  h.sink.close();
  CommitTs last;
  while (const std::optional<Applied> applied = h.sink.next_applied(StopToken())) {
    CHECK(applied->commit_ts > last);
    last = applied->commit_ts;
  }
  CHECK(last == CommitTs(500));
  REQUIRE(h.threads.wait().ok());
  MutexLock lock(h.producer->mutex);
  REQUIRE(h.producer->sent.size() == 500);
  const tidb::TimeZone zone;
  kafka::MessageWriter writer(zone);
  for (int64_t ts = 1; ts <= 500; ++ts) {
    ReverseWriter out;
    REQUIRE(writer
                .put(out, TxnBuilder(ts)
                              .on(fakes::example_table())
                              .insert({Value::of_int(ts), fakes::text("a")})
                              .build())
                .ok());
    CHECK(h.producer->sent[static_cast<size_t>(ts - 1)].second == out.view());
  }
}

TEST_CASE("kafka sink: 30 s without any acknowledgement end it") {
  Harness h;
  h.sink.start(h.threads);
  h.submit(5);
  CHECK_FALSE(h.sink.next_applied(StopToken()));
  const Result<void> ended = h.threads.wait();
  REQUIRE_FALSE(ended.ok());
  CHECK(ended.error().code() == ErrorCode::kTimeout);
  CHECK(ended.error().to_string() ==
        "commit ts 5: fail to push msg to kafka after 30s, check if kafka is up and working");
}

TEST_CASE("kafka sink: an idle stream is no reason to end") {
  Harness h;
  h.sink.start(h.threads);
  h.clock.advance(std::chrono::hours(1));
  REQUIRE(h.sink.submit(TxnBuilder(5).build(), StopToken()).ok());
  CHECK(h.next() == CommitTs(5));
  h.clock.advance(std::chrono::hours(1));
  REQUIRE(h.sink.submit(TxnBuilder(6).ddl("d", "t", "x", /*should_skip=*/true).build(), StopToken())
              .ok());
  CHECK(h.next() == CommitTs(6));
  h.sink.close();
  CHECK(h.threads.wait().ok());
  MutexLock lock(h.producer->mutex);
  CHECK(h.producer->sent.empty());
}

TEST_CASE("kafka sink: a stop waits for acknowledgements, but not for ever") {
  kafka::KafkaSinkOptions options = patient();
  options.flush_timeout = std::chrono::seconds(10);
  Harness h(std::move(options));
  h.sink.start(h.threads);
  h.submit(1);
  h.submit(2);
  h.wait_for_sent(2);
  h.report({h.id_of(0), std::nullopt});
  CHECK(h.next() == CommitTs(1));
  h.sink.close();
  h.threads.request_stop();
  const Result<void> ended = h.threads.wait();
  REQUIRE_FALSE(ended.ok());
  CHECK(ended.error().to_string() ==
        "1 messages from commit ts 2 on are not acknowledged by kafka; they will be sent again");
  CHECK_FALSE(h.sink.next_applied(StopToken()));
}

TEST_CASE("kafka sink: what was submitted before a stop is sent and reported") {
  Harness h(patient());
  h.acknowledge_all();
  for (int64_t ts = 1; ts <= 100; ++ts) h.submit(ts);
  h.sink.close();
  h.threads.request_stop();
  h.sink.start(h.threads);
  CommitTs last;
  while (const std::optional<Applied> applied = h.sink.next_applied(StopToken())) {
    last = applied->commit_ts;
  }
  CHECK(last == CommitTs(100));
  CHECK(h.threads.wait().ok());
}

TEST_CASE("kafka sink: a message that is too large ends it with its name and the remedy") {
  Harness h(patient());
  {
    MutexLock lock(h.producer->mutex);
    h.producer->refuses = make_error(ErrorCode::kInvalid, "MSG_SIZE_TOO_LARGE");
  }
  h.sink.start(h.threads);
  h.submit(77);
  const Result<void> ended = h.threads.wait();
  REQUIRE_FALSE(ended.ok());
  const std::string text = ended.error().to_string();
  CHECK(text.find("the message of commit ts 77 has ") != std::string::npos);
  CHECK(text.find("`ignore-txn-commit-ts`") != std::string::npos);
  CHECK_FALSE(h.sink.next_applied(StopToken()));
}

TEST_CASE("kafka sink: a message of several in a transaction names that transaction") {
  kafka::KafkaSinkOptions options = patient();
  options.to.kafka.protocol = KafkaProtocol::kCanalJson;
  options.topic = "topic";
  Harness h(std::move(options));
  h.sink.start(h.threads);
  h.submit(76);
  h.submit(77);
  h.wait_for_sent(2);
  h.report({h.id_of(0), std::nullopt});
  h.report({h.id_of(1), make_error(ErrorCode::kInvalid, "MSG_SIZE_TOO_LARGE")});
  const Result<void> ended = h.threads.wait();
  REQUIRE_FALSE(ended.ok());
  CHECK_THAT(ended.error().to_string(), Catch::Contains("the message of commit ts 77 has "));
}

TEST_CASE("kafka sink: wrong settings are refused before anything is contacted") {
  fakes::FakeClock clock;
  const auto error_of = [&](const std::string& version, const std::string& client_id) {
    kafka::KafkaSinkOptions options;
    options.to.kafka_version = version;
    options.to.kafka_client_id = client_id;
    options.to.kafka_addrs = "127.0.0.1:1";
    auto sink = kafka::KafkaSink::open(std::move(options), clock, StopToken());
    return sink.ok() ? std::string() : sink.error().to_string();
  };
  CHECK(error_of("2.4", "c") == "syncer.to.kafka-version: invalid version `2.4`");
  CHECK(error_of("0.8.2", "c") == "syncer.to.kafka-version: invalid version `0.8.2`");
  CHECK(error_of("", "c") == "syncer.to.kafka-version: invalid version ``");
  CHECK(error_of("2.4.x", "c") == "syncer.to.kafka-version: invalid version `2.4.x`");
  CHECK(error_of("2.4.0", "a b") == "syncer.to.kafka-client-id \"a b\": ClientID is invalid");
  CHECK(error_of("2.4.0", "") == "syncer.to.kafka-client-id \"\": ClientID is invalid");
  CHECK(error_of("2.4.0", "tidb_binlog") == "");
  CHECK(error_of("0.8.2.0", "a-b.c_1") == "");
}
