#include "tests/upstream/pump_feed.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "drainer/tidb/binlog_view.h"

namespace drainer::upstream {

namespace {

constexpr int64_t kPhysicalUnit = int64_t{1} << 18;

/// Row changes of a transaction; a DDL counts as one.
int64_t rows_of(const Record& record) {
  const auto binlog = tidb::parse_binlog(record.payload);
  if (!binlog.ok()) return 1;
  const auto prewrite = tidb::parse_prewrite(binlog->prewrite_value);
  if (!prewrite.ok()) return 1;
  size_t rows = 0;
  for (const auto& mutation : prewrite->mutations) rows += mutation.sequence.size();
  return std::max<int64_t>(static_cast<int64_t>(rows), 1);
}

/// What lies before each commit ts, which are rising once sorted.
class Ranks {
 public:
  explicit Ranks(std::vector<std::pair<int64_t, int64_t>> weights) : sums_(std::move(weights)) {
    std::sort(sums_.begin(), sums_.end());
    for (auto& [commit_ts, weight] : sums_) weight = std::exchange(total_, total_ + weight);
  }
  int64_t before(int64_t commit_ts) const {
    const auto at = std::lower_bound(sums_.begin(), sums_.end(), std::pair(commit_ts, INT64_MIN));
    return at == sums_.end() ? total_ : at->second;
  }
  int64_t total() const { return total_; }

