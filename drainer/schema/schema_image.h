#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drainer/base/ids.h"
#include "drainer/schema/table_version.h"

namespace drainer::schema {

/// All that a Schema has made of the jobs it applied, to be kept on disk (schema_store.h). Cheap to
/// take: the descriptions of tables are shared. Jobs that are known but not applied yet are not in
/// it, nor in `known_jobs`: they lie in the history and are read again. Plain data.
struct SchemaImage {
  struct Database {
    SchemaId id;
    std::string name;
  };
  struct Table {
    TableId id;
    SchemaId schema;
    std::shared_ptr<const TableVersion> version;
  };
  struct DroppedDatabase {
    SchemaId id;
    int64_t finished_ts = 0;
    std::vector<Table> tables{};
  };

  CommitTs commit_ts;  ///< all binlogs up to it are in
  SchemaVersion version;
  std::vector<Database> databases;
  std::vector<Table> tables;
  std::vector<DroppedDatabase> dropped_databases;
  std::vector<std::pair<TableId, TableId>> aliases;
  std::vector<std::pair<TableId, EndOfTable>> gone;
  std::vector<std::pair<DdlJobId, DdlEffect>> early_effects;
  std::vector<DdlJobId> done;
  /// Entries of the history that have been dealt with: applied, or found to change nothing.
  /// Sorted. Every other entry has still to be looked at, whatever its id.
  std::vector<DdlJobId> known_jobs;
};

}  // namespace drainer::schema
