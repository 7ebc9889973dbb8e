#include "tests/fakes/topic_reader.h"

#include <functional>
#include <stdexcept>
#include <utility>

#include "tests/fakes/kafka_handle.h"

namespace drainer::fakes {

namespace {

constexpr int kAnswerLimitMs = 20'000;
// A broker that has just come back may drop the first connections.
constexpr int kAttempts = 100;

}  // namespace

struct TopicReader::Impl {
  rd_kafka_t* handle = nullptr;
  std::string topic;

  // The first offset that is still there, and the one behind the last.
  std::optional<std::pair<uint64_t, uint64_t>> try_watermarks() const {
    int64_t low = 0;
    int64_t high = 0;
    const auto failure =
        rd_kafka_query_watermark_offsets(handle, topic.c_str(), 0, &low, &high, kAnswerLimitMs);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
    return std::pair<uint64_t, uint64_t>(low, high);
  }

  std::pair<uint64_t, uint64_t> watermarks() const {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      if (const auto found = try_watermarks()) return *found;
      rd_kafka_poll(handle, 100);
    }
    throw std::runtime_error("no watermarks");
  }

  // What `get` finds in the brokers' description of the partition; -1 when there is none.
  int ask(const std::function<int(const rd_kafka_metadata_partition_t&)>& get) const {
    rd_kafka_topic_t* asked = rd_kafka_topic_new(handle, topic.c_str(), nullptr);
    const rd_kafka_metadata_t* metadata = nullptr;
    int out = -1;
    if (rd_kafka_metadata(handle, 0, asked, &metadata, kAnswerLimitMs) ==
        RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (metadata->topic_cnt == 1 && metadata->topics[0].partition_cnt > 0) {
        out = get(metadata->topics[0].partitions[0]);
      }
      rd_kafka_metadata_destroy(metadata);
    }
    rd_kafka_topic_destroy(asked);
    return out;
  }
};

TopicReader::TopicReader(const std::string& brokers, std::string topic)
    : impl_(std::make_unique<Impl>()) {
  impl_->topic = std::move(topic);
  impl_->handle =
      open_kafka_handle(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                            {"fetch.message.max.bytes", "100000000"},
                                            {"receive.message.max.bytes", "200000000"}});
}

TopicReader::~TopicReader() {
  rd_kafka_destroy(impl_->handle);
}

uint64_t TopicReader::count() {
  return impl_->watermarks().second;
}

std::optional<uint64_t> TopicReader::try_count() {
  const auto found = impl_->try_watermarks();
  return found ? std::optional(found->second) : std::nullopt;
}

std::vector<Bytes> TopicReader::read_all() {
  const auto [low, high] = impl_->watermarks();
  return read(high - low);
}

std::vector<Bytes> TopicReader::read(uint64_t count) {
  rd_kafka_topic_t* topic = rd_kafka_topic_new(impl_->handle, impl_->topic.c_str(), nullptr);
  rd_kafka_consume_start(topic, 0, RD_KAFKA_OFFSET_BEGINNING);
  std::vector<Bytes> out;
  while (out.size() < count) {
    rd_kafka_message_t* message = rd_kafka_consume(topic, 0, kAnswerLimitMs);
    if (message == nullptr) break;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      out.emplace_back(static_cast<const char*>(message->payload), message->len);
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consume_stop(topic, 0);
  rd_kafka_topic_destroy(topic);
  return out;
}

int TopicReader::leader() {
  return impl_->ask(
      [](const rd_kafka_metadata_partition_t& partition) { return partition.leader; });
}

int TopicReader::replicas_in_sync() {
  return impl_->ask([](const rd_kafka_metadata_partition_t& partition) {
    return partition.leader < 0 ? 0 : partition.isr_cnt;
  });
}

}  // namespace drainer::fakes
