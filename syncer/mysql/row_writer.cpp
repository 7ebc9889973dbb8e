#include "syncer/mysql/row_writer.h"

#include <utility>

#include "drainer/base/log.h"
#include "drainer/base/metrics.h"
#include "syncer/mysql/conflict_resolver.h"
#include "syncer/mysql/failure.h"

namespace drainer::mysql {

namespace {

constexpr size_t kSqlInErrorBytes = 1024;

void count_mismatch(const std::string& table) {
  metrics()
      .counter("drainer_mysql_row_mismatches_total",
               "UPDATEs and DELETEs that did not find their row.", {{"table", table}})
      .add();
}

std::string shorten(std::string_view sql) {
  if (sql.size() <= kSqlInErrorBytes) return std::string(sql);
  return fmt::format("{}… ({} bytes)", sql.substr(0, kSqlInErrorBytes), sql.size());
}

}  // namespace

Result<void> RowWriter::write(const TablePlan& plan, const Txn& txn, const RowChange& row,
                              WriteMode mode) {
  if (plan.conflict != nullptr && mode == WriteMode::kExact) {
    return ConflictResolver(session_, options_.cluster_id, options_.conflict_table)
        .write(plan, txn, row);
  }
  auto written = write_as(plan, txn, row, mode);
  if (written.ok() || mode == WriteMode::kSafe ||
      classify_failure(written.error()) != FailureClass::kSafeMode) {
    return written;
  }
  log_warn("row exists downstream, it is replaced", {{"error", written.error()}});
  return write_as(plan, txn, row, WriteMode::kSafe);
}

Result<void> RowWriter::write_as(const TablePlan& plan, const Txn& txn, const RowChange& row,
                                 WriteMode mode) {
  const bool is_safe = mode == WriteMode::kSafe;
  std::string sql;
  switch (row.kind) {
    case RowKind::kInsert:
      TRY(append_insert(sql, is_safe ? "REPLACE" : "INSERT", plan, txn.new_values(row), style_));
      return execute(sql, /*must_match=*/false, plan, txn, row);
    case RowKind::kDelete:
      TRY(append_delete(sql, plan, txn.new_values(row), style_));
      return execute(sql, /*must_match=*/!is_safe, plan, txn, row);
    case RowKind::kUpdate:
      if (!is_safe) {
        TRY(append_update(sql, plan, txn.new_values(row), txn.old_values(row), style_));
        return execute(sql, /*must_match=*/true, plan, txn, row);
      }
      TRY(append_delete(sql, plan, txn.old_values(row), style_));
      TRY(execute(sql, /*must_match=*/false, plan, txn, row));
      sql.clear();
      TRY(append_insert(sql, "REPLACE", plan, txn.new_values(row), style_));
      return execute(sql, /*must_match=*/false, plan, txn, row);
  }
  return {};
}

Result<void> RowWriter::execute(std::string_view sql, bool must_match, const TablePlan& plan,
                                const Txn& txn, const RowChange& row) {
  const auto key = [&] { return shorten(describe_row(plan, txn.old_values(row))); };
  auto count = sql.size() <= options_.statement_bytes_max
                   ? session_.execute(sql)
                   : Result<uint64_t>(too_large_error(sql.size(), options_.statement_bytes_max));
  if (!count.ok()) {
    if (classify_failure(count.error()) == FailureClass::kFatal) {
      log_error("exec failed", {{"sql", shorten(sql)},
                                {"metadata", fmt::format("commit ts: {}", txn.commit_ts)},
                                {"error", count.error()}});
    }
    return std::move(count).error().because("commit ts {}: {} where {}: {}", txn.commit_ts,
                                            plan.target, key(), shorten(sql));
  }
  if (!must_match || *count == 1) return {};
  count_mismatch(plan.target);
  if (options_.mismatch == MismatchPolicy::kWarn) {
    log_error("row not found downstream", {{"commit ts", txn.commit_ts},
                                           {"table", plan.target},
                                           {"key", key()},
                                           {"sql", shorten(sql)}});
    return {};
  }
  return make_error(ErrorCode::kConflict,
                    "row not found downstream: commit ts {}, table {}, {} rows where {}: {}",
                    txn.commit_ts, plan.target, *count, key(), shorten(sql));
}

}  // namespace drainer::mysql
