#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/ids.h"
#include "drainer/base/result.h"
#include "drainer/cluster/etcd.h"
#include "drainer/cluster/pd.h"
#include "drainer/cluster/tikv.h"
#include "drainer/tidb/ddl_job.h"
#include "drainer/tidb/schema_snapshot.h"

namespace drainer::cluster {

using tidb::SchemaSnapshot;

/// What a drainer reads of TiDB's metadata in TiKV (spec/upstream-protocols.md 7). Any thread.
class Meta {
 public:
  /// All must outlive it. `etcd` may be null only where snapshot() is never called.
  Meta(PdClient& pd, KvClient& kv, Clock& clock, EtcdClient* etcd = nullptr)
      : pd_(pd), kv_(kv), clock_(clock), etcd_(etcd) {}

  /// The finished job with this id; waits until TiDB has stored it (7.4, KEEP: no limit).
  /// FIX: looks every 100 ms, not every second, and returns on `stop`. Ten failures in a row, one
  /// second apart, are an error.
  Result<std::shared_ptr<const tidb::DdlJob>> wait_for_job(DdlJobId id, const StopToken& stop);

  /// Streams the JSON of every finished job at a fresh timestamp, by rising job id (7.5).
  using OnJob = std::function<Result<void>(DdlJobId id, ByteView json)>;
  Result<void> scan_history(const OnJob& on_job, const StopToken& stop);

  /// The same for jobs with ids from `first` to `last` only.
  Result<void> scan_history(DdlJobId first, DdlJobId last, const OnJob& on_job,
                            const StopToken& stop);
  /// The ids of all finished jobs, rising. Costs a few dozen bytes per job, not its JSON.
  Result<std::vector<DdlJobId>> history_ids(const StopToken& stop);
  /// The same without those below `first`.
  Result<std::vector<DdlJobId>> history_ids_from(DdlJobId first, const StopToken& stop);
  /// The same as of `version`, which GC may have reached (see snapshot). None for version 0.
  Result<std::vector<DdlJobId>> history_ids(CommitTs version, const StopToken& stop);
  /// The table as it is now; nothing if it is gone. Also shows what is not public yet.
  Result<std::optional<tidb::TableInfo>> current_table(SchemaId schema, TableId table,
                                                       const StopToken& stop);

  /// All databases and tables at `version` (7.6). kInvalid when GC has, or may have, removed data
  /// of that time (6.7): asked before and after the read. Empty for version 0.
  Result<SchemaSnapshot> snapshot(CommitTs version, const StopToken& stop);

 private:
  Result<std::optional<Bytes>> job_json(DdlJobId id, const StopToken& stop);
  Result<void> scan_history(const Bytes& start, const Bytes& end, const OnJob& on_job,
                            const StopToken& stop);
  Result<std::vector<DdlJobId>> history_ids(const Bytes& begin, CommitTs version,
                                            const StopToken& stop);
  Result<void> check_not_collected(CommitTs version, const StopToken& stop);
  Result<SchemaSnapshot::Database> database(ByteView field, ByteView json, CommitTs version,
                                            const StopToken& stop);

  PdClient& pd_;
  KvClient& kv_;
  Clock& clock_;
  EtcdClient* etcd_;
};

}  // namespace drainer::cluster
