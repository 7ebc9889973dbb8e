#pragma once

#include <memory>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "drainer/cluster/meta.h"
#include "drainer/schema/job_ranges.h"
#include "syncer/syncer.h"

namespace drainer {

/// Looks in TiKV for what explains a row with a column, or a member of an ENUM, that the schema
/// does not have (spec/schema-and-ddl.md 3.4).
///
/// A multi-schema change whose columns are public already, but whose binlog is still to come, must
/// go first: it is waited for. A column that is not public yet belongs to a change that runs, and
/// is not for us; nor is the invalid value of an ENUM that has no more members now. One thread.
class NewerJobs {
 public:
  /// Both must outlive it.
  NewerJobs(cluster::Meta& meta, Clock& clock) : meta_(meta), clock_(clock) {}

  /// Finished multi-schema changes of the table that are not among `known` (sorted); none when the
  /// row needs none. kTimeout when TiDB does not finish the change within kNewerJobLimit.
  Result<std::vector<std::shared_ptr<const tidb::DdlJob>>> find(const NewerColumn& column,
                                                                const std::vector<DdlJobId>& known,
                                                                const StopToken& stop);

 private:
  enum class Answer : uint8_t { kFound, kNotNeeded, kNotYet };
  Result<Answer> look(const NewerColumn& column, const std::vector<DdlJobId>& known,
                      std::vector<std::shared_ptr<const tidb::DdlJob>>& found,
                      const StopToken& stop);

  cluster::Meta& meta_;
  Clock& clock_;
};

/// TiDB finishes a change when all its servers have followed, which long transactions hold up.
inline constexpr Duration kNewerJobLimit = std::chrono::minutes(10);

}  // namespace drainer
