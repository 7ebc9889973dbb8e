#include "syncer/kafka/kafka_sink.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "drainer/base/log.h"
#include "drainer/schema/schema.h"
#include "drainer/schema/table_filter.h"
#include "syncer/kafka/broker_lookup.h"

namespace drainer::kafka {

namespace {

constexpr QueueLimits kInputLimits{.items = 4096, .bytes = 8u << 20};
constexpr QueueLimits kAppliedLimits{.items = 1024, .bytes = 1024};
// Nothing has reached the topic for so long: what a killed process sent last is there.
constexpr Duration kSettle = std::chrono::seconds(3);
constexpr Duration kPollLimit = std::chrono::milliseconds(100);

// "0.x.y.z" or "x.y.z". Only the form counts: the client asks the brokers what they can do.
bool is_version(std::string_view text) {
  int numbers = 0;
  const bool is_old = text.starts_with("0.");
  while (true) {
    const size_t dot = std::min(text.find('.'), text.size());
    const std::string_view number = text.substr(0, dot);
    if (number.empty() || !std::all_of(number.begin(), number.end(),
                                       [](unsigned char c) { return std::isdigit(c) != 0; })) {
      return false;
    }
    ++numbers;
    if (dot == text.size()) break;
    text.remove_prefix(dot + 1);
  }
  return numbers == (is_old ? 4 : 3);
}

bool is_client_id(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
  });
}

// The commit ts up to which the topic holds all: messages lie in it in order.
Result<CommitTs> read_back(const ProducerOptions& options, Duration settle,
                           const Patience& patience) {
  ASSIGN_OR_RETURN(const std::optional<Bytes> last, read_last_message(options, settle, patience));
  if (!last) return CommitTs(0);
  const std::optional<CommitTs> ts = find_commit_ts(*last);
  if (!ts) {
    return make_error(ErrorCode::kCorrupt,
                      "the last message of kafka topic {} is no binlog: it cannot tell where to go "
                      "on; turn off syncer.to.kafka.read-back, or name another topic",
                      options.topic);
  }
  log_info("read back the last message of the topic, nothing up to it is sent again",
           {{"topic", options.topic}, {"commit ts", *ts}});
  return *ts;
}

}  // namespace

Result<std::unique_ptr<KafkaSink>> KafkaSink::open(KafkaSinkOptions options, Clock& clock,
                                                   const StopToken& stop) {
  const DownstreamOptions& to = options.to;
  if (!is_version(to.kafka_version)) {
    return make_error(ErrorCode::kInvalid, "invalid version `{}`", to.kafka_version)
        .because("syncer.to.kafka-version");
  }
  if (!is_client_id(to.kafka_client_id)) {
    return make_error(ErrorCode::kInvalid, "ClientID is invalid")
        .because("syncer.to.kafka-client-id \"{}\"", to.kafka_client_id);
  }
  ASSIGN_OR_RETURN(tidb::TimeZone zone, tidb::TimeZone::local());
  ProducerOptions producer_options{.brokers = to.kafka_addrs,
                                   .topic = to.topic_name.empty()
                                                ? fmt::format("{}_obinlog", options.cluster_id)
                                                : to.topic_name,
                                   .client_id = to.kafka_client_id,
                                   .messages_per_request_max = to.kafka_max_messages,
                                   .message_bytes_max = to.kafka_max_message_size,
                                   .properties = to.kafka.properties};
  if (!to.zookeeper_addrs.empty()) {
    ASSIGN_OR_RETURN(producer_options.brokers, find_brokers(to.zookeeper_addrs, clock, stop));
  }
  log_info("get producer",
           {{"brokers", producer_options.brokers}, {"topic", producer_options.topic}});
  options.ack_timeout = std::chrono::seconds(to.kafka.ack_timeout_s);
  options.topic = producer_options.topic;
  if (to.kafka.read_back) {
    const Duration settle = options.may_still_grow ? kSettle : Duration::zero();
    const Patience patience{.clock = clock, .stop = stop, .limit = options.ack_timeout};
    ASSIGN_OR_RETURN(options.sent_before, read_back(producer_options, settle, patience));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<Producer> producer, open_producer(producer_options));
  return std::make_unique<KafkaSink>(std::move(options), std::move(zone), std::move(producer),
                                     clock);
}

