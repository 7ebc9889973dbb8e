#pragma once

#include <string>

#include "conf/options.h"
#include "drainer/base/result.h"
#include "drainer/base/threads.h"
#include "drainer/cluster/registry.h"
#include "drainer/schema/schema.h"

namespace drainer {

/// What can be told at the start of the other drainers of a pair, ring or star: whether their marks
/// in our upstream will be readable, and who else reads our upstream (loopback/README.md, "What the
/// start checks"). Nothing without loopback-control. An error ends the start.
Result<void> check_pair(const SyncerOptions& syncer, const schema::Schema& schema,
                        cluster::Registry& registry, const std::string& node_id,
                        const StopToken& stop);

}  // namespace drainer
