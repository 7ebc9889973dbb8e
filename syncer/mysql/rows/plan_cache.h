#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "drainer/base/clock.h"
#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "syncer/mysql/rows/downstream_tables.h"
#include "syncer/mysql/rows/table_plan.h"

namespace drainer::mysql {

/// The plan of each upstream table version in use, for all workers. Any thread.
class PlanCache {
 public:
  using Plan = std::shared_ptr<const TablePlan>;

  PlanCache(DownstreamTables& tables, MissingColumns missing, ConflictPolicies policies,
            Clock& clock)
      : tables_(tables), missing_(missing), policies_(std::move(policies)), clock_(clock) {}

  /// Reads the downstream table on first use. A missing table is waited for a while, a missing
  /// column makes it read again once.
  Result<Plan> find(Session& session, const std::shared_ptr<const schema::TableVersion>& table,
                    const StopToken& stop) EXCLUDES(mutex_);
  /// Forgets these tables, which have changed; with an empty `table` all of the database.
  void evict(std::span<const schema::TableName> names) EXCLUDES(mutex_);
  /// Reads all tables again: some may have changed.
  void refresh() EXCLUDES(mutex_);

 private:
  struct Entry {
    std::shared_ptr<const schema::TableVersion> table;  ///< keeps the key's address taken
    Plan plan;
  };

  Result<Plan> make(Session& session, const schema::TableVersion& table, const StopToken& stop);
  void clear() EXCLUDES(mutex_);
  Result<Plan> try_make(Session& session, const schema::TableVersion& table);
  /// Once per table and set of columns.
  void warn_of_left_out(const TablePlan& plan) EXCLUDES(mutex_);

  DownstreamTables& tables_;
  const MissingColumns missing_;
  const ConflictPolicies policies_;
  Clock& clock_;

  Mutex mutex_;
  std::unordered_map<const schema::TableVersion*, Entry> plans_ GUARDED_BY(mutex_);
  size_t columns_ GUARDED_BY(mutex_) = 0;  ///< of plans_
  uint64_t clears_ GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::string, std::string> left_out_ GUARDED_BY(mutex_);  ///< by target
};

}  // namespace drainer::mysql
