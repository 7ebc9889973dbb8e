#pragma once

#include <utility>

#include "drainer/base/result.h"
#include "drainer/schema/schema.h"

namespace drainer::schema {

// What the implementations of the schema's changes have in common.

/// Executes the text; about one table (or database), which it touches, in its database.
inline DdlEffect executed(TableName name) {
  DdlEffect effect;
  effect.action = DdlEffect::Action::kExecute;
  effect.use_schema = name.schema;
  effect.touched = {name};
  effect.name = std::move(name);
  return effect;
}

/// How long the tables of a dropped database are remembered. TiDB keeps dropped data for its GC
/// life time, hours to days.
inline constexpr int64_t kRecoverableMs = int64_t{7} * 24 * 3600 * 1000;

/// The time of a job's ts.
inline int64_t ms_of(int64_t ts) {
  return physical_ms(CommitTs(ts));
}

/// The error of a job that lacks what its type promises.
inline Error missing_info(const tidb::DdlJob& job) {
  return make_error(ErrorCode::kCorrupt, "table {} not found: the job has no table info",
                    job.table_id);
}

}  // namespace drainer::schema
