#include "syncer/mysql/rows/where_text.h"

#include <algorithm>
#include <cstdlib>

#include "drainer/tidb/value_text.h"

namespace drainer::mysql {
namespace {

using tidb::Value;
using tidb::ValueKind;
using Row = std::span<const Value>;

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

}  // namespace

Result<void> append_where_key(std::string& sql, const TablePlan& plan, Row row, QuoteStyle style) {
  sql += " WHERE ";
  const int32_t key = plan.find_key(row);
  if (key < 0) return append_same_row(sql, plan, row, style);
  return append_key_condition(sql, plan, plan.keys[static_cast<size_t>(key)], row, style);
}

Result<void> append_where(std::string& sql, const TablePlan& plan, Row row, QuoteStyle style) {
  if (plan.conflict == nullptr || plan.find_key(row) < 0) {
    return append_where_key(sql, plan, row, style);
  }
  TRY(append_where_key(sql, plan, row, style));
  sql += " AND ";
  return append_same_row(sql, plan, row, style);
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
