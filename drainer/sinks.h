#pragma once

#include <cstdint>
#include <memory>

#include "conf/options.h"
#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/base/threads.h"
#include "syncer/checkpoint/checkpoint.h"
#include "syncer/sink.h"

namespace drainer {

/// Where an output goes on. Plain data.
struct SinkStart {
  uint64_t cluster_id = 0;
  SavePoint save_point;
  bool has_checkpoint = false;  ///< an earlier run has saved `save_point`
  bool is_start_given = false;  ///< somebody has said where to start
  /// Where `save_point` is from: another drainer may save a newer one until the output has shut it
  /// out. Null where that cannot be. Only used while the output is opened.
  Checkpoint* checkpoint = nullptr;
  /// PD's time now: no earlier run has applied anything above it. Where there is no PD, everything
  /// may have been applied.
  CommitTs opened_at{INT64_MAX};
  /// The transactions come from files. Those do not tell generated and hidden columns, or ones that
  /// are just being added or dropped, from others: what the downstream lacks is left out. No relay
  /// log is written.
  bool is_replay = false;
};

/// The output that `db-type` names, opened for what comes after `start`.
Result<std::unique_ptr<Sink>> open_sink(const Options& options, const SinkStart& start,
                                        Clock& clock, const StopToken& stop);

}  // namespace drainer
