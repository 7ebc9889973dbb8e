#include "conf/conflict_rules.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "conf/go_text.h"

namespace drainer::conf {

std::vector<std::string> problems_of(const std::vector<ConflictRule>& rules) {
  constexpr std::array<std::string_view, 4> kPolicies = {"overwrite", "stop", "keep", "newest"};
  std::vector<std::string> problems;
  for (const ConflictRule& rule : rules) {
    if (rule.db_name.empty()) problems.emplace_back("empty schema name in `conflict` config");
    if (rule.tbl_name.empty()) problems.emplace_back("empty table name in `conflict` config");
    if (std::ranges::find(kPolicies, rule.policy) == kPolicies.end()) {
      problems.push_back(
          fmt::format("invalid policy of a syncer.conflict: must be overwrite, stop, keep or "
                      "newest, got {}",
                      go_quote(rule.policy)));
    }
    if ((rule.policy == "newest") == rule.newest_by.empty()) {
      problems.push_back(
          fmt::format("syncer.conflict of {}.{}: the policy newest, and only that, needs newest-by",
                      rule.db_name, rule.tbl_name));
    }
  }
  return problems;
}

}  // namespace drainer::conf
