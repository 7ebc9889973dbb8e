#pragma once

#include <optional>

#include "drainer/base/ids.h"
#include "drainer/tidb/field_type.h"
#include "drainer/tidb/table_info.h"

namespace drainer {

/// What rows of a table have that may be of a later schema: a column id above all that the table
/// ever had, or a value that its column's type cannot hold. Plain data.
struct NewerColumn {
  SchemaId schema;
  TableId table;
  ColumnId column;
  /// As the schema has it, where a value does not fit; none when the column itself is newer.
  std::optional<tidb::FieldType> type{};
  /// Nobody could write the value before the change was public; an ENUM's invalid value proves
  /// nothing, nor does a column's default.
  bool is_proof = false;
  /// The row cannot be read without a change of the column.
  bool is_required = false;
};

/// `table` is as such rows want it: it has the column, public, and with another type than they do
/// not fit.
bool explains(const tidb::TableInfo& table, const NewerColumn& column);

/// The column of this id if it is public, else null.
const tidb::ColumnInfo* find_public(const tidb::TableInfo& table, ColumnId column);

}  // namespace drainer
