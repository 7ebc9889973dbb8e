// Any bytes as the JSON of a DDL job: no crash, and both forms agree.

#include <cstddef>
#include <cstdint>

#include "drainer/base/check.h"
#include "drainer/tidb/ddl_job.h"

using namespace drainer;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView json(reinterpret_cast<const char*>(data), size);
  const Result<tidb::DdlJob> job = tidb::parse_ddl_job(json);
  if (!job.ok()) return 0;
  const Result<tidb::DdlJobOutline> outline = tidb::parse_ddl_job_outline(json);
  CHECK(outline.ok(), "the outline of a good job: {}", outline.error().to_string());
  CHECK(outline->job.id == job->id && outline->job.query == job->query, "outlines differ");
  CHECK(outline->table_info.empty() == (job->table_info == nullptr), "table infos differ");
  CHECK(outline->multiple_table_infos.size() >= job->multiple_table_infos.size(), "tables differ");
  return 0;
}
