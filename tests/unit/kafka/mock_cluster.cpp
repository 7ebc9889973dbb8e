#include "tests/unit/kafka/mock_cluster.h"

#include <stdexcept>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

namespace drainer::fakes {

namespace {

constexpr int16_t kProduceRequest = 0;
constexpr int kReadLimitMs = 20'000;

void set(rd_kafka_conf_t* conf, const char* name, const std::string& value) {
  char text[256];
  if (rd_kafka_conf_set(conf, name, value.c_str(), text, sizeof text) != RD_KAFKA_CONF_OK) {
    throw std::runtime_error(text);
  }
}

void ignore_log(const rd_kafka_t*, int, const char*, const char*) {}

rd_kafka_t* create(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  char text[256];
  rd_kafka_conf_set_log_cb(conf, ignore_log);
  rd_kafka_t* handle = rd_kafka_new(type, conf, text, sizeof text);
  if (handle == nullptr) throw std::runtime_error(text);
  return handle;
}

}  // namespace

struct MockCluster::Impl {
  rd_kafka_t* handle = nullptr;
  rd_kafka_mock_cluster_t* cluster = nullptr;
};

MockCluster::MockCluster(int brokers) : impl_(std::make_unique<Impl>()) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  // Its own mock cluster, so that the handle knows the brokers and can be asked about them.
  set(conf, "test.mock.num.brokers", std::to_string(brokers));
  impl_->handle = create(RD_KAFKA_PRODUCER, conf);
  impl_->cluster = rd_kafka_handle_mock_cluster(impl_->handle);
  rd_kafka_mock_topic_create(impl_->cluster, "t", 1, brokers);
}

MockCluster::~MockCluster() {
  rd_kafka_destroy(impl_->handle);
}

std::string MockCluster::brokers() const {
  return rd_kafka_mock_cluster_bootstraps(impl_->cluster);
}

void MockCluster::fail_produce_requests(const std::vector<int>& codes) {
  std::vector<rd_kafka_resp_err_t> errors;
  for (const int code : codes) {
    errors.push_back(code == -1 ? RD_KAFKA_RESP_ERR__TRANSPORT
                                : static_cast<rd_kafka_resp_err_t>(code));
  }
  rd_kafka_mock_push_request_errors_array(impl_->cluster, kProduceRequest, errors.size(),
                                          errors.data());
}

void MockCluster::set_down(int broker) {
  rd_kafka_mock_broker_set_down(impl_->cluster, broker);
}

void MockCluster::set_up(int broker) {
  rd_kafka_mock_broker_set_up(impl_->cluster, broker);
}

void MockCluster::set_leader(int broker) {
  rd_kafka_mock_partition_set_leader(impl_->cluster, "t", 0, broker);
}

void MockCluster::set_delay_ms(int broker, int delay_ms) {
  rd_kafka_mock_broker_set_rtt(impl_->cluster, broker, delay_ms);
}

std::vector<Bytes> MockCluster::read(size_t count) const {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", brokers());
  set(conf, "fetch.message.max.bytes", "100000000");
  set(conf, "receive.message.max.bytes", "200000000");
  rd_kafka_t* consumer = create(RD_KAFKA_CONSUMER, conf);
  rd_kafka_topic_t* topic = rd_kafka_topic_new(consumer, "t", nullptr);
  rd_kafka_consume_start(topic, 0, RD_KAFKA_OFFSET_BEGINNING);
  std::vector<Bytes> out;
  while (out.size() < count) {
    rd_kafka_message_t* message = rd_kafka_consume(topic, 0, kReadLimitMs);
    if (message == nullptr) break;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      out.emplace_back(static_cast<const char*>(message->payload), message->len);
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_consume_stop(topic, 0);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(consumer);
  return out;
}

uint64_t MockCluster::count() const {
  int64_t low = 0;
  int64_t high = 0;
  // A broker that has just come back may drop the first connections.
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto failure =
        rd_kafka_query_watermark_offsets(impl_->handle, "t", 0, &low, &high, kReadLimitMs);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) return static_cast<uint64_t>(high);
    rd_kafka_poll(impl_->handle, 100);
  }
  throw std::runtime_error("no watermarks");
}

std::vector<Bytes> MockCluster::read_all() const {
  return read(count());
}

}  // namespace drainer::fakes
