#pragma once

#include <optional>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/mutex.h"
#include "tests/upstream/capture.h"
#include "tests/upstream/feed.h"
#include "tests/upstream/row_shift.h"

namespace drainer::upstream {

/// How fast the pumps come by their records.
struct Pace {
  enum class Mode : uint8_t { kFast, kRate, kRowRate, kRecorded };
  Mode mode = Mode::kFast;
  /// Of kRate transactions, of kRowRate row changes; all pumps together. What falls into the same
  /// millisecond comes at its end: a pump writes its log in batches, too.
  double per_s = 0;
};

/// A recorded feed: the capture's records dealt to pumps, repeated with rising timestamps, and
/// paced. Views the capture, which must outlive it. Any thread.
///
/// Repetition r > 0 has its timestamps r periods later and its keys moved (RowShift); it leaves
/// out DDL, fakes and transactions that touch a table whose rows cannot be moved.
class PumpFeed final : public Feed {
 public:
  struct Options {
    size_t pumps = 0;  ///< 0 is as recorded
    Pace pace{};
    int64_t repeat = 1;
    /// Repetitions are made before the first pull and kept, so that they cost no time later.
    bool is_prepared = false;
  };

  /// `shift` may be null when nothing is repeated.
  PumpFeed(const Capture& capture, Options options, const RowShift* shift, Clock& clock);

  size_t pumps() const override { return pumps_.size(); }
  int64_t transactions() const override;
  CommitTs end_ts() const override;
  CommitTs until_ts() const override;

  Position seek(size_t pump, int64_t offset) const override;
  bool at_end(size_t pump, const Position& position) const override;
  Item item(size_t pump, const Position& position) const override;
  void advance(size_t pump, Position& position) const override;

  void start() override EXCLUDES(mutex_);
  TimePoint due(size_t pump, const Position& position) const override EXCLUDES(mutex_);
  std::optional<int64_t> fake_ts(size_t pump, const Position& position, int64_t last) const override
      EXCLUDES(mutex_);
  std::optional<int64_t> fake_ts_at_end(size_t /*pump*/, const Position& /*position*/,
                                        Tso& tso) const override {
    return tso.next().value;
  }

 private:
  struct Entry {
    Record record;
    int64_t rank = 0;         ///< what the pace counts before this one, over all pumps
    int64_t repeat_rank = 0;  ///< the same among those that are repeated
  };
  struct Pump {
    std::vector<Entry> entries;    // first repetition, by commit ts
    std::vector<size_t> repeated;  // indexes of those that come again
    std::vector<Bytes> prepared;   // moved ones of all further repetitions; may be empty
  };

  const Entry& entry(size_t pump, const Position& position) const;
  size_t size(size_t pump, int64_t repetition) const;
  bool is_served(const Record& record) const;
  void settle(size_t pump, Position& position) const;
  void deal(const Capture& capture, size_t pumps);
  void rank();
  void prepare();
  Bytes moved(const Record& record, int64_t repetition) const;
  int64_t weight_of(const Record& record) const;
  int64_t shifted(int64_t ts, int64_t repetition) const { return ts + repetition * period_; }
  bool is_commit_ts(int64_t ts) const;
  TimePoint start_time() const EXCLUDES(mutex_);

  Clock& clock_;
  const Pace pace_;
  const int64_t repeat_;
  const RowShift* shift_;
  const CommitTs from_ts_;
  const CommitTs until_ts_;
  int64_t last_ts_ = 0;  // of the first repetition
  int64_t period_ = 0;
  std::vector<Pump> pumps_;
  std::vector<int64_t> commits_;           // of transactions, all pumps, rising
  std::vector<int64_t> repeated_commits_;  // of those that come again
  int64_t weight_ = 0;                     // what the pace counts in the first repetition
  int64_t repeated_weight_ = 0;            // and in each further one

  mutable Mutex mutex_;
  std::optional<TimePoint> started_ GUARDED_BY(mutex_);
};

}  // namespace drainer::upstream
