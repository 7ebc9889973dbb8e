#include "syncer/mysql/rows/plan_cache.h"

#include "drainer/base/log.h"
#include "drainer/base/retry.h"

namespace drainer::mysql {
namespace {

/// About ten seconds for a table that is still to appear (created by hand, a late replica).
constexpr int kMissingTableAttempts = 10;
constexpr Backoff::Limits kMissingTablePauses{std::chrono::milliseconds(100),
                                              std::chrono::seconds(2)};

}  // namespace

Result<PlanCache::Plan> PlanCache::try_make(Session& session, const schema::TableVersion& table) {
  ASSIGN_OR_RETURN(const auto description, tables_.find(session, table.name));
  ASSIGN_OR_RETURN(TablePlan plan, TablePlan::make(table, *description, missing_));
  warn_of_left_out(plan);
  plan.conflict = policies_.find(table.name);
  // Each row has to be looked at as it comes.
  plan.can_combine = plan.can_combine && plan.conflict == nullptr;
  return std::make_shared<const TablePlan>(std::move(plan));
}

void PlanCache::warn_of_left_out(const TablePlan& plan) {
  if (plan.left_out.empty()) return;
  {
    MutexLock lock(mutex_);
    std::string& warned = left_out_[plan.target];
    if (warned == plan.left_out) return;
    warned = plan.left_out;
  }
  log_warn("the downstream table lacks columns, their values are left out",
           {{"table", plan.target}, {"columns", plan.left_out}});
}

Result<PlanCache::Plan> PlanCache::make(Session& session, const schema::TableVersion& table,
                                        const StopToken& stop) {
  Backoff backoff(kMissingTablePauses);
  bool refreshed = false;
  while (true) {
    auto plan = try_make(session, table);
    if (plan.ok()) return plan;
    if (plan.error().code() == ErrorCode::kNotFound &&
        backoff.attempts() + 1 < kMissingTableAttempts) {
      if (backoff.attempts() == 0) {
        log_warn("table is missing downstream, waiting for it",
                 {{"schema", table.name.schema}, {"table", table.name.table}});
      }
      if (!backoff.pause(clock_, stop)) return stopped();
      continue;
    }
    if (plan.error().code() == ErrorCode::kInvalid && plan.error().detail() == 0 && !refreshed) {
      refreshed = true;
      tables_.evict(table.name);
      log_info("refresh table info", {{"schema", table.name.schema}, {"table", table.name.table}});
      continue;
    }
    return plan;
  }
}

Result<PlanCache::Plan> PlanCache::find(Session& session,
                                        const std::shared_ptr<const schema::TableVersion>& table,
                                        const StopToken& stop) {
  uint64_t clears = 0;
  {
    MutexLock lock(mutex_);
    if (const auto found = plans_.find(table.get()); found != plans_.end()) {
      return found->second.plan;
    }
    clears = clears_;
  }
  ASSIGN_OR_RETURN(Plan plan, make(session, *table, stop));
  MutexLock lock(mutex_);
  if (clears != clears_) return plan;
  if (columns_ > kCachedColumnsMax) {
    plans_.clear();
    columns_ = 0;
  }
  columns_ += plan->columns.size();
  plans_.emplace(table.get(), Entry{table, plan});
  return plan;
}

void PlanCache::evict(std::span<const schema::TableName> names) {
  for (const schema::TableName& name : names) tables_.evict(name);
  clear();
}

void PlanCache::refresh() {
  tables_.clear();
  clear();
}

void PlanCache::clear() {
  MutexLock lock(mutex_);
  ++clears_;
  plans_.clear();
  columns_ = 0;
}

}  // namespace drainer::mysql