KafkaSink::KafkaSink(KafkaSinkOptions options, tidb::TimeZone zone,
                     std::unique_ptr<Producer> producer, Clock& clock)
    : options_(std::move(options)),
      zone_(std::move(zone)),
      clock_(clock),
      input_(kInputLimits),
      applied_(kAppliedLimits),
      window_(clock),
      producer_(std::move(producer)),
      submitted_(options_.checkpoint) {
  last_sent_.commit_ts = options_.checkpoint;
  const KafkaOptions& kafka = options_.to.kafka;
  if (kafka.protocol == KafkaProtocol::kBinlog) return;
  EventFormatOptions format{.zone = &zone_,
                            .tidb_extension = kafka.tidb_extension,
                            .cluster_id = std::to_string(options_.cluster_id)};
  events_ = std::make_unique<EventWriter>(
      kafka,
      kafka.protocol == KafkaProtocol::kCanalJson ? make_canal_json(std::move(format))
                                                  : make_debezium(std::move(format)),
      EventRouter(kafka, options_.topic, zone_,
                  [this](const std::string& topic) {
                    return producer_->count_partitions(
                        topic,
                        {.clock = clock_, .stop = send_stop_, .limit = options_.ack_timeout});
                  }),
      clock_);
}

void KafkaSink::note_tables(const schema::Schema& schema, const schema::TableFilter& filter) {
  if (!events_ || !events_->wants_topics_in_use()) return;
  for (const auto& [id, table] : schema.tables()) {
    if (!filter.skips(table->name)) tables_.push_back(table->name);
  }
}

void KafkaSink::start(ThreadGroup& threads) {
  threads.start("kafka:send", [this](const StopToken& stop) {
    Result<void> result = send_all(stop);
    // The reason must be told first: what is not acknowledged because of it is no news.
    has_send_failed_ = !result.ok() && result.error().code() != ErrorCode::kStopped;
    window_.close();
    return result;
  });
  threads.start("kafka:acks", [this](const StopToken& stop) {
    Result<void> result = take_reports(stop);
    applied_.close();
    return result;
  });
}

Result<void> KafkaSink::submit(Txn txn, const StopToken& stop) {
  CHECK(txn.commit_ts > submitted_, "commit ts {} after {}", txn.commit_ts, submitted_);
  submitted_ = txn.commit_ts;
  const size_t size_bytes = txn.size_bytes();
  if (!input_.push(std::move(txn), size_bytes, stop)) {
    return stopped();
  }
  return {};
}

Result<void> KafkaSink::send_all(const StopToken& stop) {
  send_stop_ = stop;
  TRY(find_topics_in_use(stop));
  while (const std::optional<Txn> txn = input_.pop(stop)) TRY(send(*txn, stop));
  return send_last_watermarks(stop);
}

// What an earlier run has sent is waiting for watermarks, which only topics in use get.
Result<void> KafkaSink::find_topics_in_use(const StopToken& stop) {
  if (tables_.empty()) return {};
  ASSIGN_OR_RETURN(
      const TopicSizes existing,
      producer_->list_topics({.clock = clock_, .stop = stop, .limit = options_.ack_timeout}));
  events_->add_topics_in_use(tables_, existing);
  return {};
}

// Who reads does not wait for the next start to apply the last rows.
Result<void> KafkaSink::send_last_watermarks(const StopToken& stop) {
  if (!events_ || stop.stop_requested()) return {};
  return events_->finish([&](const EventMessage& event) {
    return send_event(event, last_sent_.commit_ts, known_progress(), stop);
  });
}

// A message that ends no transaction is no progress.
Applied KafkaSink::known_progress() const {
  Applied out = last_sent_;
  out.rows = 0;
  out.is_ddl = false;
  return out;
}

Result<void> KafkaSink::send(const Txn& txn, const StopToken& stop) {
  const Applied applied{.commit_ts = txn.commit_ts,
                        .schema_version = txn.schema_version,
                        .is_ddl = txn.is_ddl(),
                        .rows = txn.rows.size()};
  Result<void> sent = events_ ? send_events(txn, applied, stop) : send_message(txn, applied, stop);
  last_sent_ = applied;
  return sent;
}

