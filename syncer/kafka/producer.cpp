#include "syncer/kafka/producer.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <span>

#include "conf/secret.h"
#include "drainer/base/check.h"
#include "drainer/base/log.h"
#include "drainer/base/mutex.h"
#include "drainer/base/parse_number.h"
#include "syncer/kafka/producer_settings.h"
#include "syncer/kafka/request_lane.h"

namespace drainer::kafka {

namespace {

constexpr size_t kErrorTextBytes = 512;
// How many reports poll() gathers before it hands them over.
constexpr size_t kReportsMax = 10'000;

// Of one question to the brokers, which a stop cannot interrupt.
constexpr int kAskTimeoutMs = 2'000;
constexpr Duration kAskPause = std::chrono::milliseconds(100);
// Longer than it takes the brokers to work off what a killed process has sent.
constexpr Duration kSettleMax = std::chrono::seconds(60);

using Conf = std::unique_ptr<rd_kafka_conf_t, decltype(&rd_kafka_conf_destroy)>;

Result<void> set(rd_kafka_conf_t* conf, const char* name, const std::string& value) {
  char text[kErrorTextBytes];
  if (rd_kafka_conf_set(conf, name, value.c_str(), text, sizeof text) == RD_KAFKA_CONF_OK) {
    return {};
  }
  // What the library says may hold the value too.
  if (conf::is_secret_property(name)) {
    return make_error(ErrorCode::kInvalid, "kafka setting {}: its value is not accepted", name);
  }
  return make_error(ErrorCode::kInvalid, "kafka setting {} = {}: {}", name, value, text);
}

size_t get_number(const rd_kafka_conf_t* conf, const char* name) {
  char text[kErrorTextBytes] = "";
  size_t size = sizeof text;
  const bool is_known = rd_kafka_conf_get(conf, name, text, &size) == RD_KAFKA_CONF_OK;
  const auto number = is_known ? parse_whole<size_t>(text) : std::nullopt;
  CHECK(number.has_value(), "kafka setting {} is \"{}\"", name, text);
  return *number;
}

Result<void> set_properties(rd_kafka_conf_t* conf, const ProducerOptions& options) {
  for (const auto& [name, value] : options.properties) {
    if (Result<void> done = set(conf, name.c_str(), value); !done.ok()) {
      return std::move(done).error().because("syncer.to.kafka.properties");
    }
  }
  return {};
}

LogLevel level_of(int syslog_level) {
  if (syslog_level <= 3) return LogLevel::kError;
  if (syslog_level == 4) return LogLevel::kWarn;
  return syslog_level <= 6 ? LogLevel::kInfo : LogLevel::kDebug;
}

// Called by librdkafka's threads.
void on_log(const rd_kafka_t*, int syslog_level, const char* facility, const char* text) {
  // Remarks on settings that are as they should be, at each start.
  const bool is_remark = std::string_view(facility) == "CONFWARN";
  const LogLevel level = is_remark ? LogLevel::kDebug : level_of(syslog_level);
  if (!log_enabled(level)) return;
  log_line(level, "kafka client", {{"facility", facility}, {"text", text}},
           std::source_location::current());
}

Error error_of(rd_kafka_resp_err_t code) {
  const auto kind =
      code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ? ErrorCode::kInvalid : ErrorCode::kUnavailable;
  return Error(kind, fmt::format("{}: {}", rd_kafka_err2name(code), rd_kafka_err2str(code)), code);
}

// Brokers that cannot be reached, or that are choosing a leader or creating the topic.
bool is_passing(rd_kafka_resp_err_t failure) {
  return failure == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
         failure == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
         failure == RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE ||
         failure == RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE ||
         failure == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         failure == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT ||
         failure == RD_KAFKA_RESP_ERR__TRANSPORT || failure == RD_KAFKA_RESP_ERR__TIMED_OUT ||
         failure == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
}

// One thing that the brokers are asked until they tell it, within the limits of a Patience.
class Question {
 public:
  explicit Question(const Patience& patience)
      : patience_(patience), deadline_(patience.clock.now() + patience.limit) {}

  /// Pauses before it is asked again; the Error where it is not to be.
  Result<void> pause_after(rd_kafka_resp_err_t failure) const {
    if (!is_passing(failure) || patience_.clock.now() >= deadline_) return error_of(failure);
    return pause();
  }
  Result<void> pause() const {
    if (patience_.clock.sleep_for(kAskPause, patience_.stop)) return {};
    return stopped();
  }

