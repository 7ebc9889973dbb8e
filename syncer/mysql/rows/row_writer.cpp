#include "syncer/mysql/rows/row_writer.h"

#include <algorithm>
#include <utility>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"
#include "syncer/mysql/rows/conflict_resolver.h"
#include "syncer/mysql/rows/statement.h"
#include "syncer/mysql/rows/where_text.h"
#include "syncer/mysql/session/downstream.h"
#include "syncer/mysql/session/failure.h"

namespace drainer::mysql {

namespace {

constexpr size_t kSqlInErrorBytes = 1024;
constexpr int32_t kDataTruncated = 1265;
constexpr std::string_view kDeprecatedSyntax = "1287";  ///< harmless

std::string shorten(std::string_view sql) {
  if (sql.size() <= kSqlInErrorBytes) return std::string(sql);
  return fmt::format("{}… ({} bytes)", sql.substr(0, kSqlInErrorBytes), sql.size());
}

/// ENUMs that hold 0, which TiDB stores for what it does not know and a strict server refuses.
size_t count_error_values(const TablePlan& plan, std::span<const tidb::Value> row) {
  const auto is_error_value = [&](const PlannedColumn& column) {
    const tidb::Value& value = row[column.offset];
    return value.kind == tidb::ValueKind::kEnum && value.u == 0;
  };
  return static_cast<size_t>(std::ranges::count_if(plan.columns, is_error_value));
}

/// Some column holds another value afterwards, whatever the downstream keeps of both.
bool is_surely_changed(const TablePlan& plan, std::span<const tidb::Value> before,
                       std::span<const tidb::Value> after) {
  return std::ranges::any_of(plan.columns, [&](const PlannedColumn& column) {
    const tidb::Value& old_value = before[column.offset];
    const tidb::Value& new_value = after[column.offset];
    if (old_value.is_absent() || new_value.is_absent()) return false;
    if (old_value.is_null() || new_value.is_null()) {
      return old_value.is_null() != new_value.is_null() && column.downstream.is_nullable;
    }
    const auto old_hash = hash_value(old_value, column.downstream, /*prefix_length=*/0);
    const auto new_hash = hash_value(new_value, column.downstream, /*prefix_length=*/0);
    return old_hash && new_hash && *old_hash != *new_hash;
  });
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
  deviations_.seen.insert(&plan);
  return write_as(plan, txn, row, WriteMode::kSafe);
}

Result<void> RowWriter::write_as(const TablePlan& plan, const Txn& txn, const RowChange& row,
                                 WriteMode mode) {
  const bool is_safe = mode == WriteMode::kSafe;
  std::string sql;
  switch (row.kind) {
    case RowKind::kInsert:
      TRY(is_safe ? append_replace(sql, plan, txn.new_values(row), style_)
                  : append_insert(sql, "INSERT", plan, txn.new_values(row), style_));
      return execute(sql, /*must_match=*/false, plan, txn, row);
    case RowKind::kDelete:
      TRY(is_safe ? append_delete_by_key(sql, plan, txn.new_values(row), style_)
                  : append_delete(sql, plan, txn.new_values(row), style_));
      return execute(sql, /*must_match=*/!is_safe, plan, txn, row);
    case RowKind::kUpdate:
      if (!is_safe) {
        if (!is_surely_changed(plan, txn.old_values(row), txn.new_values(row))) {
          deviations_.possible.insert(&plan);
        }
        TRY(append_update(sql, plan, txn.new_values(row), txn.old_values(row), style_));
        return execute(sql, /*must_match=*/true, plan, txn, row);
      }
      if (!is_upsert(plan, txn.old_values(row), txn.new_values(row))) {
        TRY(append_delete_by_key(sql, plan, txn.old_values(row), style_));
        TRY(execute(sql, /*must_match=*/false, plan, txn, row));
        sql.clear();
      }
      TRY(append_replace(sql, plan, txn.new_values(row), style_));
      return execute(sql, /*must_match=*/false, plan, txn, row);
  }
  return {};
}

Result<void> RowWriter::execute(std::string_view sql, bool must_match, const TablePlan& plan,
                                const Txn& txn, const RowChange& row) {
  const auto key = [&] { return shorten(describe_row(plan, txn.old_values(row))); };
  auto count = run(sql, count_error_values(plan, txn.new_values(row)));
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
  deviations_.seen.insert(&plan);
  metric::mysql_row_mismatches_total(plan.target).add();
  if (options_.mismatch == RowMismatchAction::kWarn) {
    log_error("row not found downstream", {{"commit ts", txn.commit_ts},
                                           {"table", plan.target},
                                           {"key", key()},
                                           {"sql", shorten(sql)}});
    return {};
  }
  return make_error(ErrorCode::kConflict,
                    "row not found downstream: commit ts {}, table {}, {} rows where {}: {}; "
                    "syncer.apply.on-row-mismatch = \"warn\" goes on as the original does",
                    txn.commit_ts, plan.target, *count, key(), shorten(sql));
}

Result<uint64_t> RowWriter::run(std::string_view sql, size_t error_values) {
  if (sql.size() > options_.statement_bytes_max) {
    return too_large_error(sql.size(), options_.statement_bytes_max);
  }
  auto count = session_.execute(sql);
  const bool is_refused =
      !count.ok() && count.error().detail() == kDataTruncated && error_values > 0;
  return is_refused ? run_relaxed(sql, error_values, std::move(count).error()) : std::move(count);
}

Result<uint64_t> RowWriter::run_relaxed(std::string_view sql, size_t error_values, Error refusal) {
  ASSIGN_OR_RETURN(const std::string mode, session_.query_value("SELECT @@SESSION.sql_mode"));
  const auto set_mode = [&](const std::string& text) {
    return session_.execute("SET SESSION sql_mode = '" + text + "'");
  };
  TRY(set_mode(relax_sql_mode(mode)));
  auto count = session_.execute(sql);
  auto warnings = session_.query("SHOW WARNINGS");
  if (auto restored = set_mode(mode); !restored.ok()) {
    // Lost for us: it would go on to cut values without a word.
    return Error(ErrorCode::kUnavailable, restored.error().to_string(), kServerLost);
  }
  TRY(count);
  TRY(warnings);
  const auto is_change = [](const ResultRow& row) {
    return row.at(0) == "Warning" && row.at(1) != kDeprecatedSyntax;
  };
  // Other values of the row have been cut as well.
  if (std::cmp_greater(std::ranges::count_if(*warnings, is_change), error_values)) return refusal;
  return count;
}

}  // namespace drainer::mysql