Result<void> KafkaSink::send_message(const Txn& txn, const Applied& applied,
                                     const StopToken& stop) {
  const bool is_known = txn.commit_ts <= options_.sent_before;
  if (is_known || !txn.has_message()) {
    window_.add_progress(applied);
    return {};
  }
  TRY(messages_.put(buffer_, txn));
  const size_t size_bytes = buffer_.size();
  if (!window_.wait_for_room(size_bytes, stop)) {
    return stopped();
  }
  const AckWindow::Sent sent = window_.add(txn.commit_ts, applied, buffer_.take());
  Result<void> queued = producer_->send(sent.id, {.payload = sent.payload});
  if (!queued.ok()) return delivery_failed(queued.error(), txn.commit_ts, size_bytes);
  return {};
}

Result<void> KafkaSink::send_events(const Txn& txn, const Applied& applied, const StopToken& stop) {
  const Applied before = known_progress();
  TRY(events_->write(txn, [&](const EventMessage& event) {
    return send_event(event, txn.commit_ts, before, stop);
  }));
  window_.add_progress(applied);
  return {};
}

Result<void> KafkaSink::send_event(const EventMessage& event, CommitTs commit_ts,
                                   const Applied& before, const StopToken& stop) {
  const size_t size_bytes = event.value.size();
  if (!window_.wait_for_room(size_bytes, stop)) {
    return stopped();
  }
  auto copy = std::make_unique_for_overwrite<char[]>(size_bytes);
  std::copy(event.value.begin(), event.value.end(), copy.get());
  const AckWindow::Sent sent =
      window_.add(commit_ts, before, OwnedBytes(std::move(copy), 0, size_bytes));
  Result<void> queued = producer_->send(
      sent.id, {.payload = sent.payload,
                .topic = event.to.topic,
                .partition = event.to.partition,
                .key = event.key ? std::optional<std::string_view>(*event.key) : std::nullopt});
  if (!queued.ok()) return delivery_failed(queued.error(), commit_ts, size_bytes);
  return {};
}

Result<void> KafkaSink::take_reports(const StopToken& stop) {
  std::optional<TimePoint> flush_deadline;
  while (true) {
    for (const DeliveryReport& delivery : producer_->poll(kPollLimit)) TRY(take(delivery));
    const AckWindow::State state = window_.state();
    TRY(report(stop));
    if (state.is_closed && (state.unacked_count == 0 || has_send_failed_)) return {};
    if (!state.is_closed && !stop.stop_requested()) {
      TRY(check_progress(state));
      continue;
    }
    // FIX: the original may wait here for more than an hour.
    if (!flush_deadline) flush_deadline = clock_.now() + options_.flush_timeout;
    if (clock_.now() < *flush_deadline) continue;
    return make_error(ErrorCode::kTimeout,
                      "{} messages from commit ts {} on are not acknowledged by kafka; they will "
                      "be sent again",
                      state.unacked_count, state.oldest.value_or(CommitTs()));
  }
}

Result<void> KafkaSink::take(const DeliveryReport& delivery) {
  if (delivery.error) {
    return delivery_failed(*delivery.error, window_.commit_ts_of(delivery.id),
                           window_.size_of(delivery.id));
  }
  window_.acknowledge(delivery.id);
  return {};
}

Result<void> KafkaSink::check_progress(const AckWindow::State& state) const {
  if (state.unacked_count == 0 || clock_.now() - state.last_progress <= options_.ack_timeout) {
    return {};
  }
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(options_.ack_timeout).count();
  return make_error(ErrorCode::kTimeout,
                    "fail to push msg to kafka after {}s, check if kafka is up and working",
                    seconds)
      .because("commit ts {}", state.oldest.value_or(CommitTs()));
}

Result<void> KafkaSink::report(const StopToken& stop) {
  const std::optional<Applied> applied = window_.take_complete();
  if (!applied || applied_.push(*applied, 1, stop)) return {};
  return stopped();
}

Error KafkaSink::delivery_failed(const Error& cause, CommitTs commit_ts, size_t size_bytes) const {
  constexpr std::string_view kText =
      "fail to produce message to kafka, please check the state of kafka server";
  log_fatal(kText, {{"commit ts", commit_ts}, {"message bytes", size_bytes}, {"error", cause}});
  if (cause.code() == ErrorCode::kInvalid) {
    return Error(cause).because(
        "{}: the message of commit ts {} has {} bytes; raise the limits of the brokers and "
        "`kafka-max-message-size`, or add the commit ts to `ignore-txn-commit-ts`",
        kText, commit_ts, size_bytes);
  }
  return Error(cause).because("{}: commit ts {}", kText, commit_ts);
}

}  // namespace drainer::kafka
