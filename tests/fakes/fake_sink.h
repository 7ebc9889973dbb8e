#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "drainer/base/queue.h"
#include "syncer/sink.h"

namespace drainer::fakes {

/// A sink that keeps what it gets and reports each transaction as applied at once. Any thread.
class FakeSink final : public Sink {
 public:
  void start(ThreadGroup&) override {}
  Result<void> submit(Txn txn, const StopToken& stop) override {
    Applied applied{.commit_ts = txn.commit_ts,
                    .schema_version = txn.schema_version,
                    .is_ddl = txn.is_ddl(),
                    .rows = txn.rows.size()};
    {
      MutexLock lock(mutex_);
      txns_.push_back(std::move(txn));
    }
    if (!applied_.push(applied, 1, stop)) return stopped();
    return {};
  }
  void close() override { applied_.close(); }
  std::optional<Applied> next_applied(const StopToken& stop) override { return applied_.pop(stop); }
  CommitTs resume_from(CommitTs checkpoint) const override { return checkpoint; }
  const tidb::TimeZone& time_zone() const override { return zone_; }

  /// What was submitted; call when nobody submits any more.
  const std::vector<Txn>& txns() const NO_THREAD_SAFETY_ANALYSIS { return txns_; }
  /// Reports progress without a transaction.
  void report(const Applied& applied) { (void)applied_.push(applied, 1, StopToken()); }

 private:
  tidb::TimeZone zone_;
  BoundedQueue<Applied> applied_{{.items = SIZE_MAX, .bytes = SIZE_MAX}};
  Mutex mutex_;
  std::vector<Txn> txns_ GUARDED_BY(mutex_);
};

}  // namespace drainer::fakes
