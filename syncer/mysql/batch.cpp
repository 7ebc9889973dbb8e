#include "syncer/mysql/batch.h"

#include <utility>

namespace drainer::mysql {

bool Batcher::fits(const Batch& batch, const Txn& txn) const {
  return !txn.is_ddl() && batch.txns.size() < limits_.txns &&
         batch.rows + txn.rows.size() <= limits_.rows &&
         batch.bytes + txn.size_bytes() <= limits_.bytes;
}

std::optional<Batch> Batcher::next(const StopToken& stop) {
  std::optional<Txn> txn = std::exchange(held_, std::nullopt);
  if (!txn) txn = input_.pop(stop);
  if (!txn) return std::nullopt;

  Batch batch;
  while (txn) {
    batch.rows += txn->rows.size();
    batch.bytes += txn->size_bytes();
    batch.txns.push_back(std::move(*txn));
    if (batch.is_ddl()) break;
    txn = input_.try_pop();
    if (txn && !fits(batch, *txn)) {
      held_ = std::move(txn);
      break;
    }
  }
  return batch;
}

}  // namespace drainer::mysql
