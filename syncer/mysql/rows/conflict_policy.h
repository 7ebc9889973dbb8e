#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conf/options.h"
#include "drainer/base/result.h"
#include "drainer/schema/schema.h"
#include "drainer/schema/table_filter.h"

namespace drainer::mysql {

/// How conflicts in a table are found and settled. Plain data.
struct ConflictPolicy {
  ConflictAction action = ConflictAction::kOverwrite;
  std::string newest_by;   ///< the column, of kNewest
  bool wins_ties = false;  ///< kNewest, between equal values: the sender does
};

/// The tables that have a policy. Immutable; any thread.
class ConflictPolicies {
 public:
  /// None.
  ConflictPolicies() = default;
  /// `[[syncer.conflict]]`; of both sides of a pair the one with sync-ddl wins ties.
  static Result<ConflictPolicies> make(const SyncerOptions& options);

  /// Null for a table without. The policy lives as long as any copy of this.
  const ConflictPolicy* find(const schema::TableName& table) const;

 private:
  struct Rule {
    schema::TableFilter tables;
    std::shared_ptr<const ConflictPolicy> policy;
  };
  std::vector<Rule> rules_;
};

}  // namespace drainer::mysql
