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

/// The error of a job that lacks what its type promises.
inline Error missing_info(const tidb::DdlJob& job) {
  return make_error(ErrorCode::kCorrupt, "table {} not found: the job has no table info",
                    job.table_id);
}

}  // namespace drainer::schema
