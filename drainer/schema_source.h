#pragma once

#include <memory>

#include "conf/options.h"
#include "drainer/base/result.h"
#include "drainer/base/threads.h"
#include "drainer/cluster/meta.h"
#include "drainer/schema/schema.h"
#include "syncer/checkpoint/checkpoint.h"

namespace drainer {

struct LoadedSchema {
  std::unique_ptr<schema::Schema> schema;
  bool is_stored = false;  ///< our store on disk has just this
};

/// The schema as it was at `start`, from our store in the data directory and the jobs since, else
/// from the whole history of DDL jobs; or, with `load-schema-snapshot`, from TiKV's snapshot at
/// that time (spec/schema-and-ddl.md 2.9), with the ids of tables that went lately and the
/// multi-schema changes since. Set up to follow later jobs by the options. `meta` must outlive it.
///
/// Every entry of the history that the store does not know is read, whatever its id: long jobs
/// finish after many with larger ids. A store that is damaged, of another cluster, ahead of
/// `start`, or at odds with the history is left alone, with a warning.
Result<LoadedSchema> load_schema(const Options& options, uint64_t cluster_id,
                                 const SavePoint& start, cluster::Meta& meta,
                                 const StopToken& stop);

}  // namespace drainer
