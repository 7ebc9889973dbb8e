#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "conf/options.h"
#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/drain_limit.h"
#include "drainer/replay_filter.h"
#include "syncer/relay/txn_source.h"
#include "syncer/sink.h"

namespace drainer {

/// Tells `source` which tables the downstream has, where everything up to `applied` is applied.
Result<void> add_downstream_tables(relay::TxnSource& source, CommitTs applied,
                                   const Options& options);

/// Applies the transactions of a source through a sink: what `drainer replay` and the recovery from
/// a relay log have in common. run() from one thread, figures() from any.
class Replay {
 public:
  /// All must outlive it. Transactions up to `start` are dropped: an earlier run has applied them.
  Replay(relay::TxnSource& source, const SyncerRules& rules, Sink& sink, CommitTs start,
         Clock& clock)
      : source_(source),
        filter_(rules),
        sink_(sink),
        start_(start),
        clock_(clock),
        applied_ts_(start.value) {}

  /// Until the source ends and all of it is applied, the first error, or `end`: in order, what was
  /// submitted is still applied, if the downstream takes it within kDrainLimit. `on_progress` hears
  /// about it after each report of the sink.
  Result<void> run(const EndTokens& end, const std::function<void()>& on_progress = {});

  struct Figures {
    uint64_t bytes_read = 0;
    uint64_t bytes_total = 0;
    CommitTs applied_ts;  ///< everything up to it is downstream
    uint64_t applied_rows = 0;
  };
  Figures figures() const;
  /// All transactions of the source were applied.
  bool is_complete() const { return is_complete_; }

 private:
  Result<void> submit_all(const StopToken& stop);

  relay::TxnSource& source_;
  const ReplayFilter filter_;
  Sink& sink_;
  const CommitTs start_;
  Clock& clock_;
  std::atomic<uint64_t> bytes_read_ = 0;
  std::atomic<int64_t> applied_ts_;
  std::atomic<uint64_t> applied_rows_ = 0;
  bool is_complete_ = false;
};

}  // namespace drainer
