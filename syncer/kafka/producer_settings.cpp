#include "syncer/kafka/producer_settings.h"

#include <algorithm>

namespace drainer::kafka {

namespace {

constexpr int64_t kMessageBytesMin = 1'000;
constexpr int64_t kMessagesPerRequestMax = 1'000'000;

// Settings of ours that an operator may have reasons to change.
bool is_adjustable(std::string_view name) {
  return name == "request.timeout.ms" || name == "retry.backoff.ms" || name == "linger.ms" ||
         name == "socket.timeout.ms" || name == "socket.connection.setup.timeout.ms" ||
         name == "topic.metadata.propagation.max.ms";
}

bool is_reserved(std::string_view name) {
  return name == "metadata.broker.list" || name == "request.required.acks" ||
         name == "max.in.flight" || name == "queue.buffering.max.ms" ||
         name == "delivery.timeout.ms" || name == "transactional.id" || name == "retries" ||
         name == "message.send.max.retries" || name.ends_with("_cb") || name == "opaque";
}

}  // namespace

Result<std::vector<ProducerSetting>> producer_settings(const ProducerOptions& options) {
  const int64_t messages =
      std::clamp<int64_t>(options.messages_per_request_max, 1, kMessagesPerRequestMax);
  const int64_t bytes = std::clamp(options.message_bytes_max, kMessageBytesMin, kMessageBytesMax);
  std::vector<ProducerSetting> settings = {
      {"bootstrap.servers", options.brokers},
      {"client.id", options.client_id},
      {"enable.idempotence", "true"},
      {"enable.gapless.guarantee", "true"},
      // With more, the client takes a success for one of all requests before it, also of one
      // whose outcome is unknown, and relies on the broker to have checked the sequence. With
      // one, as in the original, each message has an acknowledgement of its own.
      {"max.in.flight.requests.per.connection", "1"},
      {"acks", "all"},
      {"request.timeout.ms", "10000"},
      {"retry.backoff.ms", "500"},
      // A message is never given up for its age: that would leave a gap. The sink watches.
      {"message.timeout.ms", "0"},
      {"batch.num.messages", std::to_string(messages)},
      {"message.max.bytes", std::to_string(bytes)},
      // Only for requests that are not full: the client would start with the first few messages
      // that it gets of one.
      {"linger.ms", "1"},
      // The ack window limits what is queued.
      {"queue.buffering.max.kbytes", "2097151"},
      {"queue.buffering.max.messages", "0"},
      {"socket.timeout.ms", "300000"},
      {"socket.connection.setup.timeout.ms", "30000"},
      {"topic.metadata.propagation.max.ms", "30000"},
  };
  for (const auto& [name, value] : options.properties) {
    const bool is_ours = std::any_of(settings.begin(), settings.end(), [&](const auto& setting) {
      return setting.first == name && !is_adjustable(name);
    });
    if (is_ours || is_reserved(name)) {
      return make_error(ErrorCode::kInvalid,
                        "syncer.to.kafka.properties: {} is not to be changed: order and "
                        "completeness depend on it, or another key sets it",
                        name);
    }
  }
  return settings;
}

}  // namespace drainer::kafka
