#pragma once

#include <memory>

#include "conf/options.h"
#include "drainer/base/result.h"
#include "drainer/base/threads.h"
#include "drainer/cluster/meta.h"
#include "drainer/schema/schema.h"
#include "syncer/checkpoint/checkpoint.h"

namespace drainer {

/// The schema as it was at `start`, from the history of DDL jobs or, with `load-schema-snapshot`,
/// from TiKV's snapshot at that time (spec/schema-and-ddl.md 3.2, 3.3), set up to follow later jobs
/// by the options. `meta` must outlive it.
Result<std::unique_ptr<schema::Schema>> load_schema(const Options& options, const SavePoint& start,
                                                    cluster::Meta& meta, const StopToken& stop);

}  // namespace drainer
