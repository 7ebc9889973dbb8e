// Any bytes as the JSON of a table: no crash, and what is accepted keeps its promises.

#include <cstddef>
#include <cstdint>

#include "drainer/base/check.h"
#include "drainer/tidb/table_info.h"

using namespace drainer;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView json(reinterpret_cast<const char*>(data), size);
  const Result<tidb::TableInfo> info = tidb::parse_table_info(json);
  const Result<tidb::TableInfo> outline = tidb::parse_table_outline(json);
  (void)tidb::parse_db_info(json);
  if (!info.ok()) return 0;
  CHECK(outline.ok(), "the outline of a good table: {}", outline.error().to_string());
  CHECK(outline->id == info->id && outline->name == info->name, "outlines differ");
  CHECK(outline->partition_ids == info->partition_ids, "partitions differ");
  for (const tidb::ColumnInfo& column : info->columns) {
    if (column.id.value <= 0) continue;
    const int32_t offset = info->find_column(column.id);
    CHECK(offset >= 0 && &info->columns[static_cast<size_t>(offset)] == &column, "column {}",
          column.id);
  }
  for (const tidb::IndexInfo& index : info->indices) {
    for (const tidb::IndexColumn& column : index.columns) {
      CHECK(column.offset < info->columns.size(), "offset {}", column.offset);
    }
  }
  return 0;
}
