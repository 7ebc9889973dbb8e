#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/clock.h"
#include "drainer/base/result.h"

namespace drainer::kafka {

/// What has become of a message: acknowledged by all replicas in sync, or given up.
struct DeliveryReport {
  uint64_t id;
  std::optional<Error> error;
};

/// Sends messages to partition 0 of one topic, in order and without gaps.
///
/// One thread sends, another polls.
class Producer {
 public:
  virtual ~Producer() = default;

  /// Queues a message. The payload must stay where it is until its report has come or the producer
  /// is gone. An Error means that the message will never be sent.
  virtual Result<void> send(uint64_t id, ByteView payload) = 0;
  /// Blocks for reports, `limit` at most; may give none.
  virtual std::vector<DeliveryReport> poll(Duration limit) = 0;
};

struct ProducerOptions {
  std::string brokers;  ///< host:port,host:port…
  std::string topic;
  std::string client_id = "tidb_binlog";
  int64_t messages_per_request_max = 1024;
  int64_t message_bytes_max = 1 << 30;
};

/// The producer of librdkafka (spec/kafka-and-file-sinks.md 2.5): idempotent, since only so does it
/// keep the order when it repeats requests. Contacts nobody yet. kInvalid names a wrong setting.
Result<std::unique_ptr<Producer>> open_producer(const ProducerOptions& options);

}  // namespace drainer::kafka
