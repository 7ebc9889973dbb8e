#include "syncer/mysql/statement.h"

#include <algorithm>
#include <cstdlib>

#include "drainer/tidb/value_text.h"

namespace drainer::mysql {
namespace {

using tidb::Value;
using tidb::ValueKind;
using Row = std::span<const Value>;

/// Whether values of the column may stand in an IN list.
bool is_listable(const tidb::ColumnInfo& column, ColumnClass column_class) {
  if (column.type.type == tidb::ColumnType::kSet) return false;  // see append_equal
  switch (column_class) {
    case ColumnClass::kPlain:
    case ColumnClass::kChar:
    case ColumnClass::kText:
    case ColumnClass::kFixedBytes:
    case ColumnClass::kBytes:
      return true;
    case ColumnClass::kFloat:
    case ColumnClass::kDouble:
    case ColumnClass::kDecimal:
    case ColumnClass::kTime:
    case ColumnClass::kJson:
    case ColumnClass::kOther:
      return false;
  }
  return false;
}

/// BINARY, VARBINARY and the BLOBs; numbers and times are of charset binary, too.
bool is_byte_string(const tidb::FieldType& type) {
  using enum tidb::ColumnType;
  const bool is_string = type.type == kString || type.type == kVarchar || type.type == kVarString ||
                         type.type == kTinyBlob || type.type == kBlob || type.type == kMediumBlob ||
                         type.type == kLongBlob;
  return is_string && type.is_binary();
}

bool is_number_text(ByteView text) {
  return !text.empty() && text.find_first_not_of("0123456789+-.eE") == ByteView::npos;
}

/// A FLOAT is compared as the double that its 32 bits widen to, in full digits.
void append_float(std::string& sql, double value) {
  tidb::append_double(sql, static_cast<double>(static_cast<float>(value)));
}

/// The right side of a comparison with `column`.
Result<void> append_comparand(std::string& sql, const PlannedColumn& column, const Value& value,
                              QuoteStyle style) {
  switch (column.downstream.column_class) {
    case ColumnClass::kFloat:
      if (value.kind == ValueKind::kFloat || value.kind == ValueKind::kDouble) {
        append_float(sql, value.d);
        return {};
      }
      if (value.kind == ValueKind::kText) {
        append_float(sql, std::strtof(std::string(value.bytes()).c_str(), nullptr));
        return {};
      }
      break;
    case ColumnClass::kDecimal:
      // Quoted, it would be compared as a double.
      if (value.kind == ValueKind::kDecimal) return tidb::append_text(sql, value);
      if (value.kind == ValueKind::kText && is_number_text(value.bytes())) {
        sql += value.bytes();
        return {};
      }
      break;
    case ColumnClass::kChar:
      if (value.kind == ValueKind::kString || value.kind == ValueKind::kText) {
        const ByteView bytes = value.bytes();
        append_quoted(sql, bytes.substr(0, bytes.find_last_not_of(' ') + 1), style);
        return {};
      }
      break;
    case ColumnClass::kFixedBytes:
      if (value.kind == ValueKind::kBinary || value.kind == ValueKind::kText) {
        std::string padded(value.bytes());
        padded.resize(std::max<size_t>(padded.size(), column.downstream.octet_length));
        sql += "_binary";
        append_quoted(sql, padded, style);
        return {};
      }
      break;
    case ColumnClass::kPlain:
    case ColumnClass::kDouble:
    case ColumnClass::kTime:
    case ColumnClass::kText:
    case ColumnClass::kBytes:
    case ColumnClass::kJson:
    case ColumnClass::kOther:
      break;
  }
  return append_literal(sql, value, style, column.is_binary);
}

/// `column = value` as a key needs it.
Result<void> append_equal(std::string& sql, const PlannedColumn& column, const Value& value,
                          QuoteStyle style) {
  sql += column.quoted;
  // MariaDB compares a SET as a signed number, and so never finds the 64th member.
  if (value.kind == ValueKind::kSet && value.u > INT64_MAX) sql += "|0";
  sql += " = ";
  return append_comparand(sql, column, value, style);
}

/// `column = value` so that exactly the rows with the same bytes are found, for rows without key.
Result<void> append_same(std::string& sql, const PlannedColumn& column, const Value& value,
                         QuoteStyle style) {
  const DownstreamColumn& downstream = column.downstream;
  switch (downstream.column_class) {
    case ColumnClass::kChar:
    case ColumnClass::kText:
      // The collation would take other letters, accents or trailing blanks for equal; it still
      // serves to find the index entry.
      if (downstream.is_indexed) {
        TRY(append_equal(sql, column, value, style));
        sql += " AND ";
      }
      sql += "BINARY ";
      if (downstream.is_unicode) {
        sql += column.quoted;
      } else {
        sql += "CONVERT(";
        sql += column.quoted;
        sql += " USING utf8mb4)";
      }
      sql += " = ";
      return append_comparand(sql, column, value, style);
    case ColumnClass::kJson:
      // MariaDB, to which JSON is text, does not run these comments; MySQL and TiDB do.
      sql += column.quoted;
      sql += " = /*!50708 CAST(*/";
      TRY(append_comparand(sql, column, value, style));
      sql += "/*!50708  AS JSON)*/";
      return {};
    case ColumnClass::kPlain:
    case ColumnClass::kFloat:
    case ColumnClass::kDouble:
    case ColumnClass::kDecimal:
    case ColumnClass::kTime:
    case ColumnClass::kFixedBytes:
    case ColumnClass::kBytes:
    case ColumnClass::kOther:
      return append_equal(sql, column, value, style);
  }
  return {};
}

Result<void> append_key_condition(std::string& sql, const TablePlan& plan, const PlannedKey& key,
                                  Row row, QuoteStyle style) {
  for (size_t i = 0; i < key.columns.size(); ++i) {
    if (i > 0) sql += " AND ";
    const PlannedColumn& column = plan.columns[key.columns[i]];
    TRY(append_equal(sql, column, row[column.offset], style));
  }
  return {};
}

/// All columns that the row carries, with their bytes.
Result<void> append_same_row(std::string& sql, const TablePlan& plan, Row row, QuoteStyle style) {
  bool is_first = true;
  for (const PlannedColumn& column : plan.columns) {
    const Value& value = row[column.offset];
    if (value.is_absent()) continue;
    if (!is_first) sql += " AND ";
    is_first = false;
    if (value.is_null()) {
      sql += column.quoted;
      sql += " IS NULL";
    } else {
      TRY(append_same(sql, column, value, style));
    }
  }
  if (is_first) return make_error(ErrorCode::kInvalid, "row of {} has no columns", plan.target);
  return {};
}

Result<void> append_where(std::string& sql, const TablePlan& plan, Row row, QuoteStyle style) {
  if (plan.conflict == nullptr || plan.find_key(row) < 0) {
    return append_where_key(sql, plan, row, style);
  }
  TRY(append_where_key(sql, plan, row, style));
  sql += " AND ";
  return append_same_row(sql, plan, row, style);
}

template <class AppendWhere>
Result<void> append_delete_where(std::string& sql, const TablePlan& plan, Row row, QuoteStyle style,
                                 AppendWhere append) {
  sql += "DELETE FROM ";
  sql += plan.target;
  TRY(append(sql, plan, row, style));
  sql += " LIMIT 1";
  return {};
}

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

template <class AppendWhere>
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

}  // namespace

Result<TablePlan> TablePlan::make(const schema::TableVersion& table,
                                  const TableDescription& downstream, MissingColumns missing) {
  TablePlan plan;
  append_table_name(plan.target, table.name.schema, table.name.table);

  std::vector<uint32_t> offsets;
  const auto& upstream = table.info->columns;
  for (uint32_t i = 0; i < upstream.size(); ++i) {
    if (upstream[i].is_writable()) offsets.push_back(i);
  }
  std::ranges::sort(offsets, {}, [&](uint32_t i) { return upstream[i].name.view(); });

  std::vector<int32_t> planned_by_downstream(downstream.columns.size(), -1);
  for (const uint32_t offset : offsets) {
    const tidb::ColumnInfo& column = upstream[offset];
    const int32_t found = downstream.find_column(column.name);
    if (found < 0) {
      if (missing == MissingColumns::kDrop) {
        if (!plan.left_out.empty()) plan.left_out += ',';
        append_identifier(plan.left_out, column.name);
        continue;
      }
      return make_error(ErrorCode::kInvalid, "column `{}` of {} does not exist downstream",
                        column.name, plan.target);
    }
    const DownstreamColumn& target = downstream.columns[static_cast<size_t>(found)];
    if (target.is_generated) continue;
    planned_by_downstream[static_cast<size_t>(found)] = static_cast<int32_t>(plan.columns.size());
    std::string quoted;
    append_identifier(quoted, column.name);
    plan.columns.push_back({.offset = offset,
                            .quoted = std::move(quoted),
                            .downstream = target,
                            .is_binary = is_byte_string(column.type)});
  }

  for (const UniqueKey& key : downstream.unique_keys) {
    PlannedKey planned{.can_be_listed = true};
    bool usable = !key.is_opaque;
    for (const uint32_t position : key.columns) {
      const int32_t column = planned_by_downstream[position];
      if (column < 0) {
        usable = false;
        break;
      }
      planned.columns.push_back(static_cast<uint32_t>(column));
      planned.can_be_listed &= is_listable(upstream[plan.columns[planned.columns.back()].offset],
                                           downstream.columns[position].column_class);
    }
    if (usable) plan.keys.push_back(std::move(planned));
  }

  plan.hashes = ConflictKeys::make(
      table, downstream, std::vector<ConflictKeys::Parent>(downstream.foreign_keys.size()));
  plan.may_have_triggers = downstream.may_have_triggers;
  plan.has_single_key = downstream.unique_keys.size() == 1;
  const auto is_planned = [&](const DownstreamColumn& column) {
    const auto position = static_cast<size_t>(&column - downstream.columns.data());
    return column.is_generated || planned_by_downstream[position] >= 0;
  };
  plan.can_combine = !plan.may_have_triggers && !plan.keys.empty() &&
                     plan.keys.size() == downstream.unique_keys.size() &&
                     std::ranges::all_of(downstream.columns, is_planned);

  if (plan.has_single_key && plan.keys.size() == 1 &&
      !std::ranges::all_of(downstream.columns, is_planned)) {
    for (const PlannedColumn& column : plan.columns) {
      plan.upsert_tail += plan.upsert_tail.empty() ? " ON DUPLICATE KEY UPDATE " : ",";
      plan.upsert_tail += column.quoted + "=VALUES(" + column.quoted + ")";
    }
  }

  plan.column_list = "(";
  for (const PlannedColumn& column : plan.columns) {
    if (plan.column_list.size() > 1) plan.column_list.push_back(',');
    plan.column_list += column.quoted;
  }
  plan.column_list.push_back(')');
  return plan;
}

int32_t TablePlan::find_key(Row row) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    const bool complete = std::ranges::all_of(keys[i].columns, [&](uint32_t column) {
      const Value& value = row[columns[column].offset];
      return !value.is_null() && !value.is_absent();
    });
    if (complete) return static_cast<int32_t>(i);
  }
  return -1;
}

