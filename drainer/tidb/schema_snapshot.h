#pragma once

#include <memory>
#include <vector>

#include "drainer/tidb/table_info.h"

namespace drainer::tidb {

/// All databases with their tables as one snapshot of TiKV shows them. Plain data.
struct SchemaSnapshot {
  struct Database {
    DbInfo info;
    std::vector<std::shared_ptr<const TableInfo>> tables;
  };
  std::vector<Database>
      databases;  ///< in text order of "DB:<id>" (upstream-protocols.md 7.6, KEEP)
};

}  // namespace drainer::tidb
