#include "conf/unused_keys.h"

#include "conf/element_keys.h"

#include <algorithm>

namespace drainer::conf {

namespace {

// By default all of them are off, empty or absent.
struct IsGiven {
  bool operator()(bool value) const { return value; }
  bool operator()(const std::string& value) const { return !value.empty(); }
  bool operator()(const std::optional<bool>& value) const { return value.has_value(); }
  bool operator()(const auto&) const { return true; }
};

template <class Owner>
bool is_unused(const Key<Owner>& key, Owner& owner) {
  if (key.traits.has_effect) return false;
  return std::visit([&](auto field) { return IsGiven{}(field(owner)); }, key.field);
}

}  // namespace

std::vector<std::string> unused_keys(Draft& draft) {
  std::vector<std::string> names;
  for (const Key<Draft>& key : keys()) {
    if (is_unused(key, draft)) names.push_back(full_name(key));
  }
  for (const Key<TableMigrateRule>& key : element_keys<TableMigrateRule>()) {
    const bool is_set =
        std::ranges::any_of(draft.options.syncer.table_migrate_rule,
                            [&](TableMigrateRule& rule) { return is_unused(key, rule); });
    if (is_set) names.push_back("syncer.table-migrate-rule." + std::string(key.toml));
  }
  return names;
}

}  // namespace drainer::conf