bool TablePlan::needs_own_statement(Row row) const {
  return std::ranges::any_of(columns, [&](const PlannedColumn& column) {
    const Value& value = row[column.offset];
    return value.is_absent() || (value.is_null() && !column.downstream.is_nullable);
  });
}

bool TablePlan::has_absent(Row row) const {
  return std::ranges::any_of(
      columns, [&](const PlannedColumn& column) { return row[column.offset].is_absent(); });
}

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
  if (plan.upsert_tail.empty() || plan.has_absent(row)) {
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

Result<void> append_where_key(std::string& sql, const TablePlan& plan, Row row, QuoteStyle style) {
  sql += " WHERE ";
  const int32_t key = plan.find_key(row);
  if (key < 0) return append_same_row(sql, plan, row, style);
  return append_key_condition(sql, plan, plan.keys[static_cast<size_t>(key)], row, style);
}

Result<void> append_key_element(std::string& sql, const TablePlan& plan, const PlannedKey& key,
                                Row row, QuoteStyle style) {
  if (key.columns.size() == 1) {
    const PlannedColumn& column = plan.columns[key.columns[0]];
    return append_comparand(sql, column, row[column.offset], style);
  }
  sql.push_back('(');
  TRY(append_key_condition(sql, plan, key, row, style));
  sql.push_back(')');
  return {};
}

std::string describe_row(const TablePlan& plan, Row row) {
  std::string text;
  if (auto appended = append_where_key(text, plan, row, QuoteStyle{}); !appended.ok()) return "";
  return text.substr(std::string_view(" WHERE ").size());
}

}  // namespace drainer::mysql
