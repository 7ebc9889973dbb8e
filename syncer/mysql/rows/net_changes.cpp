#include "syncer/mysql/rows/net_changes.h"

#include <algorithm>

namespace drainer::mysql {
namespace {

using tidb::Value;
using tidb::ValueKind;
using Row = std::span<const Value>;

constexpr size_t kChangesMax = 4000;

bool is_bytes(const Value& value) {
  return value.kind == ValueKind::kString || value.kind == ValueKind::kText ||
         value.kind == ValueKind::kBinary || value.kind == ValueKind::kDecimal ||
         value.kind == ValueKind::kJson;
}

bool is_same(const Value& a, const Value& b) {
  return a.kind == b.kind && (is_bytes(a) ? a.bytes() == b.bytes() : a.u == b.u);
}

bool has_same_key(const TablePlan& plan, const PlannedKey& key, Row a, Row b) {
  return std::ranges::all_of(key.columns, [&](uint32_t column) {
    const uint32_t offset = plan.columns[column].offset;
    return is_same(a[offset], b[offset]);
  });
}

/// Any order will do, as long as it is the same everywhere.
bool is_key_less(const TablePlan& plan, Row a, Row b) {
  const uint32_t offset = plan.columns[plan.keys[0].columns[0]].offset;
  if (a[offset].kind != b[offset].kind) return a[offset].kind < b[offset].kind;
  return is_bytes(a[offset]) ? a[offset].bytes() < b[offset].bytes() : a[offset].i < b[offset].i;
}

Row key_row(const NetChange& change) {
  return change.before.empty() ? change.after : change.before;
}

}  // namespace

bool is_changed_in_place(const TablePlan& plan, Row before, Row after) {
  const auto is_kept = [&](const PlannedColumn& column) {
    return is_same(before[column.offset], after[column.offset]);
  };
  const auto is_same_key = [&](const PlannedKey& key) {
    return has_same_key(plan, key, before, after);
  };
  return std::ranges::all_of(plan.keys, is_same_key) && !std::ranges::all_of(plan.columns, is_kept);
}

bool is_upsert(const TablePlan& plan, Row before, Row after) {
  return plan.keeps_own_columns && !plan.has_absent(after) && plan.find_key(after) == 0 &&
         has_same_key(plan, plan.keys[0], before, after);
}

bool NetChanges::append_hashes(const TablePlan& plan, Row row) {
  return row.empty() || (plan.find_key(row) == 0 && !plan.needs_own_statement(row) &&
                         plan.row_uses.append_unique(row, hashes_));
}

bool NetChanges::join(NetChange& change, const NetChange& next) {
  if (change.plan != next.plan) return false;
  const bool is_insert = next.before.empty();
  const bool is_gone = change.after.empty();
  if (is_insert != is_gone) return false;
  const Row last = is_gone ? change.before : change.after;
  const TablePlan& plan = *next.plan;
  if (!has_same_key(plan, plan.keys[0], last, is_insert ? next.after : next.before)) return false;
  // Inserted and deleted: left as it is, in case that the downstream has such a row.
  if (change.before.empty() && next.after.empty()) return false;
  change.after = next.after;
  return true;
}

NetChanges::Verdict NetChanges::add(const TablePlan& plan, const Txn& txn, const RowChange& row) {
  NetChange next{.plan = &plan};
  if (row.kind != RowKind::kInsert) next.before = txn.old_values(row);
  if (row.kind != RowKind::kDelete) next.after = txn.new_values(row);
  hashes_.clear();
  if (!append_hashes(plan, next.before) || !append_hashes(plan, next.after)) {
    return Verdict::kUnfit;
  }
  auto position = static_cast<uint32_t>(changes_.size());
  for (const uint64_t hash : hashes_) {
    const auto found = touched_.find(hash);
    if (found == touched_.end() || found->second == position) continue;
    if (position < changes_.size()) return Verdict::kHeldFirst;
    position = found->second;
  }
  if (position == changes_.size()) {
    changes_.push_back(next);
  } else if (!join(changes_[position], next)) {
    return Verdict::kHeldFirst;
  }
  for (const uint64_t hash : hashes_) touched_.emplace(hash, position);
  return Verdict::kTaken;
}

std::span<const NetChange> NetChanges::sorted() {
  std::ranges::sort(changes_, [](const NetChange& a, const NetChange& b) {
    if (a.plan != b.plan) {
      const int order = a.plan->target.compare(b.plan->target);
      return order != 0 ? order < 0 : a.plan < b.plan;
    }
    return is_key_less(*a.plan, key_row(a), key_row(b));
  });
  touched_.clear();
  return changes_;
}

bool NetChanges::is_full() const {
  return changes_.size() >= kChangesMax;
}

void NetChanges::clear() {
  changes_.clear();
  touched_.clear();
}

}  // namespace drainer::mysql
