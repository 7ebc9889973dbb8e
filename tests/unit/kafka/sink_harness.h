#pragma once

#include "syncer/kafka/kafka_sink.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/txns.h"

#include <fmt/core.h>

#include <catch2/catch.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace drainer::fakes {

/// A producer whose reports the test decides on. Any thread.
class FakeProducer final : public kafka::Producer {
 public:
  struct Shared {
    Mutex mutex;
    CondVar changed;
    std::vector<std::pair<uint64_t, Bytes>> sent GUARDED_BY(mutex);
    std::vector<kafka::DeliveryReport> reports GUARDED_BY(mutex);
    std::optional<Error> refuses GUARDED_BY(mutex);
    bool acknowledges_all GUARDED_BY(mutex) = false;
    kafka::TopicSizes topics GUARDED_BY(mutex);
    std::vector<std::string> destinations GUARDED_BY(mutex);  ///< of `sent`, as topic/partition
  };

  FakeProducer(std::shared_ptr<Shared> shared, FakeClock& clock)
      : shared_(std::move(shared)), clock_(clock) {}

  Result<int32_t> count_partitions(const std::string&, const kafka::Patience&) override {
    return 1;
  }
  Result<kafka::TopicSizes> list_topics(const kafka::Patience&) override {
    MutexLock lock(shared_->mutex);
    return shared_->topics;
  }
  Result<void> send(uint64_t id, const kafka::OutgoingMessage& message) override {
    MutexLock lock(shared_->mutex);
    if (shared_->refuses) return *shared_->refuses;
    shared_->sent.emplace_back(id, message.payload);
    shared_->destinations.push_back(fmt::format("{}/{}", message.topic, message.partition));
    if (shared_->acknowledges_all) shared_->reports.push_back({id, std::nullopt});
    shared_->changed.notify_all();
    return {};
  }

  // Time passes while there is nothing to report.
  std::vector<kafka::DeliveryReport> poll(Duration limit) override {
    MutexLock lock(shared_->mutex);
    if (shared_->reports.empty()) clock_.advance(limit);
    return std::exchange(shared_->reports, {});
  }

 private:
  const std::shared_ptr<Shared> shared_;
  FakeClock& clock_;
};

/// A sink with such a producer.
struct SinkHarness {
  FakeClock clock;
  std::shared_ptr<FakeProducer::Shared> producer = std::make_shared<FakeProducer::Shared>();
  kafka::KafkaSink sink;
  ThreadGroup threads;

  explicit SinkHarness(kafka::KafkaSinkOptions options = {})
      : sink(std::move(options), tidb::TimeZone(), std::make_unique<FakeProducer>(producer, clock),
             clock) {}

  void submit(int64_t commit_ts) {
    Txn txn = TxnBuilder(commit_ts)
                  .on(example_table())
                  .insert({tidb::Value::of_int(commit_ts), text("a")})
                  .build();
    REQUIRE(sink.submit(std::move(txn), StopToken()).ok());
  }
  // Blocks until so many messages have been sent.
  void wait_for_sent(size_t count) {
    MutexLock lock(producer->mutex);
    producer->changed.wait(producer->mutex, StopToken(), [&]() NO_THREAD_SAFETY_ANALYSIS {
      return producer->sent.size() >= count;
    });
  }
  void report(kafka::DeliveryReport report) {
    MutexLock lock(producer->mutex);
    producer->reports.push_back(std::move(report));
  }
  uint64_t id_of(size_t index) {
    MutexLock lock(producer->mutex);
    return producer->sent.at(index).first;
  }
  void acknowledge_all() {
    MutexLock lock(producer->mutex);
    producer->acknowledges_all = true;
  }
  CommitTs next() { return sink.next_applied(StopToken()).value().commit_ts; }
};

/// Long enough that fake time never ends a test that is not about it.
inline kafka::KafkaSinkOptions patient() {
  kafka::KafkaSinkOptions options;
  options.ack_timeout = std::chrono::hours(1000000);
  options.flush_timeout = std::chrono::hours(1000000);
  return options;
}

}  // namespace drainer::fakes
