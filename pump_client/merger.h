#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "drainer/base/deque.h"
#include "drainer/base/ids.h"
#include "drainer/base/mutex.h"
#include "drainer/base/queue.h"
#include "drainer/tidb/binlog_item.h"

namespace drainer {

/// Joins the streams of all pumps into one, ordered by commit ts (spec/upstream-protocols.md 2.8).
///
/// An item leaves only when every known pump has one waiting: a silent pump holds back all. Nothing
/// leaves before the first set_sources(), so that the first complete list of pumps is in (FIX 2.8).
/// Any thread may call; each pump offers from one thread, one thread takes.
class Merger {
 public:
  /// `start` is the commit ts after which to go on; `per_pump` bounds what waits for each pump, and
  /// all of them together share `all_pumps_bytes` evenly.
  Merger(CommitTs start, QueueLimits per_pump, size_t all_pumps_bytes = SIZE_MAX)
      : per_pump_max_(per_pump),
        all_pumps_bytes_(all_pumps_bytes),
        per_pump_(per_pump),
        last_taken_(start) {}

  /// Makes `pumps` the set of sources at once. What waits of a removed one still leaves in its
  /// order, but nobody waits for more of it.
  void set_sources(const std::vector<PumpId>& pumps) EXCLUDES(mutex_);

  /// Takes the items of a pump that arrived together. Blocks while the pump's share is full. False
  /// when `stop` came first or the pump is no source (any more); what it had not taken by then is
  /// lost to us and must be pulled again.
  [[nodiscard]] bool offer(const PumpId& pump, std::vector<tidb::BinlogItem> items,
                           const StopToken& stop) EXCLUDES(mutex_);

  /// The item with the smallest commit ts, above all before. An item at the last commit ts again is
  /// dropped with a warning, a smaller one with an error and a count, a fake one, which carries
  /// nothing, without a word. Empty on `stop`.
  [[nodiscard]] std::optional<tidb::BinlogItem> take(const StopToken& stop) EXCLUDES(mutex_);

  /// The latest commit ts that left.
  CommitTs last_taken() const EXCLUDES(mutex_);
  /// Where the stream of `pump` has to start: behind the last item that it has offered, also if it
  /// has been removed since; a new pump behind the latest commit ts that left.
  CommitTs start_of(const PumpId& pump) const EXCLUDES(mutex_);
  /// A pump which has nothing waiting and so holds the others back; none when all have, or no
  /// source is known. For the log.
  std::optional<PumpId> waiting_for() const EXCLUDES(mutex_);

 private:
  struct Source {
    Deque<tidb::BinlogItem> items = {};
    size_t bytes = 0;
    CommitTs last_offered;
    bool has_left = false;  ///< removed; kept for its items and its position

    bool is_waited_for() const { return items.empty() && !has_left; }
  };

  bool has_room(const Source& source, size_t size_bytes) const REQUIRES(mutex_);
  bool is_complete() const REQUIRES(mutex_);
  /// Of the sources that have an item waiting; there must be one.
  std::map<PumpId, Source>::iterator find_smallest() REQUIRES(mutex_);
  tidb::BinlogItem take_from(Source& source) REQUIRES(mutex_);

  const QueueLimits per_pump_max_;
  const size_t all_pumps_bytes_;

  mutable Mutex mutex_;
  CondVar offered_;
  CondVar taken_;
  QueueLimits per_pump_ GUARDED_BY(mutex_);
  std::map<PumpId, Source> sources_ GUARDED_BY(mutex_);
  CommitTs last_taken_ GUARDED_BY(mutex_);
};

}  // namespace drainer
