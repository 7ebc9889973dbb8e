#pragma once

#include "syncer/syncer.h"
#include "syncer/txn.h"

namespace drainer {

/// Takes out of transactions that were read back what the configuration's filters leave out, as the
/// syncer does with those of the pumps. One thread: it remembers what it has found out of tables.
class ReplayFilter {
 public:
  /// The rules must outlive it.
  explicit ReplayFilter(const SyncerRules& rules)
      : rules_(rules), row_filter_(row_filter_of(rules)) {}

  /// The transaction keeps its place in the order, with nothing in it if need be.
  void apply(Txn& txn) const;

 private:
  void filter_ddl(Txn& txn) const;
  void filter_rows(Txn& txn) const;

  const SyncerRules& rules_;
  const RowFilter row_filter_;
};

}  // namespace drainer
