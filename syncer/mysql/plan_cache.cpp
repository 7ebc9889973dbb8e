#include "syncer/mysql/plan_cache.h"

#include "drainer/base/log.h"
#include "drainer/base/retry.h"

namespace drainer::mysql {
namespace {

/// About ten seconds for a table that is still to appear (created by hand, a late replica).
constexpr int kMissingTableAttempts = 10;
constexpr Backoff::Limits kMissingTablePauses{std::chrono::milliseconds(100),
                                              std::chrono::seconds(2)};

}  // namespace

Result<TablePlan> PlanCache::make(Session& session, const schema::TableVersion& table) {
  ASSIGN_OR_RETURN(const auto description, tables_.find(session, table.name));
  ASSIGN_OR_RETURN(TablePlan plan, TablePlan::make(table, *description, missing_));
  plan.conflict = policies_.find(table.name);
  return plan;
}

Result<const TablePlan*> PlanCache::find(Session& session,
                                         const std::shared_ptr<const schema::TableVersion>& table,
                                         const StopToken& stop) {
  if (const auto found = plans_.find(table.get()); found != plans_.end()) {
    return found->second.plan.get();
  }
  Backoff backoff(kMissingTablePauses);
  bool refreshed = false;
  while (true) {
    auto plan = make(session, *table);
    if (plan.ok()) {
      auto owned = std::make_unique<const TablePlan>(std::move(plan).value());
      const TablePlan* result = owned.get();
      plans_.emplace(table.get(), Entry{table, std::move(owned)});
      return result;
    }
    if (plan.error().code() == ErrorCode::kNotFound &&
        backoff.attempts() + 1 < kMissingTableAttempts) {
      if (backoff.attempts() == 0) {
        log_warn("table is missing downstream, waiting for it",
                 {{"schema", table->name.schema}, {"table", table->name.table}});
      }
      if (!backoff.pause(clock_, stop)) return make_error(ErrorCode::kStopped, "stopped");
      continue;
    }
    if (plan.error().code() == ErrorCode::kInvalid && plan.error().detail() == 0 && !refreshed) {
      refreshed = true;
      tables_.evict(table->name);
      log_info("refresh table info",
               {{"schema", table->name.schema}, {"table", table->name.table}});
      continue;
    }
    return std::move(plan).error();
  }
}

void PlanCache::evict(const schema::TableName& name) {
  tables_.evict(name);
  plans_.clear();
}

void PlanCache::clear() {
  tables_.clear();
  plans_.clear();
}

}  // namespace drainer::mysql
