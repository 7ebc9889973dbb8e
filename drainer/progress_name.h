#pragma once

#include "conf/options.h"
#include "drainer/schema/table_version.h"

namespace drainer {

/// Where the MySQL sink keeps its progress downstream: `drainer_progress` beside the checkpoint.
/// Where the checkpoint table has another name than by default the progress bears it, so that
/// several drainers of one cluster, each with its own checkpoint, write into one downstream beside
/// each other, as those of the original do.
schema::TableName progress_table(const Options& options);

}  // namespace drainer
