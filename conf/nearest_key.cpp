#include "conf/nearest_key.h"

#include <algorithm>
#include <utility>

#include "conf/element_keys.h"
#include "conf/key_table.h"
#include "drainer/base/ascii.h"

namespace drainer::conf {

namespace {

// Levenshtein's distance.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}

// The paths of all keys, those inside of arrays and maps included.
std::vector<std::string> all_paths() {
  std::vector<std::string> out;
  const auto append_elements = [&](std::string_view outer, const auto& inner) {
    for (const auto& key : inner) out.push_back(std::string(outer) + "." + std::string(key.toml));
  };
  for (const Key<Draft>& key : keys()) {
    if (key.toml.empty()) continue;
    out.emplace_back(key.toml);
    if (std::holds_alternative<std::vector<TablePattern>& (*)(Draft&)>(key.field)) {
      append_elements(key.toml, element_keys<TablePattern>());
    }
  }
  append_elements("syncer.conflict", element_keys<ConflictRule>());
  append_elements("syncer.table-migrate-rule", element_keys<TableMigrateRule>());
  append_elements("syncer.binlog-filter-rule.<name>", element_keys<BinlogFilterRule>());
  return out;
}

}  // namespace

std::string nearest_key(std::string_view path) {
  const std::string wanted = fold_case(path);
  const std::string_view wanted_name = last_part(wanted);
  std::string best;
  size_t best_distance = wanted_name.size() / 3 + 2;
  for (const std::string& candidate : all_paths()) {
    const std::string folded = fold_case(candidate);
    const size_t moved = edit_distance(wanted_name, last_part(folded)) + 1;
    const size_t distance = std::min(edit_distance(wanted, folded), moved);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace drainer::conf