 private:
  const Patience& patience_;
  const TimePoint deadline_;
};

class RdProducer final : public Producer {
 public:
  using Handle = std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)>;
  using Topic = std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)>;

  RdProducer() = default;
  ~RdProducer() override {
    if (!handle_) return;
    // What is still on its way is not waited for: the payloads go with their owner.
    rd_kafka_purge(handle_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  }

  Result<void> open(const ProducerOptions& options) {
    Conf conf(rd_kafka_conf_new(), rd_kafka_conf_destroy);
    TRY(configure(conf.get(), options));
    request_limits_ = {.messages = get_number(conf.get(), "batch.num.messages"),
                       .bytes = std::min(get_number(conf.get(), "batch.size"),
                                         get_number(conf.get(), "message.max.bytes"))};
    rd_kafka_conf_set_opaque(conf.get(), this);
    rd_kafka_conf_set_log_cb(conf.get(), on_log);
    rd_kafka_conf_set_dr_msg_cb(conf.get(), on_report);
    rd_kafka_conf_set_error_cb(conf.get(), on_error);
    char text[kErrorTextBytes];
    handle_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), text, sizeof text));
    if (!handle_) return make_error(ErrorCode::kInvalid, "create kafka producer: {}", text);
    (void)conf.release();
    own_topic_ = options.topic;
    TRY(topic_of(own_topic_));
    return {};
  }

  Result<void> send(uint64_t id, const OutgoingMessage& message) override {
    ASSIGN_OR_RETURN(rd_kafka_topic_t* const topic, topic_of(message.topic));
    MutexLock lock(mutex_);
    const auto lane = lanes_.try_emplace({topic, message.partition}).first;
    lane->second.push({id, message.payload, std::optional<std::string>(message.key)});
    // If this is the time of a request, it is that of this message alone.
    std::optional<DeliveryReport> refused = produce_request(*lane);
    if (refused) return *std::move(refused->error);
    return {};
  }

  Result<int32_t> count_partitions(const std::string& name, const Patience& patience) override {
    ASSIGN_OR_RETURN(rd_kafka_topic_t* const topic, topic_of(name));
    const Question question(patience);
    while (true) {
      const rd_kafka_metadata_t* found = nullptr;
      auto failure =
          rd_kafka_metadata(handle_.get(), /*all_topics=*/0, topic, &found, kAskTimeoutMs);
      if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
        failure = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        int32_t count = 0;
        if (found->topic_cnt == 1) {
          // A topic that has just been created has no partitions for a moment.
          const rd_kafka_metadata_topic& told = found->topics[0];
          if (told.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            failure = told.err;
          } else {
            count = told.partition_cnt;
          }
        }
        rd_kafka_metadata_destroy(found);
        if (count > 0) return count;
      }
      if (Result<void> paused = question.pause_after(failure); !paused.ok()) {
        return std::move(paused).error().because("ask for the partitions of kafka topic {}", name);
      }
    }
  }

  Result<TopicSizes> list_topics(const Patience& patience) override {
    const Question question(patience);
    while (true) {
      const rd_kafka_metadata_t* found = nullptr;
      const auto failure =
          rd_kafka_metadata(handle_.get(), /*all_topics=*/1, nullptr, &found, kAskTimeoutMs);
      if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
        TopicSizes out;
        for (const rd_kafka_metadata_topic& told :
             std::span(found->topics, static_cast<size_t>(found->topic_cnt))) {
          const bool is_usable = told.err == RD_KAFKA_RESP_ERR_NO_ERROR && told.partition_cnt > 0;
          if (is_usable) out.emplace(told.topic, told.partition_cnt);
        }
        rd_kafka_metadata_destroy(found);
        return out;
      }
      if (Result<void> paused = question.pause_after(failure); !paused.ok()) {
        return std::move(paused).error().because("ask for the topics of kafka");
      }
    }
  }

  std::vector<DeliveryReport> poll(Duration limit) override {
    using std::chrono::milliseconds;
    const auto limit_ms = std::chrono::duration_cast<milliseconds>(limit).count();
    rd_kafka_poll(handle_.get(), static_cast<int>(limit_ms));
    return std::exchange(reports_, {});
  }

 private:
  using Partition = std::pair<rd_kafka_topic_t*, int32_t>;
  using Lanes = std::map<Partition, RequestLane>;

  Result<rd_kafka_topic_t*> topic_of(std::string_view name) {
    const auto known = topics_.find(name.empty() ? own_topic_ : name);
    if (known != topics_.end()) return known->second.get();
    const std::string text(name);
    Topic topic(rd_kafka_topic_new(handle_.get(), text.c_str(), nullptr), rd_kafka_topic_destroy);
    if (!topic) return error_of(rd_kafka_last_error()).because("open kafka topic {}", name);
    return topics_.emplace(text, std::move(topic)).first->second.get();
  }

  static Result<void> configure(rd_kafka_conf_t* conf, const ProducerOptions& options) {
    ASSIGN_OR_RETURN(const std::vector<ProducerSetting> settings, producer_settings(options));
    for (const auto& [name, value] : settings) TRY(set(conf, name, value));
    return set_properties(conf, options);
  }

  /// Hands over what the partition's next request takes, if its turn has come. What the client
  /// refuses is the end of all that comes behind it.
  std::optional<DeliveryReport> produce_request(Lanes::value_type& lane) REQUIRES(mutex_) {
    auto& [partition, queue] = lane;
    for (const RequestLane::Message& message : queue.take_request(request_limits_)) {
      const std::string_view key = message.key ? *message.key : std::string_view();
      // Without a flag the payload is neither copied nor freed.
      const int sent = rd_kafka_produce(partition.first, partition.second, /*msgflags=*/0,
                                        const_cast<char*>(message.payload.data()),
                                        message.payload.size(), message.key ? key.data() : nullptr,
                                        key.size(), reinterpret_cast<void*>(message.id));
      if (sent != 0) return DeliveryReport{message.id, error_of(rd_kafka_last_error())};
    }
    return std::nullopt;
  }

  static void on_report(rd_kafka_t* handle, const rd_kafka_message_t* message, void* opaque) {
    auto& self = *static_cast<RdProducer*>(opaque);
    DeliveryReport report{reinterpret_cast<uint64_t>(message->_private), std::nullopt};
    // A message whose first acknowledgement was lost has no offset: the broker knew it already.
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) report.error = error_of(message->err);
    // Behind a message that was given up nothing is sent any more: that would be a gap.
    const bool goes_on = !report.error;
    self.reports_.push_back(std::move(report));
    if (goes_on) self.go_on({message->rkt, message->partition});
    if (self.reports_.size() >= kReportsMax) rd_kafka_yield(handle);
  }

  /// The request behind the one of which `partition` has a report, if that was its last.
  void go_on(const Partition& partition) {
    MutexLock lock(mutex_);
    const auto lane = lanes_.find(partition);
    CHECK(lane != lanes_.end(), "a report from partition {}, to which nothing was sent",
          partition.second);
    lane->second.note_report();
    std::optional<DeliveryReport> refused = produce_request(*lane);
    if (refused) reports_.push_back(*std::move(refused));
  }

  static void on_error(rd_kafka_t* handle, int code, const char* text, void*) {
    char fatal[kErrorTextBytes] = "";
    if (code == RD_KAFKA_RESP_ERR__FATAL) rd_kafka_fatal_error(handle, fatal, sizeof fatal);
    log_warn("kafka client error",
             {{"code", rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(code))},
              {"text", text},
              {"fatal", fatal}});
  }

  Handle handle_{nullptr, rd_kafka_destroy};
  RequestLane::Limits request_limits_{};
  std::string own_topic_;
  std::map<std::string, Topic, std::less<>> topics_;
  std::vector<DeliveryReport> reports_;  ///< filled by poll()

  Mutex mutex_;
  Lanes lanes_ GUARDED_BY(mutex_);
};

}  // namespace

