#pragma once

#include <memory>
#include <unordered_map>
#include <utility>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "syncer/mysql/statement.h"
#include "syncer/mysql/table_keys.h"

namespace drainer::mysql {

/// The plan of each upstream table version in use. One thread.
class PlanCache {
 public:
  PlanCache(MissingColumns missing, ConflictPolicies policies, Clock& clock)
      : missing_(missing), policies_(std::move(policies)), clock_(clock) {}

  /// Reads the downstream table on first use. A missing table is waited for a while, a missing
  /// column makes it read again once. The plan lives until the next evict() or clear().
  Result<const TablePlan*> find(Session& session,
                                const std::shared_ptr<const schema::TableVersion>& table,
                                const StopToken& stop);
  /// After a DDL: forgets the table (all of the database when `table` is empty).
  void evict(const schema::TableName& name);
  void clear();

 private:
  struct Entry {
    std::shared_ptr<const schema::TableVersion> table;  ///< keeps the key's address taken
    std::unique_ptr<const TablePlan> plan;
  };

  Result<TablePlan> make(Session& session, const schema::TableVersion& table);

  const MissingColumns missing_;
  const ConflictPolicies policies_;
  Clock& clock_;
  TableKeys tables_;
  std::unordered_map<const schema::TableVersion*, Entry> plans_;
};

}  // namespace drainer::mysql
