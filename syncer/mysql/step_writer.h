#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "loopback/mark_table.h"
#include "syncer/mysql/order/dispatcher.h"
#include "syncer/mysql/progress_row.h"
#include "syncer/mysql/rows/packet.h"
#include "syncer/mysql/rows/plan_cache.h"
#include "syncer/mysql/rows/row_writer.h"
#include "syncer/mysql/session/session.h"

namespace drainer::mysql {

/// What one downstream transaction does: writes whole upstream transactions, or a piece of one, and
/// notes the progress that is reached with them.
struct Step {
  const Group* group = nullptr;
  std::span<const PlannedTxn> txns;  ///< empty: only the progress
  size_t first_row = 0;              ///< of txns[0]
  size_t end_row = SIZE_MAX;         ///< of txns[0] when it is the only one
  AppliedState after;

  CommitTs last_ts() const { return txns.empty() ? after.commit_ts : txns.back().txn.commit_ts; }
};

/// How a step that was written ended.
enum class Written : uint8_t {
  kCommitted,
  kOutOfTurn,  ///< it may not commit yet: the caller rolls back
};

/// What a step that was written row by row has come upon.
struct CarefulFindings {
  Deviations deviations;
  bool has_new_mark = false;  ///< the row of a loopback mark was not there
};

struct StepWriterOptions {
  RowMismatchAction mismatch = RowMismatchAction::kStop;
  /// Where conflicts are noted; empty: nowhere.
  std::string conflict_table{};
  uint64_t cluster_id = 0;  ///< of the upstream
  size_t max_allowed_packet = 16 << 20;
  /// They begin each transaction (3.1); nothing without loopback control.
  std::optional<loopback::WriterMarks> marks;
};

/// Writes a step as one downstream transaction: START TRANSACTION, loopback marks, progress row,
/// row changes, COMMIT. Tries once; after an error the caller rolls back or drops the session. One
/// thread.
class StepWriter {
 public:
  StepWriter(StepWriterOptions options, PlanCache& plans, Clock& clock)
      : options_(std::move(options)), plans_(plans), clock_(clock) {}

  /// The progress row is part of the transaction: it fails when another drainer owns it.
  struct Target {
    Session& session;
    const ProgressRow& progress;
  };
  /// Called once all is written, right before COMMIT: whether it may commit. Empty: it may.
  using BeforeCommit = std::function<Result<bool>()>;

  /// In as few packets as the limits allow. A row that is not found, a mark or the progress row
  /// make a guard fail (kGuardError), which does not tell which.
  Result<Written> write(const Target& target, const Step& step, WriteMode mode,
                        const BeforeCommit& before_commit, const StopToken& stop);
  /// Statement by statement, so that an error names its row. What was found is left in `findings`
  /// also when COMMIT fails.
  Result<Written> write_carefully(const Target& target, const Step& step, WriteMode mode,
                                  const BeforeCommit& before_commit, CarefulFindings& findings,
                                  const StopToken& stop);

  /// After a guard has failed in write(), and the step has been written carefully: the tables that
  /// made it fail are written row by row from now on.
  void keep_order(const Target& target, const Step& step, const CarefulFindings& findings,
                  const StopToken& stop);
  /// A step has more to it than the progress row.
  bool has_statements(const Step& step) const { return !step.txns.empty() || options_.marks; }

 private:
  /// Of each transaction of the step, by the position of the table in it.
  using Plans = std::vector<std::vector<PlanCache::Plan>>;

  Result<Plans> find_plans(Session& session, const Step& step, const StopToken& stop);
  Result<void> send(Session& session, std::string_view packet);
  /// What the step's downstream transaction begins with.
  std::vector<loopback::Mark> marks_of(const Step& step) const;
  /// A mark of a transaction just begun, whose row is inserted when it is not there: true.
  static Result<bool> write_mark_carefully(Session& session, const loopback::Mark& mark);
  /// Writes the tables of `blamed` row by row; null: all whose rows an UPDATE or DELETE has to
  /// find.
  void order_tables(const Step& step, const Plans& plans, const std::set<const TablePlan*>* blamed);

  const StepWriterOptions options_;
  PlanCache& plans_;
  Clock& clock_;
  /// Tables whose rows did not change as their upstream rows do, which made a guard fail: they are
  /// written row by row. As long as their plan is in use.
  PlanSet ordered_;
};

}  // namespace drainer::mysql
