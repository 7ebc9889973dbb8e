#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "conf/options.h"
#include "drainer/base/clock.h"
#include "syncer/checkpoint/checkpoint.h"

namespace drainer {

/// The checkpoint that the options ask for (spec/drainer-process.md 4.1): a table for a SQL
/// downstream or `checkpoint.type` mysql or tidb, else the file `<data-dir>/savepoint`. Cluster id
/// 0 only for recovery without PD, see table_checkpoint.h. kInvalid "unknown checkpoint type: x:
/// …".
Result<std::unique_ptr<Checkpoint>> open_checkpoint(const Options& options, uint64_t cluster_id,
                                                    Clock& clock);

/// Name of the checkpoint's schema, where the progress table lies too: `tidb_binlog` by default.
std::string checkpoint_schema(const Options& options);
/// Name of the checkpoint table in it.
inline constexpr std::string_view kDefaultCheckpointTable = "checkpoint";
std::string checkpoint_table(const Options& options);

}  // namespace drainer
