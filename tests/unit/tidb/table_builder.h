#pragma once

#include "drainer/base/bytes.h"
#include "drainer/tidb/table_info.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drainer::tidb {

/// "decimal(10,2)", "int unsigned", "enum('y','n')", "varbinary(4)", with " not null" and
/// " primary key" at the end: the type that TiDB describes so. Throws on anything else.
FieldType make_type(std::string_view sql);

struct ColumnSpec {
  int64_t id;
  std::string_view type;
  std::string_view name = "";
};

/// A table of public columns with the ids and types given.
TableInfo make_table(const std::vector<ColumnSpec>& columns);
/// The same with an integer primary key as handle: the column whose type says so.
TableInfo make_handle_table(const std::vector<ColumnSpec>& columns);
/// Fills what TableInfo::index_columns() fills.
void index_table(TableInfo& table);

/// Calls `use` with `bytes` in memory of exactly their size, so that sanitizers see a read beyond
/// the end.
template <class Use>
auto with_exact_bounds(ByteView bytes, Use use) {
  const std::vector<char> copy(bytes.begin(), bytes.end());
  return use(ByteView(copy.data(), copy.size()));
}

/// Calls `use` with each proper prefix of `bytes`, the empty one included.
template <class Use>
void for_each_prefix(ByteView bytes, Use use) {
  for (size_t size = 0; size < bytes.size(); ++size) with_exact_bounds(bytes.substr(0, size), use);
}

/// Lines of tests/golden/<name> but comments, split at " | "; the last field may be empty.
std::vector<std::vector<std::string>> read_golden(const std::string& name);

/// Turns \xNN into its byte.
std::string unescape(std::string_view text);

}  // namespace drainer::tidb
