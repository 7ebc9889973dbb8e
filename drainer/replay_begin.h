#pragma once

#include <cstdint>
#include <string>

#include "conf/options.h"
#include "drainer/base/result.h"
#include "syncer/checkpoint/checkpoint.h"
#include "syncer/relay/txn_source.h"

namespace drainer {

/// Under which the progress of a replay stands downstream, in place of a cluster's id. Those are
/// PD's; a task's is a number that none of them is likely to have.
uint64_t id_of_replay(const std::string& task);

/// Where the task is or begins; raises the start of `source` to what lies behind it.
///
/// kInvalid where something would be applied twice or skipped: a start within or behind what a
/// known task has to do; a new task, without a start, for a relay log of which somebody else, its
/// drainer above all, has applied something. A relay log is written beside the downstream, so that
/// as a rule the downstream holds most of it; pb files are written instead of one.
Result<SavePoint> find_replay_begin(relay::SourceOptions& source, relay::RecordFormat format,
                                    const std::string& task, const Options& options);

}  // namespace drainer
