#include "syncer/mysql/rows/conflict_policy.h"

#include <utility>

namespace drainer::mysql {

Result<ConflictPolicies> ConflictPolicies::make(const SyncerOptions& options) {
  ConflictPolicies policies;
  for (const ConflictRule& rule : options.conflict) {
    SyncerOptions only;
    only.replicate_do_table = {{.db_name = rule.db_name, .tbl_name = rule.tbl_name}};
    ASSIGN_OR_RETURN(schema::TableFilter tables, schema::TableFilter::make(only));
    policies.rules_.push_back(
        {.tables = std::move(tables),
         .policy = std::make_shared<const ConflictPolicy>(ConflictPolicy{
             .action = rule.policy, .newest_by = rule.newest_by, .wins_ties = options.sync_ddl})});
  }
  return policies;
}

const ConflictPolicy* ConflictPolicies::find(const schema::TableName& table) const {
  for (const Rule& rule : rules_) {
    if (!rule.tables.skips(table)) return rule.policy.get();
  }
  return nullptr;
}

}  // namespace drainer::mysql
