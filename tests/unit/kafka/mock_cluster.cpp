#include "tests/unit/kafka/mock_cluster.h"

#include <stdexcept>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "tests/fakes/kafka_handle.h"
#include "tests/fakes/topic_reader.h"

namespace drainer::fakes {

namespace {

constexpr int16_t kProduceRequest = 0;
constexpr int16_t kListOffsetsRequest = 2;

}  // namespace

struct MockCluster::Impl {
  rd_kafka_t* handle = nullptr;
  rd_kafka_mock_cluster_t* cluster = nullptr;
  std::unique_ptr<TopicReader> opened;

  TopicReader& reader() {
    if (!opened) {
      opened = std::make_unique<TopicReader>(rd_kafka_mock_cluster_bootstraps(cluster), "t");
    }
    return *opened;
  }

  void fail(int16_t request, const std::vector<int>& codes) const {
    std::vector<rd_kafka_resp_err_t> errors;
    for (const int code : codes) {
      errors.push_back(code == -1 ? RD_KAFKA_RESP_ERR__TRANSPORT
                                  : static_cast<rd_kafka_resp_err_t>(code));
    }
    rd_kafka_mock_push_request_errors_array(cluster, request, errors.size(), errors.data());
  }
};

MockCluster::MockCluster(int brokers) : impl_(std::make_unique<Impl>()) {
  // Its own mock cluster, so that the handle knows the brokers and can be asked about them.
  impl_->handle =
      open_kafka_handle(RD_KAFKA_PRODUCER, {{"test.mock.num.brokers", std::to_string(brokers)}});
  impl_->cluster = rd_kafka_handle_mock_cluster(impl_->handle);
  rd_kafka_mock_topic_create(impl_->cluster, "t", 1, brokers);
}

MockCluster::~MockCluster() {
  impl_->opened.reset();
  rd_kafka_destroy(impl_->handle);
}

std::string MockCluster::brokers() const {
  return rd_kafka_mock_cluster_bootstraps(impl_->cluster);
}

void MockCluster::fail_produce_requests(const std::vector<int>& codes) {
  impl_->fail(kProduceRequest, codes);
}

void MockCluster::fail_offset_requests(const std::vector<int>& codes) {
  impl_->fail(kListOffsetsRequest, codes);
}

void MockCluster::fail_topic(const std::string& topic, int code) {
  rd_kafka_mock_topic_set_error(impl_->cluster, topic.c_str(),
                                static_cast<rd_kafka_resp_err_t>(code));
}

void MockCluster::hold_produce_answer(int broker, int after) {
  constexpr int kHourMs = 3'600'000;
  for (int i = 0; i <= after; ++i) {
    rd_kafka_mock_broker_push_request_error_rtts(impl_->cluster, broker, kProduceRequest, 1,
                                                 RD_KAFKA_RESP_ERR_NO_ERROR,
                                                 i == after ? kHourMs : 0);
  }
}

bool MockCluster::is_answer_held(int broker) const {
  size_t waiting = 0;
  rd_kafka_mock_broker_error_stack_cnt(impl_->cluster, broker, kProduceRequest, &waiting);
  return waiting == 0;
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
  return impl_->reader().read(count);
}

uint64_t MockCluster::count() const {
  return impl_->reader().count();
}

std::vector<Bytes> MockCluster::read_all() const {
  return impl_->reader().read_all();
}

}  // namespace drainer::fakes
