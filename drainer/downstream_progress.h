#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "conf/options.h"
#include "drainer/base/result.h"
#include "drainer/schema/table_version.h"
#include "syncer/mysql/progress_table.h"

namespace drainer {

/// Where the MySQL sink keeps its progress downstream: `drainer_progress` beside the checkpoint.
/// Where the checkpoint table has another name than by default the progress bears it, so that
/// several drainers of one cluster, each with its own checkpoint, write into one downstream beside
/// each other, as those of the original do.
schema::TableName progress_table(const Options& options);

/// What runs for `cluster_id` have left there; nothing where there was none.
Result<std::optional<mysql::ProgressTable::Previous>> find_progress(const Options& options,
                                                                    uint64_t cluster_id);

/// The progress of one drainer or replay. Plain data.
struct KeptProgress {
  uint64_t cluster_id = 0;  ///< of a replay: its task's
  mysql::ProgressTable::Previous progress;
};
/// What all runs have left there.
Result<std::vector<KeptProgress>> find_all_progress(const Options& options);

}  // namespace drainer
