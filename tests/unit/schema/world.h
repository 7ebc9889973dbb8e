#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "drainer/schema/schema.h"
#include "tests/unit/schema/jobs.h"

#include <catch2/catch.hpp>

namespace drainer::testing {

inline constexpr int64_t kHourTs = (int64_t{3600} * 1000) << 18;

/// A schema with databases A (101) and B (102), and tables A.t (10), A.u (11), B.v (12).
class World {
 public:
  World() {
    databases_are("A", 101);
    databases_are("B", 102);
    table("t", 10, 101);
    table("u", 11, 101);
    table("v", 12, 102);
  }

  schema::DdlEffect apply(JobSpec job) {
    complete(job);
    Result<schema::DdlEffect> effect = schema.apply_ddl(make_job(job));
    INFO((effect.ok() ? "" : effect.error().to_string()));
    REQUIRE(effect.ok());
    return std::move(effect).value();
  }
  Error refuse(JobSpec job) {
    complete(job);
    Result<schema::DdlEffect> effect = schema.apply_ddl(make_job(job));
    REQUIRE_FALSE(effect.ok());
    return std::move(effect).error();
  }
  std::string name(int64_t id) const {
    using State = schema::TableLookup::State;
    const schema::TableLookup found = schema.find_table(TableId(id));
    if (found.state == State::kTruncated) return "gone";
    if (found.state == State::kUnknown) return "unknown";
    return found.table->name.schema + "." + found.table->name.table;
  }

  schema::Schema schema;
  int64_t next = 1;

 private:
  void complete(JobSpec& job) {
    if (job.id == 0) job.id = 1000 + next;
    if (job.version == 0) job.version = next;
    if (job.finished_ts == 0) job.finished_ts = next * kHourTs;
    ++next;
  }
  void databases_are(const std::string& database, int64_t id) {
    apply({.type = tidb::DdlType::kCreateSchema, .schema_id = id, .database = database});
  }
  void table(const std::string& table, int64_t id, int64_t schema_id) {
    apply({.type = tidb::DdlType::kCreateTable,
           .schema_id = schema_id,
           .table_id = id,
           .table = {{.id = id, .name = table}}});
  }
};

}  // namespace drainer::testing
