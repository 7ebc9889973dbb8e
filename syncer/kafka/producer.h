#pragma once

#include <map>
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

/// A message to be sent. Borrows.
struct OutgoingMessage {
  ByteView payload;
  std::string_view topic = {};  ///< empty: the producer's own
  int32_t partition = 0;
  std::optional<std::string_view> key = std::nullopt;
};

/// Numbers of partitions by topic.
using TopicSizes = std::map<std::string, int32_t>;

/// How long brokers that do not answer, or are choosing a leader, are asked again. Borrows.
struct Patience {
  Clock& clock;
  const StopToken& stop;
  Duration limit = std::chrono::seconds(30);
};

/// Sends messages, to each partition in order and without gaps.
///
/// One thread sends, another polls.
class Producer {
 public:
  virtual ~Producer() = default;

  /// Queues a message. The payload must stay where it is until its report has come or the producer
  /// is gone; topic and key need not. An Error means that the message will never be sent.
  virtual Result<void> send(uint64_t id, const OutgoingMessage& message) = 0;
  /// How many partitions a topic has; asks the brokers, which may create the topic. kStopped when
  /// `patience.stop` came first.
  virtual Result<int32_t> count_partitions(const std::string& topic, const Patience& patience) = 0;
  /// The topics that there are and how many partitions they have; creates none. Those that cannot
  /// be used, or seen, are left out.
  virtual Result<TopicSizes> list_topics(const Patience& patience) = 0;
  /// Blocks for reports, `limit` at most; may give none.
  virtual std::vector<DeliveryReport> poll(Duration limit) = 0;
};

struct ProducerOptions {
  std::string brokers;  ///< host:port,host:port…
  std::string topic;
  std::string client_id = "tidb_binlog";
  int64_t messages_per_request_max = 1024;
  int64_t message_bytes_max = 1 << 30;
  std::map<std::string, std::string> properties;  ///< librdkafka's own settings
};

/// The producer of librdkafka (spec/kafka-and-file-sinks.md 2.5): idempotent, since only so does it
/// keep the order when it repeats requests. Contacts nobody yet. kInvalid names a wrong setting.
Result<std::unique_ptr<Producer>> open_producer(const ProducerOptions& options);

/// The last message of partition 0 of the topic; nothing when there is none. Waits until nothing
/// has been added for `settle`: requests of a killed process may still arrive. kConflict when the
/// topic goes on growing, kStopped when `patience.stop` came first.
Result<std::optional<Bytes>> read_last_message(const ProducerOptions& options, Duration settle,
                                               const Patience& patience);

}  // namespace drainer::kafka
