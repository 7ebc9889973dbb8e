#pragma once

#include <string>
#include <string_view>

namespace drainer::tidb {

/// CREATE or ALTER TABLE with the table options that only TiDB has in comments that only TiDB
/// executes, and with them the commas that other servers must not see. In the default SQL mode; any
/// other text comes back as it is, and so does what stands in a comment already. Pure.
std::string wrap_tidb_options(std::string_view text);

}  // namespace drainer::tidb
