#pragma once

#include <memory>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/cluster/meta.h"
#include "drainer/schema/job_ranges.h"
#include "drainer/tidb/ddl_job.h"
#include "syncer/newer_column.h"

namespace drainer {

/// Looks in TiKV for what explains a row with a column that the schema does not have, or a value
/// that its column cannot hold (spec/schema-and-ddl.md 3.4).
///
/// A multi-schema change whose columns are public already, but whose binlog is still to come, must
/// go first: it is waited for, as long as TiDB's servers need to follow it, which a transaction
/// with a metadata lock may hold up for hours. A column that is not public yet belongs to a change
/// that runs, and is not for us; nor is an odd value of a column that is still what it was. One
/// thread.
class NewerJobs {
 public:
  /// Both must outlive it.
  NewerJobs(cluster::Meta& meta, Clock& clock) : meta_(meta), clock_(clock) {}

  /// Finished multi-schema changes of the table that are not among `known` (sorted); none when the
  /// row needs none. Waits without limit, and logs what for. kConflict when a known job has what
  /// the schema lacks: waiting would be in vain.
  Result<std::vector<std::shared_ptr<const tidb::DdlJob>>> find(const NewerColumn& column,
                                                                const std::vector<DdlJobId>& known,
                                                                const StopToken& stop);

 private:
  /// False while the job that is needed has not finished.
  Result<bool> look(const NewerColumn& column, const std::vector<DdlJobId>& known,
                    std::vector<std::shared_ptr<const tidb::DdlJob>>& found, const StopToken& stop);
  /// For columns that the schema does not have.
  Result<void> check_known(const NewerColumn& column, const StopToken& stop);

  cluster::Meta& meta_;
  Clock& clock_;
};

}  // namespace drainer
