#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drainer/schema/schema.h"
#include "drainer/tidb/ddl_job.h"

namespace drainer::fakes {

/// Descriptions of tables for tests, as TiDB would have them.
inline tidb::ColumnInfo column(int64_t id, const std::string& name, tidb::ColumnType type,
                               uint32_t flags = 0) {
  tidb::ColumnInfo out;
  out.id = ColumnId(id);
  out.name = name;
  out.state = tidb::SchemaState::kPublic;
  out.type.type = type;
  out.type.flags = flags;
  const bool is_text = type == tidb::ColumnType::kVarchar || type == tidb::ColumnType::kString ||
                       type == tidb::ColumnType::kBlob;
  out.type.charset = is_text ? "utf8mb4" : "binary";
  return out;
}

inline std::shared_ptr<const tidb::TableInfo> table(int64_t id, const std::string& name,
                                                    std::vector<tidb::ColumnInfo> columns,
                                                    bool pk_is_handle = false) {
  auto out = std::make_shared<tidb::TableInfo>();
  out->id = TableId(id);
  out->name = name;
  out->pk_is_handle = pk_is_handle;
  for (const tidb::ColumnInfo& c : columns) {
    out->max_column_id = std::max(out->max_column_id, c.id.value);
  }
  out->columns = std::move(columns);
  const Result<void> indexed = out->index_columns();
  return indexed.ok() ? out : nullptr;
}

inline std::shared_ptr<tidb::DdlJob> job(int64_t id, tidb::DdlType type, int64_t version,
                                         int64_t schema_id) {
  auto out = std::make_shared<tidb::DdlJob>();
  out->id = DdlJobId(id);
  out->type = type;
  out->state = tidb::DdlJobState::kSynced;
  out->schema_state = tidb::SchemaState::kPublic;
  out->schema_version = SchemaVersion(version);
  out->schema_id = SchemaId(schema_id);
  return out;
}

inline std::shared_ptr<const tidb::DdlJob> create_database(int64_t id, int64_t version,
                                                           int64_t schema_id,
                                                           const std::string& name) {
  auto out = job(id, tidb::DdlType::kCreateSchema, version, schema_id);
  out->db_info = std::make_unique<tidb::DbInfo>();
  out->db_info->id = SchemaId(schema_id);
  out->db_info->name = name;
  out->query = "create database " + name;
  return out;
}

inline std::shared_ptr<const tidb::DdlJob> table_job(int64_t id, tidb::DdlType type,
                                                     int64_t version, int64_t schema_id,
                                                     std::shared_ptr<const tidb::TableInfo> info,
                                                     const std::string& query = "create table …") {
  auto out = job(id, type, version, schema_id);
  out->table_id = info->id;
  out->table_info = std::move(info);
  out->query = query;
  return out;
}

}  // namespace drainer::fakes
