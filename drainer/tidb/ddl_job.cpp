#include "drainer/tidb/ddl_job.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "drainer/tidb/json_reader.h"

namespace drainer::tidb {

namespace {

void read_history_info(JsonReader& json, DdlJobOutline& outline) {
  DdlJob& job = outline.job;
  json.read_object([&](std::string_view key) {
    if (key == "SchemaVersion") {
      job.schema_version = SchemaVersion(json.read_int64());
    } else if (key == "DBInfo") {
      outline.db_info = json.read_raw();
    } else if (key == "TableInfo") {
      outline.table_info = json.read_raw();
    } else if (key == "FinishedTS") {
      job.finished_ts = static_cast<int64_t>(json.read_uint64());
    } else if (key == "MultipleTableInfos") {
      outline.multiple_table_infos.clear();
      json.read_array([&] { outline.multiple_table_infos.push_back(json.read_raw()); });
    } else {
      json.skip();
    }
  });
}

// A column or index that is dropped is write only, delete only and reorganized, then gone.
constexpr int64_t kDropSteps = 3;

// All sub-jobs take the step that shows them in one version. It is told by the first of them, or,
// when that goes on to drop something, was at the latest three versions before what it tells.
SchemaVersion read_public_since(JsonReader& json) {
  constexpr int64_t kUntold = std::numeric_limits<int64_t>::max();
  int64_t shown = kUntold;
  bool has_column = false;
  json.read_object([&](std::string_view key) {
    if (key != "sub_jobs") return json.skip();
    json.read_array([&] {
      DdlType type = DdlType::kNone;
      int64_t version = 0;
      json.read_object([&](std::string_view member) {
        if (member == "type") {
          type = static_cast<DdlType>(json.read_uint64());
        } else if (member == "schema_version") {
          version = json.read_int64();
        } else {
          json.skip();
        }
      });
      has_column |= type == DdlType::kAddColumn || type == DdlType::kModifyColumn;
      const bool is_drop = type == DdlType::kDropColumn || type == DdlType::kDropIndex ||
                           type == DdlType::kDropPrimaryKey;
      if (version > 0) shown = std::min(shown, is_drop ? version - kDropSteps : version);
    });
  });
  return SchemaVersion(has_column && shown != kUntold ? shown : 0);
}

void read_member(JsonReader& json, std::string_view key, DdlJobOutline& outline) {
  DdlJob& job = outline.job;
  if (key == "id") {
    job.id = DdlJobId(json.read_int64());
  } else if (key == "type") {
    job.type = static_cast<DdlType>(json.read_uint64());
  } else if (key == "schema_id") {
    job.schema_id = SchemaId(json.read_int64());
  } else if (key == "table_id") {
    job.table_id = TableId(json.read_int64());
  } else if (key == "schema_name") {
    job.schema_name = json.read_string();
  } else if (key == "table_name") {
    job.table_name = json.read_string();
  } else if (key == "state") {
    job.state = static_cast<DdlJobState>(json.read_uint64());
  } else if (key == "schema_state") {
    job.schema_state = static_cast<SchemaState>(json.read_uint64());
  } else if (key == "start_ts") {
    job.start_ts = StartTs(static_cast<int64_t>(json.read_uint64()));
  } else if (key == "query") {
    job.query = json.read_string();
  } else if (key == "raw_args") {
    outline.raw_args = json.read_raw();
  } else if (key == "multi_schema_info") {
    job.told_public_since = read_public_since(json);
  } else if (key == "binlog") {
    read_history_info(json, outline);
  } else {
    json.skip();
  }
}

}  // namespace

std::string describe_job(const DdlJob& job) {
  std::string out = fmt::format("ddl job {}", job.id);
  if (!job.schema_name.empty()) {
    out += fmt::format(" of `{}`.`{}`", job.schema_name, job.table_name);
  } else if (job.table_id.value != 0) {
    out += fmt::format(" of table {}", job.table_id);
  }
  if (job.finished_ts > 0) out += fmt::format(", finished at ts {}", job.finished_ts);
  return out;
}

Result<DdlJobOutline> parse_ddl_job_outline(ByteView document) {
  DdlJobOutline outline;
  JsonReader json(document, "ddl job");
  json.read_object([&](std::string_view key) { read_member(json, key, outline); });
  if (Result<void> read = json.finish(); !read.ok()) {
    return std::move(read).error().because("{}", describe_job(outline.job));
  }
  return outline;
}

Result<DdlJob> parse_ddl_job(ByteView document) {
  ASSIGN_OR_RETURN(DdlJobOutline outline, parse_ddl_job_outline(document));
  DdlJob& job = outline.job;
  const auto parse_table = [&](ByteView json) -> Result<std::shared_ptr<const TableInfo>> {
    Result<TableInfo> info = parse_table_info(json);
    if (info.ok()) return std::make_shared<const TableInfo>(std::move(info).value());
    return std::move(info).error().because("{}, from byte {}", describe_job(job),
                                           json.data() - document.data());
  };
  job.raw_args = outline.raw_args;
  if (!outline.db_info.empty()) {
    Result<DbInfo> info = parse_db_info(outline.db_info);
    if (!info.ok()) return std::move(info).error().because("{}", describe_job(job));
    job.db_info = std::make_unique<DbInfo>(std::move(info).value());
  }
  if (!outline.table_info.empty()) {
    ASSIGN_OR_RETURN(job.table_info, parse_table(outline.table_info));
  }
  for (const ByteView json : outline.multiple_table_infos) {
    if (json.empty()) continue;
    ASSIGN_OR_RETURN(std::shared_ptr<const TableInfo> info, parse_table(json));
    job.multiple_table_infos.push_back(std::move(info));
  }
  return std::move(outline.job);
}

}  // namespace drainer::tidb
