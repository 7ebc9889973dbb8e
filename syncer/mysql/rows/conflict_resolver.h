#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "drainer/base/result.h"
#include "syncer/mysql/rows/conflict_policy.h"
#include "syncer/mysql/rows/table_plan.h"
#include "syncer/mysql/session/literal.h"
#include "syncer/mysql/session/session.h"
#include "syncer/txn.h"

namespace drainer::mysql {

inline constexpr std::string_view kConflictTableName = "drainer_conflicts";

/// Makes the table in which conflicts are recorded; `table` is its quoted name. Each transaction of
/// the downstream that settles a conflict also writes the record:
// clang-format off
///     cluster_id, commit_ts, row_no        whose change it was: upstream transaction, number of the row in it
///     found_at, table_name, operation      when and where; insert, update or delete
///     policy, resolution                   resolution: applied or skipped
///     row_key, arrived, found              the row; what came; what was there, NULL for nothing. Their first
///                                          4 kB, with \xHH for bytes that are no UTF-8
// clang-format on
Result<void> create_conflict_table(Session& session, const std::string& schema,
                                   const std::string& table);

/// Writes single rows of tables with a policy inside an open transaction: when the downstream does
/// not hold what the upstream changed, counts, logs and records it and does what the policy says.
///
/// One thread; works on the session it is given.
class ConflictResolver {
 public:
  /// `table` as above; empty: conflicts are not recorded.
  ConflictResolver(Session& session, uint64_t cluster_id, std::string table)
      : session_(session),
        style_{session.no_backslash_escapes()},
        cluster_id_(cluster_id),
        table_(std::move(table)) {}

  /// Requires plan.conflict. kConflict under ConflictAction::kStop.
  Result<void> write(const TablePlan& plan, const Txn& txn, const RowChange& row);

 private:
  /// One row change of one table, on its way.
  struct Change {
    const TablePlan& plan;
    const Txn& txn;
    const RowChange& row;

    std::span<const tidb::Value> new_values() const { return txn.new_values(row); }
    std::span<const tidb::Value> old_values() const { return txn.old_values(row); }
    size_t number() const { return static_cast<size_t>(&row - txn.rows.data()); }
  };
  /// What the downstream holds in the place of a row.
  struct Found {
    uint64_t rows = 0;
    uint64_t newer = 0;  ///< of these; under kNewest
    uint64_t equal = 0;
  };

  /// True: the row was as upstream and the change is done.
  Result<bool> try_as_upstream(const Change& change);
  Result<Found> look(const Change& change);
  Result<bool> sender_wins(const Change& change, const Found& found) const;
  /// A later row of the transaction inserts the key that this one deletes: together an update.
  Result<bool> comes_again(const Change& change) const;
  Result<void> overwrite(const Change& change);
  Result<void> note(const Change& change, const Found& found, bool is_applied);
  Result<void> record(const Change& change, const Found& found, bool is_applied);
  /// All places in which the rows of the change would collide: ` WHERE …`.
  Result<std::string> place(const Change& change) const;

  Session& session_;
  const QuoteStyle style_;
  const uint64_t cluster_id_;
  const std::string table_;
};

}  // namespace drainer::mysql
