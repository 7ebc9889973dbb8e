#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "drainer/base/mutex.h"
#include "tests/upstream/feed.h"
#include "tests/upstream/tso.h"

namespace drainer::upstream {

/// A feed that grows while it is served: transactions get their timestamps from the oracle in the
/// order in which they are appended, and the pumps in turn. Any thread.
class LiveFeed final : public Feed {
 public:
  /// `tso` must outlive it.
  LiveFeed(size_t pumps, Tso& tso) : tso_(tso), pumps_(pumps) {}

  struct Stamps {
    int64_t start_ts = 0;
    int64_t finished_ts = 0;  ///< of a DDL job, between the other two
    int64_t commit_ts = 0;
  };
  /// Appends the Binlog that `encode` makes for the timestamps given to it; what `encode` stores
  /// elsewhere is there before any pump has the record.
  void append(int64_t ddl_job_id, const std::function<Bytes(const Stamps&)>& encode)
      EXCLUDES(mutex_);

  size_t pumps() const override { return pumps_.size(); }
  int64_t transactions() const override EXCLUDES(mutex_);
  CommitTs end_ts() const override { return {}; }
  CommitTs until_ts() const override { return CommitTs(INT64_MAX); }

  Position seek(size_t pump, int64_t offset) const override EXCLUDES(mutex_);
  bool at_end(size_t pump, const Position& position) const override EXCLUDES(mutex_);
  Item item(size_t pump, const Position& position) const override EXCLUDES(mutex_);
  void advance(size_t /*pump*/, Position& position) const override { ++position.index; }

  void start() override {}
  TimePoint due(size_t /*pump*/, const Position& /*position*/) const override {
    return TimePoint::min();
  }
  /// A live pump never waits before its end.
  std::optional<int64_t> fake_ts(size_t /*pump*/, const Position& /*position*/,
                                 int64_t /*last*/) const override {
    return std::nullopt;
  }
  std::optional<int64_t> fake_ts_at_end(size_t pump, const Position& position,
                                        Tso& tso) const override EXCLUDES(mutex_);

 private:
  struct Entry {
    Bytes payload;
    Stamps stamps;
    int64_t ddl_job_id = 0;
  };

  Tso& tso_;
  mutable Mutex mutex_;
  int64_t count_ GUARDED_BY(mutex_) = 0;
  std::vector<std::deque<Entry>> pumps_;  ///< what is in them GUARDED_BY(mutex_)
};

}  // namespace drainer::upstream
