#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/cluster/pd.h"
#include "drainer/cluster/tikv.h"
#include "drainer/tidb/ddl_job.h"
#include "drainer/tidb/schema_snapshot.h"

namespace drainer::cluster {

using tidb::SchemaSnapshot;

/// What a drainer reads of TiDB's metadata in TiKV (spec/upstream-protocols.md 7). Any thread.
class Meta {
 public:
  /// Both must outlive it.
  Meta(PdClient& pd, KvClient& kv, Clock& clock) : pd_(pd), kv_(kv), clock_(clock) {}

  /// The finished job with this id; waits until TiDB has stored it (7.4, KEEP: no limit).
  Result<std::shared_ptr<const tidb::DdlJob>> wait_for_job(DdlJobId id, const StopToken& stop);

  /// Streams the JSON of every finished job at a fresh timestamp, by rising job id (7.5).
  using OnJob = std::function<Result<void>(DdlJobId id, ByteView json)>;
  Result<void> scan_history(const OnJob& on_job, const StopToken& stop);

  /// All databases and tables at `version` (7.6), with the GC check of 6.7.
  Result<SchemaSnapshot> snapshot(CommitTs version, const StopToken& stop);

 private:
  PdClient& pd_;
  KvClient& kv_;
  Clock& clock_;
};

}  // namespace drainer::cluster
