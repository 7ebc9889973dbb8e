#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "syncer/mysql/rows/table_plan.h"
#include "syncer/txn.h"

namespace drainer::mysql {

/// What becomes of one downstream row between two moments inside a downstream transaction: `before`
/// is empty when it was not there, `after` when it is not there any more. Borrows.
struct NetChange {
  const TablePlan* plan = nullptr;
  std::span<const tidb::Value> before{};
  std::span<const tidb::Value> after{};
};

/// Both rows have the same unique keys, to the byte, and differ in some other column: the
/// downstream row stays where it is and changes.
bool is_changed_in_place(const TablePlan& plan, std::span<const tidb::Value> before,
                         std::span<const tidb::Value> after);

/// append_replace() of `after` also replaces `before`, in place.
bool is_upsert(const TablePlan& plan, std::span<const tidb::Value> before,
               std::span<const tidb::Value> after);

/// Row changes of one downstream transaction put together row by row, so that they may be written
/// in any order: all rows of a table at once, each once. Nobody sees the states in between.
///
/// Two changes are of the same row when the later one begins where the earlier one ended, by the
/// bytes of the first unique key. Changes that share a value of any unique key otherwise, or whose
/// values may be equal for the downstream in ways that hashes do not tell, are not put together.
/// One thread; plans and rows must outlive it.
class NetChanges {
 public:
  enum class Verdict : uint8_t {
    kTaken,
    kHeldFirst,  ///< must come after what is held: write that, clear(), add again
    kUnfit,      ///< must be written by itself, after what is held
  };
  /// Never kHeldFirst while nothing is held.
  Verdict add(const TablePlan& plan, const Txn& txn, const RowChange& row);

  /// What is held, by tables and within a table by key: the same order in all sessions, so that
  /// their locks do not cross.
  std::span<const NetChange> sorted();
  bool is_empty() const { return changes_.empty(); }
  /// Enough for full statements: to be written before more is added.
  bool is_full() const;
  void clear();

 private:
  using Row = std::span<const tidb::Value>;
  bool append_hashes(const TablePlan& plan, Row row);
  static bool join(NetChange& change, const NetChange& next);

  std::vector<NetChange> changes_;
  std::unordered_map<uint64_t, uint32_t> touched_;  ///< key hash to position in changes_
  std::vector<uint64_t> hashes_;                    ///< of the row being added
};

}  // namespace drainer::mysql
