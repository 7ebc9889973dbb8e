#pragma once

#include <functional>
#include <memory>

#include "drainer/base/queue.h"
#include "drainer/base/result.h"
#include "drainer/tidb/binlog_item.h"
#include "pump_client/merger.h"

namespace drainer {

/// The finished DDL job with this id; blocks until TiDB has stored it.
using JobSource =
    std::function<Result<std::shared_ptr<const tidb::DdlJob>>(DdlJobId id, const StopToken& stop)>;

/// Takes binlogs in order from the merger, joins DDL binlogs with their jobs, and queues them for
/// the syncer (spec/upstream-protocols.md 1.3, 7.4). One thread.
class Collector {
 public:
  using Output = BoundedQueue<tidb::BinlogItem>;

  Collector(Merger& merger, JobSource find_job, Output& output)
      : merger_(merger), find_job_(std::move(find_job)), output_(output) {}

  /// Until `stop`; closes the output at its end.
  Result<void> run(const StopToken& stop);

 private:
  Result<void> run_until_stopped(const StopToken& stop);
  /// False when the binlog brings nothing to the syncer and is dropped here.
  Result<bool> complete_ddl(tidb::BinlogItem& item, const StopToken& stop);

  Merger& merger_;
  JobSource find_job_;
  Output& output_;
};

}  // namespace drainer
