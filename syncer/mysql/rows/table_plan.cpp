#include "syncer/mysql/rows/table_plan.h"

#include <algorithm>

#include "syncer/mysql/session/literal.h"

namespace drainer::mysql {
namespace {

using tidb::Value;
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

std::string upsert_tail_of(const TablePlan& plan) {
  std::string tail;
  for (const PlannedColumn& column : plan.columns) {
    tail += tail.empty() ? " ON DUPLICATE KEY UPDATE " : ",";
    tail += column.quoted + "=VALUES(" + column.quoted + ")";
  }
  return tail;
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
                            .is_binary = column.type.is_byte_string()});
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

  plan.row_uses = RowUses::make(table, downstream,
                                std::vector<RowUses::Parent>(downstream.foreign_keys.size()));
  plan.may_have_triggers = downstream.may_have_triggers;
  const auto is_planned = [&](const DownstreamColumn& column) {
    const auto position = static_cast<size_t>(&column - downstream.columns.data());
    return column.is_generated || planned_by_downstream[position] >= 0;
  };
  const bool is_complete = std::ranges::all_of(downstream.columns, is_planned);
  plan.can_combine = is_complete && !plan.may_have_triggers && !plan.keys.empty() &&
                     plan.keys.size() == downstream.unique_keys.size();
  plan.keeps_own_columns =
      !is_complete && plan.keys.size() == 1 && downstream.unique_keys.size() == 1;
  plan.upsert_tail = upsert_tail_of(plan);

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

}  // namespace drainer::mysql