Result<std::unique_ptr<Producer>> open_producer(const ProducerOptions& options) {
  auto producer = std::make_unique<RdProducer>();
  TRY(producer->open(options));
  return std::unique_ptr<Producer>(std::move(producer));
}

namespace {

using LastMessage = Result<std::optional<Bytes>>;

// The offset behind the last message of partition 0; 0 when there is no message.
Result<int64_t> find_end(rd_kafka_t* consumer, const char* topic, const Patience& patience) {
  const Question question(patience);
  while (true) {
    int64_t low = 0;
    int64_t high = 0;
    const auto failure =
        rd_kafka_query_watermark_offsets(consumer, topic, 0, &low, &high, kAskTimeoutMs);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) return low == high ? 0 : high;
    if (failure == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
        failure == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      return 0;
    }
    TRY(question.pause_after(failure));
  }
}

// The same once it has stood still for `settle`.
Result<int64_t> find_settled_end(rd_kafka_t* consumer, const char* topic, Duration settle,
                                 const Patience& patience) {
  ASSIGN_OR_RETURN(int64_t end, find_end(consumer, topic, patience));
  if (settle == Duration::zero()) return end;
  const int64_t first_end = end;
  const TimePoint begun = patience.clock.now();
  TimePoint changed = begun;
  while (patience.clock.now() - changed < settle) {
    TRY(Question(patience).pause());
    ASSIGN_OR_RETURN(const int64_t next, find_end(consumer, topic, patience));
    if (next == end) continue;
    end = next;
    changed = patience.clock.now();
    if (changed - begun < kSettleMax) continue;
    return make_error(ErrorCode::kConflict,
                      "it still grows after {} s: another process writes to it",
                      std::chrono::duration_cast<std::chrono::seconds>(kSettleMax).count());
  }
  const auto waited =
      std::chrono::duration_cast<std::chrono::milliseconds>(patience.clock.now() - begun);
  log_info("waited for what a killed process may have sent to the topic last",
           {{"topic", topic}, {"ms", waited.count()}, {"messages", end - first_end}});
  return end;
}

