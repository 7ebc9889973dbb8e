#include "syncer/mysql/rows/statement.h"

#include "syncer/mysql/rows/where_text.h"

namespace drainer::mysql {
namespace {

using tidb::Value;
using Row = std::span<const Value>;

using AppendWhere = Result<void> (*)(std::string& sql, const TablePlan& plan, Row row,
                                     QuoteStyle style);

/// Runs `append_one(column)` for each column that `row` carries, with commas between.
template <class AppendOne>
Result<void> append_columns(std::string& sql, const TablePlan& plan, Row row,
                            AppendOne append_one) {
  bool is_first = true;
  for (const PlannedColumn& column : plan.columns) {
    if (row[column.offset].is_absent()) continue;
    if (!is_first) sql.push_back(',');
    is_first = false;
    TRY(append_one(column));
  }
  return {};
}

Result<void> append_update_where(std::string& sql, const TablePlan& plan, Row new_row, Row old_row,
                                 QuoteStyle style, AppendWhere append) {
  sql += "UPDATE ";
  sql += plan.target;
  sql += " SET ";
  TRY(append_columns(sql, plan, new_row, [&](const PlannedColumn& column) {
    sql += column.quoted;
    sql += " = ";
    return append_literal(sql, new_row[column.offset], style, column.is_binary);
  }));
  TRY(append(sql, plan, old_row, style));
  sql += " LIMIT 1";
  return {};
}

Result<void> append_delete_where(std::string& sql, const TablePlan& plan, Row row, QuoteStyle style,
                                 AppendWhere append) {
  sql += "DELETE FROM ";
  sql += plan.target;
  TRY(append(sql, plan, row, style));
  sql += " LIMIT 1";
  return {};
}

}  // namespace

Result<void> append_tuple(std::string& sql, const TablePlan& plan, Row row, QuoteStyle style) {
  sql.push_back('(');
  TRY(append_columns(sql, plan, row, [&](const PlannedColumn& column) {
    return append_literal(sql, row[column.offset], style, column.is_binary);
  }));
  sql.push_back(')');
  return {};
}

Result<void> append_insert(std::string& sql, std::string_view verb, const TablePlan& plan, Row row,
                           QuoteStyle style) {
  sql += verb;
  sql += " INTO ";
  sql += plan.target;
  if (plan.has_absent(row)) {
    sql.push_back('(');
    TRY(append_columns(sql, plan, row, [&](const PlannedColumn& column) -> Result<void> {
      sql += column.quoted;
      return {};
    }));
    sql.push_back(')');
  } else {
    sql += plan.column_list;
  }
  sql += " VALUES";
  return append_tuple(sql, plan, row, style);
}

Result<void> append_replace(std::string& sql, const TablePlan& plan, Row row, QuoteStyle style) {
  if (!plan.keeps_own_columns || plan.has_absent(row)) {
    return append_insert(sql, "REPLACE", plan, row, style);
  }
  TRY(append_insert(sql, "INSERT", plan, row, style));
  sql += plan.upsert_tail;
  return {};
}

Result<void> append_update(std::string& sql, const TablePlan& plan, Row new_row, Row old_row,
                           QuoteStyle style) {
  return append_update_where(sql, plan, new_row, old_row, style, append_where);
}

Result<void> append_update_by_key(std::string& sql, const TablePlan& plan, Row new_row, Row old_row,
                                  QuoteStyle style) {
  return append_update_where(sql, plan, new_row, old_row, style, append_where_key);
}

Result<void> append_delete(std::string& sql, const TablePlan& plan, Row row, QuoteStyle style) {
  return append_delete_where(sql, plan, row, style, append_where);
}

Result<void> append_delete_by_key(std::string& sql, const TablePlan& plan, Row row,
                                  QuoteStyle style) {
  return append_delete_where(sql, plan, row, style, append_where_key);
}

}  // namespace drainer::mysql
