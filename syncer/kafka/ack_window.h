#pragma once

#include <cstdint>
#include <optional>

#include "drainer/base/clock.h"
#include "drainer/base/deque.h"
#include "drainer/base/mutex.h"
#include "drainer/base/reverse_writer.h"
#include "syncer/sink.h"

namespace drainer::kafka {

/// Number of a message in send order.
using MessageId = uint64_t;

/// The messages that the brokers have not acknowledged yet; turns acknowledgements, which may come
/// in any order, into progress in send order (spec/kafka-and-file-sinks.md 2.3).
///
/// Keeps the payloads, so that the producer can send them from where they lie. Any thread, but one
/// adds and one takes.
class AckWindow {
 public:
  /// Limit of what is on its way; a single larger message passes when it is alone.
  static constexpr size_t kBytesMax = 8u << 20;

  explicit AckWindow(const Clock& clock) : clock_(clock) {}

  /// Blocks until `size_bytes` more fit. False when `stop` came first.
  ///
  /// FIX: the message itself does not count as one of the others that it waits for.
  [[nodiscard]] bool wait_for_room(size_t size_bytes, const StopToken& stop) EXCLUDES(mutex_);

  struct Sent {
    MessageId id;
    ByteView payload;  ///< stays where it is until the message is acknowledged
  };
  /// A message of the transaction `commit_ts`; `applied` is what holds once it and all before it
  /// are acknowledged: not the transaction itself, while more of its messages follow.
  Sent add(CommitTs commit_ts, const Applied& applied, OwnedBytes payload) EXCLUDES(mutex_);
  /// Progress without a message: complete when all before it are.
  void add_progress(const Applied& applied) EXCLUDES(mutex_);

  void acknowledge(MessageId id) EXCLUDES(mutex_);
  /// All that has become complete since the last call, as one; nothing if there is nothing.
  std::optional<Applied> take_complete() EXCLUDES(mutex_);

  struct State {
    size_t unacked_count = 0;
    size_t unacked_bytes = 0;
    std::optional<CommitTs> oldest;  ///< commit ts of the first message that lacks
    TimePoint last_progress{};       ///< last acknowledgement, or when the window filled
    bool is_closed = false;
  };
  State state() const EXCLUDES(mutex_);
  /// Commit ts of a message that is not acknowledged.
  CommitTs commit_ts_of(MessageId id) const EXCLUDES(mutex_);
  size_t size_of(MessageId id) const EXCLUDES(mutex_);

  /// Nothing will be added any more.
  void close() EXCLUDES(mutex_);

 private:
  struct Entry {
    CommitTs commit_ts;
    Applied applied;
    OwnedBytes payload;
    bool is_acked;
  };

  const Entry& entry_of(MessageId id) const REQUIRES(mutex_);

  const Clock& clock_;
  mutable Mutex mutex_;
  CondVar acked_;
  Deque<Entry> entries_ GUARDED_BY(mutex_);
  MessageId first_id_ GUARDED_BY(mutex_) = 0;
  State state_ GUARDED_BY(mutex_);
};

}  // namespace drainer::kafka