 private:
  std::vector<std::pair<int64_t, int64_t>> sums_;  ///< commit ts, weight of all before
  int64_t total_ = 0;
};

}  // namespace

PumpFeed::PumpFeed(const Capture& capture, Options options, const RowShift* shift, Clock& clock)
    : clock_(clock),
      pace_(options.pace),
      repeat_(options.repeat),
      shift_(shift),
      from_ts_(capture.from_ts),
      until_ts_(capture.until_ts) {
  deal(capture, options.pumps == 0 ? capture.tapes.size() : options.pumps);
  rank();
  last_ts_ = std::max(capture.meta_ts.value, capture.until_ts.value);
  for (const Pump& pump : pumps_) {
    if (!pump.entries.empty()) {
      last_ts_ = std::max(last_ts_, pump.entries.back().record.commit_ts);
    }
  }
  period_ = (last_ts_ - from_ts_.value + kPhysicalUnit) / kPhysicalUnit * kPhysicalUnit;
  if (options.is_prepared) prepare();
}

void PumpFeed::prepare() {
  for (Pump& pump : pumps_) {
    pump.prepared.reserve(static_cast<size_t>(repeat_ - 1) * pump.repeated.size());
    for (int64_t repetition = 1; repetition < repeat_; ++repetition) {
      for (const size_t index : pump.repeated) {
        pump.prepared.push_back(moved(pump.entries[index].record, repetition));
      }
    }
  }
}

Bytes PumpFeed::moved(const Record& record, int64_t repetition) const {
  return shift_->move(record, repetition * period_, repetition);
}

void PumpFeed::deal(const Capture& capture, size_t pumps) {
  pumps_.resize(pumps);
  const bool as_recorded = pumps == capture.tapes.size();
  for (size_t tape = 0; tape < capture.tapes.size(); ++tape) {
    for (const Record& record : capture.tapes[tape].records) {
      if (as_recorded) {
        pumps_[tape].entries.push_back({.record = record});
      } else if (record.is_fake()) {
        for (Pump& pump : pumps_) pump.entries.push_back({.record = record});
      } else {
        pumps_[static_cast<uint64_t>(record.start_ts) % pumps].entries.push_back(
            {.record = record});
      }
    }
  }
  const auto by_commit_ts = [](const Entry& a, const Entry& b) {
    return a.record.commit_ts < b.record.commit_ts;
  };
  for (Pump& pump : pumps_) {
    std::stable_sort(pump.entries.begin(), pump.entries.end(), by_commit_ts);
    for (size_t i = 0; i < pump.entries.size(); ++i) {
      const Record& record = pump.entries[i].record;
      if (repeat_ > 1 && !record.is_fake() && shift_->can_move(record)) pump.repeated.push_back(i);
    }
  }
}

int64_t PumpFeed::weight_of(const Record& record) const {
  return pace_.mode == Pace::Mode::kRowRate ? rows_of(record) : 1;
}

void PumpFeed::rank() {
  std::vector<std::pair<int64_t, int64_t>> weights;
  std::vector<std::pair<int64_t, int64_t>> repeated_weights;
  for (const Pump& pump : pumps_) {
    for (const Entry& entry : pump.entries) {
      if (entry.record.is_fake()) continue;
      commits_.push_back(entry.record.commit_ts);
      weights.emplace_back(entry.record.commit_ts, weight_of(entry.record));
    }
    for (const size_t index : pump.repeated) {
      const Record& record = pump.entries[index].record;
      repeated_commits_.push_back(record.commit_ts);
      repeated_weights.emplace_back(record.commit_ts, weight_of(record));
    }
  }
  std::sort(commits_.begin(), commits_.end());
  std::sort(repeated_commits_.begin(), repeated_commits_.end());
  const Ranks ranks(std::move(weights));
  const Ranks repeated_ranks(std::move(repeated_weights));
  weight_ = ranks.total();
  repeated_weight_ = repeated_ranks.total();
  for (Pump& pump : pumps_) {
    for (Entry& entry : pump.entries) {
      entry.rank = ranks.before(entry.record.commit_ts);
      entry.repeat_rank = repeated_ranks.before(entry.record.commit_ts);
    }
  }
}

int64_t PumpFeed::transactions() const {
  return static_cast<int64_t>(commits_.size()) +
         (repeat_ - 1) * static_cast<int64_t>(repeated_commits_.size());
}

CommitTs PumpFeed::end_ts() const {
  return CommitTs(shifted(last_ts_, repeat_ - 1));
}

CommitTs PumpFeed::until_ts() const {
  return CommitTs(shifted(until_ts_.value, repeat_ - 1));
}

size_t PumpFeed::size(size_t pump, int64_t repetition) const {
  return repetition == 0 ? pumps_[pump].entries.size() : pumps_[pump].repeated.size();
}

const PumpFeed::Entry& PumpFeed::entry(size_t pump, const Position& position) const {
  const Pump& p = pumps_[pump];
  return p.entries[position.repetition == 0 ? position.index : p.repeated[position.index]];
}

/// The fakes at the end of a tape would deny what the repetitions still bring.
bool PumpFeed::is_served(const Record& record) const {
  return repeat_ == 1 || !record.is_fake() || commits_.empty() ||
         record.commit_ts <= commits_.back();
}

PumpFeed::Position PumpFeed::seek(size_t pump, int64_t offset) const {
  Position position;
  if (offset >= from_ts_.value + period_) {
    position.repetition = std::min((offset - from_ts_.value) / period_, repeat_ - 1);
  }
  const auto indexes = std::views::iota(size_t{0}, size(pump, position.repetition));
  position.index = *std::ranges::partition_point(indexes, [&](size_t index) {
    const Record& record = entry(pump, {position.repetition, index}).record;
    return shifted(record.commit_ts, position.repetition) <= offset;
  });
  settle(pump, position);
  return position;
}

/// Moves on to the next record that is there and served, or to the end.
void PumpFeed::settle(size_t pump, Position& position) const {
  while (true) {
    if (position.index >= size(pump, position.repetition)) {
      if (position.repetition + 1 == repeat_) return;
      position = Position{.repetition = position.repetition + 1};
    } else if (is_served(entry(pump, position).record)) {
      return;
    } else {
      ++position.index;
    }
  }
}

bool PumpFeed::at_end(size_t pump, const Position& position) const {
  return position.index >= size(pump, position.repetition);
}

void PumpFeed::advance(size_t pump, Position& position) const {
  ++position.index;
  settle(pump, position);
}

PumpFeed::Item PumpFeed::item(size_t pump, const Position& position) const {
  const Record& record = entry(pump, position).record;
  Item item{.payload = record.payload,
            .start_ts = shifted(record.start_ts, position.repetition),
            .commit_ts = shifted(record.commit_ts, position.repetition),
            .ddl_job_id = record.ddl_job_id,
            .is_fake = record.is_fake()};
  if (position.repetition == 0) return item;
  const Pump& from = pumps_[pump];
  if (from.prepared.empty()) {
    item.moved = moved(record, position.repetition);
    item.payload = item.moved;
  } else {
    const size_t before = static_cast<size_t>(position.repetition - 1) * from.repeated.size();
    item.payload = from.prepared[before + position.index];
  }
  return item;
}

void PumpFeed::start() {
  MutexLock lock(mutex_);
  if (!started_) started_ = clock_.now();
}

TimePoint PumpFeed::start_time() const {
  MutexLock lock(mutex_);
  CHECK(started_.has_value(), "the pace has not been started");
  return *started_;
}

TimePoint PumpFeed::due(size_t pump, const Position& position) const {
  const Entry& e = entry(pump, position);
  switch (pace_.mode) {
    case Pace::Mode::kFast:
      return TimePoint::min();
    case Pace::Mode::kRate:
    case Pace::Mode::kRowRate: {
      int64_t rank = e.rank;
      if (position.repetition > 0) {
        rank = weight_ + (position.repetition - 1) * repeated_weight_ + e.repeat_rank;
      }
      const std::chrono::duration<double> after(static_cast<double>(rank) / pace_.per_s);
      return start_time() + std::chrono::ceil<std::chrono::milliseconds>(
                                std::chrono::round<std::chrono::microseconds>(after));
    }
    case Pace::Mode::kRecorded:
      return start_time() +
             std::chrono::milliseconds(
                 physical_ms(CommitTs(shifted(e.record.commit_ts, position.repetition))) -
                 physical_ms(from_ts_));
  }
  return TimePoint::min();
}

bool PumpFeed::is_commit_ts(int64_t ts) const {
  const int64_t repetition = std::max<int64_t>(0, (ts - from_ts_.value) / period_);
  const auto& commits = repetition == 0 ? commits_ : repeated_commits_;
  return std::binary_search(commits.begin(), commits.end(), shifted(ts, -repetition));
}

std::optional<int64_t> PumpFeed::fake_ts(size_t pump, const Position& position,
                                         int64_t last) const {
  if (pace_.mode == Pace::Mode::kFast) return std::nullopt;
  int64_t ts = shifted(entry(pump, position).record.commit_ts, position.repetition) - 1;
  const auto elapsed_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - start_time()).count();
  // A rate has no clock of its own: its next record may be as far off as it likes.
  if (pace_.mode == Pace::Mode::kRecorded) {
    ts = std::min(ts, from_ts_.value + elapsed_ms * kPhysicalUnit);
  }
  ts -= static_cast<int64_t>(pump);  // no two pumps say the same
  while (ts > last && is_commit_ts(ts)) --ts;
  if (ts <= last) return std::nullopt;
  return ts;
}

}  // namespace drainer::upstream
