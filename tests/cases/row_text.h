#pragma once

#include <map>
#include <string>

#include "drainer/base/bytes.h"
#include "drainer/tidb/table_info.h"
#include "tests/cases/text_scanner.h"

namespace drainer::cases {

/// Encoded datums by column id.
using RowDatums = std::map<int64_t, Bytes>;

/// `a=1 b='x' c=NULL …` up to `->` or the end, encoded as TiDB encodes binlog rows. A column that
/// the table does not have is written by its id: `#7=5`. Throws std::runtime_error.
RowDatums scan_row(TextScanner& text, const tidb::TableInfo& table);

/// The elements of a mutation (drainer/tidb/README.md). `row_id` is the handle of tables without a
/// clustered key.
Bytes insert_element(const RowDatums& row, const tidb::TableInfo& table, int64_t row_id);
Bytes update_element(const RowDatums& old_row, const RowDatums& new_row);
Bytes delete_element(const RowDatums& row);

}  // namespace drainer::cases
