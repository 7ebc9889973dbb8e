#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drainer/base/ids.h"
#include "drainer/tidb/ddl_job.h"

// Jobs for tests, as TiDB stores them.

namespace drainer::testing {

struct TableSpec {
  int64_t id = 0;
  std::string name;
  int columns = 1;
  std::vector<int64_t> partitions = {};
  bool is_view = false;
  bool has_checks = false;
};

struct JobSpec {
  int64_t id = 0;
  tidb::DdlType type = tidb::DdlType::kNone;
  int64_t version = 0;
  int64_t schema_id = 0;
  int64_t table_id = 0;
  std::string query = {};
  int state = 6;
  int64_t finished_ts = 0;
  std::string database = {};  ///< its id is schema_id
  std::vector<TableSpec> table = {};
  std::vector<TableSpec> tables = {};
  std::string sub_jobs = {};  ///< JSON list of a multi-schema change
};

inline std::string name_json(const std::string& name) {
  return fmt::format(R"({{"O":"{}","L":""}})", name);
}

inline std::string table_json(const TableSpec& table) {
  std::string columns;
  for (int i = 1; i <= table.columns; ++i) {
    columns += fmt::format(R"({}{{"id":{},"name":{},"offset":{},"type":{{"Tp":3}},"state":5}})",
                           i == 1 ? "" : ",", i, name_json("c" + std::to_string(i)), i - 1);
  }
  std::string partition = "null";
  if (!table.partitions.empty()) {
    partition = R"({"definitions":[)";
    for (const int64_t id : table.partitions) {
      partition += fmt::format(R"({}{{"id":{}}})", partition.back() == '[' ? "" : ",", id);
    }
    partition += "]}";
  }
  return fmt::format(
      R"({{"id":{},"name":{},"cols":[{}],"partition":{},"view":{},"constraint_info":{}}})",
      table.id, name_json(table.name), columns, partition, table.is_view ? "{}" : "null",
      table.has_checks ? R"([{"id":1}])" : "null");
}

inline std::string job_json(const JobSpec& job) {
  std::string tables;
  for (const TableSpec& table : job.tables)
    tables += (tables.empty() ? "" : ",") + table_json(table);
  const std::string database =
      job.database.empty()
          ? "null"
          : fmt::format(R"({{"id":{},"db_name":{}}})", job.schema_id, name_json(job.database));
  return fmt::format(
      R"({{"id":{},"type":{},"schema_id":{},"table_id":{},"state":{},"raw_args":null,"query":"{}",)"
      R"("multi_schema_info":{},)"
      R"("binlog":{{"SchemaVersion":{},"DBInfo":{},"TableInfo":{},"FinishedTS":{},)"
      R"("MultipleTableInfos":[{}]}}}})",
      job.id, static_cast<int>(job.type), job.schema_id, job.table_id, job.state, job.query,
      job.sub_jobs.empty() ? "null" : fmt::format(R"({{"sub_jobs":{}}})", job.sub_jobs),
      job.version, database, job.table.empty() ? "null" : table_json(job.table[0]), job.finished_ts,
      tables);
}

inline std::shared_ptr<const tidb::DdlJob> make_job(const JobSpec& job) {
  return std::make_shared<const tidb::DdlJob>(tidb::parse_ddl_job(job_json(job)).value());
}

}  // namespace drainer::testing
