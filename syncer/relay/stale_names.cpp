#include "syncer/relay/stale_names.h"

#include <algorithm>
#include <utility>

#include "drainer/schema/lower_case.h"

namespace drainer::relay {

using schema::TableName;

TableName StaleNames::folded(const TableName& name) {
  return {schema::to_lower(name.schema), schema::to_lower(name.table)};
}

void StaleNames::rename(const std::vector<TableName>& names) {
  const bool is_single = names.size() == 2;
  for (size_t i = 0; i + 1 < names.size(); i += 2) {
    const TableName& to = names[i + 1];
    const auto known = names_.find(folded(names[i]));
    TableName written = known == names_.end() ? names[i] : known->second.written;
    if (known != names_.end()) names_.erase(known);
    if (is_single) continue;
    if (i + 3 >= names.size()) written.table = to.table;
    if (folded(written) != folded(to)) names_.insert_or_assign(folded(to), Names{to, written});
  }
}

void StaleNames::alter(const TableName& name) {
  const auto known = names_.find(folded(name));
  if (known == names_.end()) return;
  known->second.written.table = known->second.real.table;
  if (folded(known->second.written) == known->first) names_.erase(known);
}

TableName StaleNames::find_table(const TableName& name, const Exists& exists) {
  if (names_.empty()) return name;
  const TableName wanted = folded(name);
  const bool is_real = exists(name);
  const auto stale = std::ranges::find_if(
      names_, [&](const auto& entry) { return folded(entry.second.written) == wanted; });
  if (stale == names_.end()) {
    // The original would write another name for such a table.
    if (is_real && names_.contains(wanted)) writer_ = Writer::kRight;
    return name;
  }
  if (!is_real) writer_ = Writer::kOriginal;
  return writer_ == Writer::kOriginal ? stale->second.real : name;
}

}  // namespace drainer::relay
