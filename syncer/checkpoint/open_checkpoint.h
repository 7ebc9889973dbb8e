#pragma once

#include <cstdint>
#include <memory>

#include "conf/options.h"
#include "drainer/base/clock.h"
#include "drainer/schema/table_version.h"
#include "syncer/checkpoint/checkpoint.h"

namespace drainer {

/// The checkpoint that the options ask for (spec/drainer-process.md 4.1): a table for a SQL
/// downstream or `checkpoint.type` mysql or tidb, else the file `<data-dir>/savepoint`. Cluster id
/// 0 only for recovery without PD, see table_checkpoint.h. kInvalid "unknown checkpoint type: x".
Result<std::unique_ptr<Checkpoint>> open_checkpoint(const Options& options, uint64_t cluster_id,
                                                    Clock& clock);

/// Name of the checkpoint table, `tidb_binlog.checkpoint` by default.
schema::TableName checkpoint_table(const Options& options);
/// Where the MySQL sink keeps its progress downstream: `drainer_progress` in the same schema. Of
/// drainers with other checkpoint tables it bears their name, so that several of one cluster, each
/// with its own checkpoint, write into one downstream beside each other, as those of the original.
schema::TableName progress_table(const Options& options);

}  // namespace drainer
