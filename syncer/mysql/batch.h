#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "drainer/base/queue.h"
#include "syncer/txn.h"

namespace drainer::mysql {

/// Whole upstream transactions, in order, that share one downstream transaction; or one DDL.
struct Batch {
  std::vector<Txn> txns;
  uint64_t rows = 0;
  size_t bytes = 0;

  CommitTs last_ts() const { return txns.back().commit_ts; }
  bool is_ddl() const { return txns.size() == 1 && txns[0].is_ddl(); }
};

struct BatchLimits {
  size_t txns;
  uint64_t rows;
  size_t bytes;
};

/// Groups what lies in the queue, never waiting for more once there is something. A transaction is
/// never cut, a DDL stands alone. One thread.
class Batcher {
 public:
  Batcher(BoundedQueue<Txn>& input, BatchLimits limits) : input_(input), limits_(limits) {}

  /// Blocks for the next batch. Nothing when the queue is closed and drained, or on `stop`.
  std::optional<Batch> next(const StopToken& stop);

 private:
  bool fits(const Batch& batch, const Txn& txn) const;

  BoundedQueue<Txn>& input_;
  const BatchLimits limits_;
  std::optional<Txn> held_;  ///< taken from the queue, did not fit
};

}  // namespace drainer::mysql
