#pragma once

#include <map>

#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "syncer/sink.h"
#include "tests/upstream/capture.h"

namespace drainer::integration {

/// The jobs of TiDB's history in `meta`, as it stores them.
Result<std::map<DdlJobId, Bytes>> read_jobs(const upstream::KeyValues& meta);

/// Runs a capture through merger, collector, schema and syncer into `sink`, without sockets: all of
/// the drainer between the pumps' streams and the output. Returns when all is submitted and the
/// sink is closed. `shows_original_errors`: as schema::Schema.
Result<void> replay(const upstream::Capture& capture, Sink& sink,
                    bool shows_original_errors = false);

}  // namespace drainer::integration
