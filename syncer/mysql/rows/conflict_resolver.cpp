#include "syncer/mysql/rows/conflict_resolver.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "conf/choices.h"
#include "drainer/base/ascii.h"
#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"
#include "drainer/base/utf8.h"
#include "syncer/mysql/rows/statement.h"
#include "syncer/mysql/rows/where_text.h"
#include "syncer/mysql/session/failure.h"
#include "syncer/mysql/session/own_table.h"

#include <fmt/format.h>

namespace drainer::mysql {

namespace {

using Row = std::span<const tidb::Value>;

constexpr size_t kRecordedBytes = 4096;

uint64_t number_of(const Field& field) {
  uint64_t value = 0;
  if (field) std::from_chars(field->data(), field->data() + field->size(), value);
  return value;
}

bool has_value(const tidb::Value& value) {
  return !value.is_null() && !value.is_absent();
}

Result<const PlannedColumn*> find_newest_by(const TablePlan& plan) {
  std::string quoted;
  append_identifier(quoted, plan.conflict->newest_by);
  const auto same = [&](const PlannedColumn& column) {
    return fold_case(column.quoted) == fold_case(quoted);
  };
  const auto found = std::ranges::find_if(plan.columns, same);
  if (found != plan.columns.end()) return &*found;
  return make_error(ErrorCode::kInvalid,
                    "{} has no column {}, which newest-by of its conflict "
                    "policy names",
                    plan.target, quoted);
}

/// The condition that finds `row` by `key`; empty when a part of the key is missing or NULL.
Result<std::string> key_condition(const TablePlan& plan, const PlannedKey& key, Row row,
                                  QuoteStyle style) {
  std::string sql;
  for (const uint32_t position : key.columns) {
    const PlannedColumn& column = plan.columns[position];
    if (!has_value(row[column.offset])) return std::string();
    sql += sql.empty() ? "(" : " AND ";
    sql += column.quoted;
    sql += " = ";
    TRY(append_key_element(sql, plan, PlannedKey{.columns = {position}}, row, style));
  }
  return sql + ")";
}

Result<std::string> text_of(const TablePlan& plan, Row row, QuoteStyle style) {
  std::string text;
  for (const PlannedColumn& column : plan.columns) {
    const tidb::Value& value = row[column.offset];
    if (value.is_absent()) continue;
    text += (text.empty() ? "" : ", ") + column.quoted + " = ";
    TRY(append_literal(text, value, style, column.is_binary));
  }
  return text;
}

/// What a record keeps of a text: its beginning, with \xHH for the bytes that are no UTF-8, which
/// the columns of the table do not take.
std::string recorded(std::string_view text) {
  std::string out;
  while (!text.empty() && out.size() < kRecordedBytes) {
    const size_t length = utf8_length(text);
    if (length == 0) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<uint8_t>(text[0]));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

}  // namespace

Result<void> create_conflict_table(Session& session, const std::string& schema,
                                   const std::string& table) {
  return ensure_table(
      session,
      {.schema = schema,
       .quoted = table,
       .definition =
           "(cluster_id bigint unsigned NOT NULL, commit_ts bigint NOT NULL, row_no int unsigned "
           "NOT NULL, found_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), table_name "
           "varchar(160) NOT NULL, operation varchar(8) NOT NULL, policy varchar(16) NOT NULL, "
           "resolution varchar(8) NOT NULL, row_key text NOT NULL, arrived text, found text, "
           "PRIMARY KEY (cluster_id, commit_ts, row_no)) ENGINE=InnoDB CHARSET utf8mb4",
       .purpose = "records conflicts (record-conflicts = true)"});
}

Result<void> ConflictResolver::write(const TablePlan& plan, const Txn& txn, const RowChange& row) {
  const Change change{.plan = plan, .txn = txn, .row = row};
  ASSIGN_OR_RETURN(const bool is_done, try_as_upstream(change));
  if (is_done) return {};
  ASSIGN_OR_RETURN(const Found found, look(change));
  if (plan.conflict->action == ConflictAction::kStop) {
    return make_error(ErrorCode::kConflict,
                      "conflict in {}: {} of commit ts {} finds {} where {}; the policy is stop",
                      plan.target, to_string(row.kind), txn.commit_ts,
                      found.rows == 0 ? "no row" : "another row",
                      describe_row(plan, change.old_values()));
  }
  ASSIGN_OR_RETURN(const bool wins, sender_wins(change, found));
  TRY(note(change, found, wins));
  return wins ? overwrite(change) : Result<void>();
}

Result<bool> ConflictResolver::try_as_upstream(const Change& change) {
  std::string sql;
  switch (change.row.kind) {
    case RowKind::kInsert: {
      // TiDB may see a duplicate only at COMMIT.
      ASSIGN_OR_RETURN(const Found found, look(change));
      if (found.rows > 0) return false;
      TRY(append_insert(sql, "INSERT", change.plan, change.new_values(), style_));
      break;
    }
    case RowKind::kUpdate:
      TRY(append_update(sql, change.plan, change.new_values(), change.old_values(), style_));
      break;
    case RowKind::kDelete:
      TRY(append_delete(sql, change.plan, change.new_values(), style_));
      break;
  }
  auto count = session_.execute(sql);
  if (count.ok()) return *count == 1;
  // The new values of an UPDATE collide with another row. The transaction stays open.
  if (classify_failure(count.error()) == FailureClass::kSafeMode) return false;
  return std::move(count).error().because("commit ts {}: {} where {}", change.txn.commit_ts,
                                          change.plan.target,
                                          describe_row(change.plan, change.old_values()));
}

Result<std::string> ConflictResolver::place(const Change& change) const {
  std::vector<std::string> conditions;
  const auto add = [&](Row row) -> Result<void> {
    for (const PlannedKey& key : change.plan.keys) {
      ASSIGN_OR_RETURN(std::string condition, key_condition(change.plan, key, row, style_));
      if (!condition.empty() && std::ranges::find(conditions, condition) == conditions.end()) {
        conditions.push_back(std::move(condition));
      }
    }
    return {};
  };
  TRY(add(change.new_values()));
  TRY(add(change.old_values()));
  if (!conditions.empty()) {
    return fmt::format(" WHERE {}", fmt::join(conditions, " OR "));
  }
  std::string sql;
  TRY(append_where_key(sql, change.plan, change.old_values(), style_));
  return sql;
}

Result<ConflictResolver::Found> ConflictResolver::look(const Change& change) {
  std::string sql = "SELECT COUNT(*)";
  const PlannedColumn* column = nullptr;
  if (change.plan.conflict->action == ConflictAction::kNewest) {
    ASSIGN_OR_RETURN(column, find_newest_by(change.plan));
  }
  const bool can_compare = column != nullptr && has_value(change.new_values()[column->offset]);
  if (can_compare) {
    std::string value;
    const auto position = static_cast<uint32_t>(column - change.plan.columns.data());
    TRY(append_key_element(value, change.plan, PlannedKey{.columns = {position}},
                           change.new_values(), style_));
    fmt::format_to(std::back_inserter(sql),
                   ", COALESCE(SUM({0} > {1}),0), COALESCE(SUM({0} = {1}),0)", column->quoted,
                   value);
  }
  sql += " FROM " + change.plan.target;
  ASSIGN_OR_RETURN(const std::string where, place(change));
  ASSIGN_OR_RETURN(const auto rows, session_.query(sql + where + " FOR UPDATE"));
  Found found{.rows = number_of(rows[0][0])};
  if (can_compare) {
    found.newer = number_of(rows[0][1]);
    found.equal = number_of(rows[0][2]);
  } else if (column != nullptr) {
    found.newer = found.rows;  // what says nothing of its age is older
  }
  return found;
}

Result<bool> ConflictResolver::sender_wins(const Change& change, const Found& found) const {
  const bool is_gone = change.row.kind != RowKind::kInsert && found.rows == 0;
  if (is_gone) return false;  // nothing to overwrite or delete
  if (change.plan.conflict->action != ConflictAction::kNewest) {
    return change.plan.conflict->action == ConflictAction::kOverwrite;
  }
  if (change.row.kind == RowKind::kDelete) {
    ASSIGN_OR_RETURN(const bool is_update, comes_again(change));
    return !is_update;
  }
  return found.newer == 0 && (found.equal == 0 || change.plan.conflict->wins_ties);
}

Result<bool> ConflictResolver::comes_again(const Change& change) const {
  const int32_t key = change.plan.find_key(change.old_values());
  if (key < 0) return false;
  const PlannedKey& columns = change.plan.keys[static_cast<size_t>(key)];
  ASSIGN_OR_RETURN(const std::string deleted,
                   key_condition(change.plan, columns, change.old_values(), style_));
  for (size_t i = change.number() + 1; i < change.txn.rows.size(); ++i) {
    const RowChange& later = change.txn.rows[i];
    if (later.kind != RowKind::kInsert || later.table != change.row.table) continue;
    ASSIGN_OR_RETURN(const std::string inserted,
                     key_condition(change.plan, columns, change.txn.new_values(later), style_));
    if (inserted == deleted) return true;
  }
  return false;
}

Result<void> ConflictResolver::overwrite(const Change& change) {
  std::string sql;
  if (change.row.kind == RowKind::kUpdate) {
    TRY(append_update_by_key(sql, change.plan, change.new_values(), change.old_values(), style_));
    auto updated = session_.execute(sql);
    if (updated.ok()) return {};
    if (classify_failure(updated.error()) != FailureClass::kSafeMode) {
      return std::move(updated).error();
    }
    sql.clear();
  }
  if (change.row.kind != RowKind::kInsert) {
    TRY(append_delete_by_key(sql, change.plan, change.old_values(), style_));
    TRY(session_.execute(sql));
    sql.clear();
  }
  if (change.row.kind == RowKind::kDelete) return {};
  TRY(append_insert(sql, "REPLACE", change.plan, change.new_values(), style_));
  TRY(session_.execute(sql));
  return {};
}

Result<void> ConflictResolver::note(const Change& change, const Found& found, bool is_applied) {
  metric::mysql_conflicts_total(change.plan.target, is_applied ? "applied" : "skipped").add();
  log_warn("conflict: the row downstream is not what was changed upstream",
           {{"table", change.plan.target},
            {"operation", to_string(change.row.kind)},
            {"key", describe_row(change.plan, change.old_values())},
            {"commit ts", change.txn.commit_ts},
            {"rows found", found.rows},
            {"policy", conf::name_of(change.plan.conflict->action)},
            {"resolution", is_applied ? "applied" : "skipped"}});
  return table_.empty() ? Result<void>() : record(change, found, is_applied);
}

Result<void> ConflictResolver::record(const Change& change, const Found& found, bool is_applied) {
  std::string there = "NULL";
  if (found.rows > 0) {
    std::string select = "SELECT CONCAT_WS(', '";
    for (const PlannedColumn& column : change.plan.columns) {
      select += ",CONCAT(";
      append_quoted(select, column.quoted + " = ", style_);
      select += fmt::format(",COALESCE(QUOTE({}),'NULL'))", column.quoted);
    }
    ASSIGN_OR_RETURN(const std::string where, place(change));
    ASSIGN_OR_RETURN(const std::string text,
                     session_.query_value(select + ") FROM " + change.plan.target + where +
                                          " LIMIT 1 FOR UPDATE"));
    there.clear();
    append_quoted(there, recorded(text), style_);
  }
  std::string sql = fmt::format(
      "REPLACE INTO {} (cluster_id, commit_ts, row_no, table_name, operation, policy, resolution, "
      "row_key, arrived, found) VALUES ({},{},{},",
      table_, cluster_id_, change.txn.commit_ts, change.number());
  append_quoted(sql, change.plan.target, style_);
  fmt::format_to(std::back_inserter(sql), ",'{}','{}','{}',", to_string(change.row.kind),
                 conf::name_of(change.plan.conflict->action), is_applied ? "applied" : "skipped");
  append_quoted(sql, recorded(describe_row(change.plan, change.old_values())), style_);
  sql.push_back(',');
  ASSIGN_OR_RETURN(const std::string arrived, text_of(change.plan, change.new_values(), style_));
  append_quoted(sql, recorded(arrived), style_);
  sql += "," + there + ")";
  TRY(session_.execute(sql));
  return {};
}

}  // namespace drainer::mysql
