#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "syncer/kafka/event_format.h"
#include "syncer/kafka/event_router.h"
#include "syncer/kafka/event_table.h"

namespace drainer::kafka {

/// A message on its way out.
struct EventMessage {
  Destination to;
  std::optional<std::string> key;
  std::string value;
};

/// Turns transactions into the messages of a JSON format, one after the other, so that a large one
/// never is in memory as a whole. One thread.
///
/// An update that changes a column of a primary or unique key is a delete and an insert. With
/// transaction markers, each partition that has rows of a transaction has a begin before and an end
/// behind them.
class EventWriter {
 public:
  using Send = std::function<Result<void>(EventMessage)>;

  EventWriter(const KafkaOptions& options, std::unique_ptr<EventFormat> format, EventRouter router,
              const Clock& clock)
      : options_(options), format_(std::move(format)), router_(std::move(router)), clock_(clock) {}

  /// True where watermarks also go to topics that nothing has been sent to: add_topics_in_use() is
  /// to tell them before the first write().
  bool wants_topics_in_use() const;
  void add_topics_in_use(std::span<const schema::TableName> tables, const TopicSizes& existing) {
    router_.add_topics_in_use(tables, existing);
  }

  /// Calls `send` for each message of `txn`; then, when it is time, for the watermarks.
  Result<void> write(const Txn& txn, const Send& send);
  /// Nothing follows: the watermarks of the last transaction, if they have not been sent yet.
  Result<void> finish(const Send& send);

 private:
  Result<void> write_ddl(const Txn& txn, const Send& send);
  Result<void> write_rows(const Txn& txn, const Send& send);
  Result<void> write_markers(const Txn& txn, bool is_end, const Send& send);
  Result<void> count_rows(const Txn& txn);
  bool is_time_for_watermarks() const;
  Result<void> write_watermarks(const Send& send);
  Result<void> for_each_event(const Txn& txn,
                              const std::function<Result<void>(const RowEvent&)>& call);
  /// The message key that the settings or else the format ask for.
  Result<std::optional<std::string>> key_of(const RowEvent& row);
  Result<void> flush(const Send& send);

  const KafkaOptions options_;
  const std::unique_ptr<EventFormat> format_;
  EventRouter router_;
  const Clock& clock_;
  EventTables tables_;
  std::optional<TimePoint> last_watermark_;
  CommitTs written_;       ///< the last transaction
  CommitTs watermark_ts_;  ///< of the last watermarks

  // Of the transaction at hand.
  std::map<Destination, size_t> rows_by_destination_;
  std::vector<RowEvent> pending_;  ///< of one table, kind, destination, key and set of columns
  Destination pending_to_;
  std::optional<std::string> pending_key_;
};

}  // namespace drainer::kafka