LastMessage read_at(rd_kafka_topic_t* topic, const Patience& patience) {
  const Question question(patience);
  while (true) {
    const std::unique_ptr<rd_kafka_message_t, decltype(&rd_kafka_message_destroy)> message(
        rd_kafka_consume(topic, 0, kAskTimeoutMs), rd_kafka_message_destroy);
    if (message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      return std::optional<Bytes>(Bytes(static_cast<const char*>(message->payload), message->len));
    }
    TRY(question.pause_after(message ? message->err : RD_KAFKA_RESP_ERR__TIMED_OUT));
  }
}

LastMessage read_last(rd_kafka_t* consumer, const char* name, Duration settle,
                      const Patience& patience) {
  ASSIGN_OR_RETURN(const int64_t end, find_settled_end(consumer, name, settle, patience));
  if (end == 0) return std::optional<Bytes>();
  const RdProducer::Topic topic(rd_kafka_topic_new(consumer, name, nullptr),
                                rd_kafka_topic_destroy);
  if (!topic || rd_kafka_consume_start(topic.get(), 0, end - 1) != 0) {
    return error_of(rd_kafka_last_error());
  }
  LastMessage message = read_at(topic.get(), patience);
  rd_kafka_consume_stop(topic.get(), 0);
  if (!message.ok()) return std::move(message).error().because("offset {}", end - 1);
  return message;
}

}  // namespace

Result<std::optional<Bytes>> read_last_message(const ProducerOptions& options, Duration settle,
                                               const Patience& patience) {
  Conf conf(rd_kafka_conf_new(), rd_kafka_conf_destroy);
  TRY(set(conf.get(), "bootstrap.servers", options.brokers));
  TRY(set(conf.get(), "client.id", options.client_id));
  TRY(set(conf.get(), "fetch.message.max.bytes", std::to_string(kMessageBytesMax)));
  TRY(set(conf.get(), "receive.message.max.bytes", std::to_string(INT32_MAX)));
  TRY(set_properties(conf.get(), options));
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  char text[kErrorTextBytes];
  const RdProducer::Handle consumer(rd_kafka_new(RD_KAFKA_CONSUMER, conf.get(), text, sizeof text),
                                    rd_kafka_destroy);
  if (!consumer) return make_error(ErrorCode::kInvalid, "create kafka consumer: {}", text);
  (void)conf.release();
  LastMessage message = read_last(consumer.get(), options.topic.c_str(), settle, patience);
  if (message.ok()) return message;
  return std::move(message).error().because("read back kafka topic {}", options.topic);
}

}  // namespace drainer::kafka
