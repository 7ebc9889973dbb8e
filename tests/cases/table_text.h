#pragma once

#include <span>
#include <string>

#include "drainer/tidb/table_info.h"
#include "tests/cases/case_file.h"

namespace drainer::cases {

/// A table from lines such as `id int primary key` and `unique key u (a, b)`, or from one line of
/// TiDB's JSON (README.md). Throws std::runtime_error that names the line.
tidb::TableInfo parse_table_text(std::span<const CaseLine> lines, int64_t id,
                                 const std::string& name);

}  // namespace drainer::cases
