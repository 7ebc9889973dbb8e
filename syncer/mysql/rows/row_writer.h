#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "conf/options.h"
#include "drainer/base/result.h"
#include "syncer/mysql/rows/packet.h"
#include "syncer/mysql/rows/table_plan.h"
#include "syncer/mysql/session/literal.h"
#include "syncer/mysql/session/session.h"
#include "syncer/txn.h"

namespace drainer::mysql {

/// Tables whose rows did not change as their upstream rows do.
struct Deviations {
  std::set<const TablePlan*> seen;      ///< a row was missing, or one was in the place of another
  std::set<const TablePlan*> possible;  ///< what an UPDATE changed may not be kept downstream
};

/// Writes row changes of an open transaction one by one, so that each that fails or finds something
/// else than it should can be named and, where its table has a policy, settled.
///
/// One thread; works on the session it is given.
class RowWriter {
 public:
  struct Options {
    size_t statement_bytes_max;
    RowMismatchAction mismatch;
    uint64_t cluster_id = 0;     ///< of the upstream
    std::string conflict_table;  ///< where conflicts are recorded; empty: nowhere
  };

  RowWriter(Session& session, const Options& options)
      : session_(session), style_{session.no_backslash_escapes()}, options_(options) {}

  /// A row that exists already is written in safe mode, by itself.
  Result<void> write(const TablePlan& plan, const Txn& txn, const RowChange& row, WriteMode mode);

  /// Among what has been written, without tables that have a policy.
  const Deviations& deviations() const { return deviations_; }

 private:
  Result<void> write_as(const TablePlan& plan, const Txn& txn, const RowChange& row,
                        WriteMode mode);
  Result<void> execute(std::string_view sql, bool must_match, const TablePlan& plan, const Txn& txn,
                       const RowChange& row);
  /// The row to be written holds `error_values` times the error value of an ENUM.
  Result<uint64_t> run(std::string_view sql, size_t error_values);
  /// In a mode that is not strict; `refusal` when the server changes more than those values.
  Result<uint64_t> run_relaxed(std::string_view sql, size_t error_values, Error refusal);

  Session& session_;
  const QuoteStyle style_;
  const Options options_;
  Deviations deviations_;
};

}  // namespace drainer::mysql
