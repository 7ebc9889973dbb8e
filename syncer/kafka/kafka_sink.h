#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "conf/options.h"
#include "drainer/base/clock.h"
#include "drainer/base/queue.h"
#include "drainer/base/result.h"
#include "syncer/kafka/ack_window.h"
#include "syncer/kafka/event_writer.h"
#include "syncer/kafka/message.h"
#include "syncer/kafka/producer.h"
#include "syncer/sink.h"

namespace drainer::kafka {

struct KafkaSinkOptions {
  DownstreamOptions to;
  uint64_t cluster_id = 0;
  std::string topic;    ///< for what belongs to no topic of its own
  CommitTs checkpoint;  ///< where this run starts
  /// An earlier run may have been killed: its last requests may still reach the topic (read-back).
  bool may_still_grow = false;
  /// What the topic holds already: not sent again (read-back).
  CommitTs sent_before{0};
  /// No acknowledgement for this long, while messages wait for one, ends the sink.
  Duration ack_timeout = std::chrono::seconds(30);
  /// How long close() waits for acknowledgements.
  Duration flush_timeout = std::chrono::seconds(10);
};

/// The output db-type = "kafka": one message per transaction to partition 0 of a topic, in
/// commit-ts order (spec/kafka-and-file-sinks.md 1, 2); or the events of a JSON format.
///
/// Progress is what the brokers have acknowledged together with all before it. A message that
/// cannot be delivered ends the sink; none is ever skipped. Threads as in Sink; of its own one
/// encodes and sends, one takes the acknowledgements.
class KafkaSink final : public Sink {
 public:
  /// Checks the settings, and asks ZooKeeper for the brokers where so configured. `clock` must
  /// outlive the sink.
  static Result<std::unique_ptr<KafkaSink>> open(KafkaSinkOptions options, Clock& clock,
                                                 const StopToken& stop);
  /// With a producer that is ready; open() and tests use it.
  KafkaSink(KafkaSinkOptions options, tidb::TimeZone zone, std::unique_ptr<Producer> producer,
            Clock& clock);

  void note_tables(const schema::Schema& schema, const schema::TableFilter& filter) override;
  void start(ThreadGroup& threads) override;
  Result<void> submit(Txn txn, const StopToken& stop) override;
  void close() override { input_.close(); }
  std::optional<Applied> next_applied(const StopToken& stop) override { return applied_.pop(stop); }
  CommitTs resume_from(CommitTs checkpoint) const override { return checkpoint; }
  bool wants_ddl_before_rows() const override { return false; }
  const tidb::TimeZone& time_zone() const override { return zone_; }

 private:
  Result<void> send_all(const StopToken& stop);
  Result<void> find_topics_in_use(const StopToken& stop);
  Result<void> send(const Txn& txn, const StopToken& stop);
  Result<void> send_message(const Txn& txn, const Applied& applied, const StopToken& stop);
  Result<void> send_events(const Txn& txn, const Applied& applied, const StopToken& stop);
  Result<void> send_last_watermarks(const StopToken& stop);
  Applied known_progress() const;
  Result<void> send_event(const EventMessage& event, CommitTs commit_ts, const Applied& before,
                          const StopToken& stop);
  Result<void> take_reports(const StopToken& stop);
  Result<void> take(const DeliveryReport& delivery);
  Result<void> check_progress(const AckWindow::State& state) const;
  Result<void> report(const StopToken& stop);
  Error delivery_failed(const Error& cause, CommitTs commit_ts, size_t size_bytes) const;

  const KafkaSinkOptions options_;
  const tidb::TimeZone zone_;
  Clock& clock_;
  BoundedQueue<Txn> input_;
  BoundedQueue<Applied> applied_;
  std::atomic<bool> has_send_failed_ = false;
  AckWindow window_;
  const std::unique_ptr<Producer> producer_;  ///< sends out of the window: goes before it
  CommitTs submitted_;                        ///< syncer's thread
  std::vector<schema::TableName> tables_;     ///< replicated at the start; set before it

  // Sending thread.
  MessageWriter messages_{zone_};
  ReverseWriter buffer_;
  StopToken send_stop_;
  std::unique_ptr<EventWriter> events_;  ///< only for the JSON formats
  Applied last_sent_;                    ///< of the transaction before
};

}  // namespace drainer::kafka
