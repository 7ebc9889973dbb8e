#include "syncer/mysql/planner.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"
#include "drainer/base/retry.h"
#include "syncer/mysql/ddl_facts.h"
#include "syncer/mysql/session/failure.h"

namespace drainer::mysql {
namespace {

constexpr Duration kSecondaryTsInterval = std::chrono::seconds(60);
/// Between two lines about the same failure.
constexpr Duration kLogInterval = std::chrono::minutes(1);
/// Transactions that are looked at together for tables that have not been read, and the columns of
/// such tables that are read with one query.
constexpr size_t kAheadTxns = 512;
constexpr size_t kAheadBytes = 1 << 20;
constexpr size_t kAheadColumns = 5000;
/// So many uses are no reason to give memory back; a large transaction has more.
constexpr size_t kKeptUsesMax = 1 << 16;
constexpr int32_t kUnsupportedByServer = 1105;
/// DDLs run one after the other.
constexpr uint64_t kDdlHash = 0x44444c;

std::vector<schema::TableName> changes_of(const Ddl& ddl) {
  std::vector<schema::TableName> names = ddl.effect.touched;
  names.push_back(ddl.effect.name);
  return names;
}

Result<int64_t> downstream_ts(Session& session) {
  ASSIGN_OR_RETURN(const auto rows, session.query("SHOW MASTER STATUS"));
  int64_t position = 0;
  if (!rows.empty() && rows[0].size() > 1 && rows[0][1]) {
    std::from_chars(rows[0][1]->data(), rows[0][1]->data() + rows[0][1]->size(), position);
  }
  return position;
}

}  // namespace

Planner::Planner(PlannerOptions options, std::unique_ptr<Session> session, AppliedState state,
                 DownstreamTables& tables, Dispatcher& dispatcher, Clock& clock)
    : options_(std::move(options)),
      session_(std::move(session)),
      start_(std::move(state)),
      dispatcher_(dispatcher),
      clock_(clock),
      previous_ts_(start_.commit_ts),
      tables_(tables) {}

Result<void> Planner::run(BoundedQueue<Txn>& input, const StopToken& stop) {
  std::vector<Txn> txns;
  while (auto first = input.pop(stop)) {
    txns.clear();
    txns.push_back(std::move(*first));
    follow_changes();
    const auto is_unknown_table = [this](const auto& table) { return is_unknown(*table); };
    if (std::ranges::any_of(txns[0].tables, is_unknown_table)) {
      take_ahead(input, txns);
      read_ahead(txns);
    }
    for (Txn& txn : txns) {
      TRY(plan(std::move(txn), stop));
      if (options_.asks_secondary_ts) TRY(add_secondary_ts(stop));
    }
  }
  return {};
}

void Planner::take_ahead(BoundedQueue<Txn>& input, std::vector<Txn>& txns) {
  size_t bytes = txns[0].size_bytes();
  // Behind a DDL tables may look different.
  while (txns.size() < kAheadTxns && bytes < kAheadBytes && !txns.back().is_ddl()) {
    auto next = input.try_pop();
    if (!next) return;
    bytes += next->size_bytes();
    txns.push_back(std::move(*next));
  }
}

bool Planner::is_unknown(const schema::TableVersion& table) const {
  return !known_.contains(&table) && !is_changing(table.name);
}

void Planner::read_ahead(const std::vector<Txn>& txns) {
  std::set<schema::TableName> names;
  const auto read = [&] {
    const std::vector<schema::TableName> unknown(names.begin(), names.end());
    names.clear();
    // One is read when it is asked for, and so are all when this fails.
    if (unknown.size() < 2 || !session_) return;
    if (!tables_.read_ahead(*session_, unknown).ok()) session_.reset();
  };
  size_t columns = 0;
  for (const Txn& txn : txns) {
    for (const auto& table : txn.tables) {
      if (!is_unknown(*table)) continue;
      if (!names.insert(table->name).second) continue;
      columns += table->info->columns.size();
      if (columns < kAheadColumns) continue;
      read();
      columns = 0;
    }
  }
  read();
}

Result<void> Planner::plan(Txn txn, const StopToken& stop) {
  const CommitTs previous = previous_ts_;
  if (txn.is_progress()) previous_ts_ = txn.commit_ts;
  if (txn.is_progress() && start_.contains(txn.commit_ts)) {
    metric::mysql_skipped_transactions_total().add();
    log_info("transaction was applied by an earlier run", {{"commit ts", txn.commit_ts}});
    return dispatcher_.add_applied(txn, previous, stop);
  }
  follow_changes();
  TRY(find_uses(txn, stop));
  PlannedTxn planned{.txn = std::move(txn), .previous_ts = previous};
  if (const auto part = start_.parts.find(planned.txn.commit_ts); part != start_.parts.end()) {
    planned.first_row = part->second;
  }
  OpenDdl ddl;
  const bool is_ddl = planned.txn.is_ddl();
  if (is_ddl && planned.txn.commit_ts == start_.ddl_ts) {
    const std::optional<std::string> facts = facts_of(*planned.txn.ddl, start_.ddl_facts);
    planned.is_begun_ddl = facts.has_value();
    planned.ddl_facts = facts.value_or("");
  }
  if (is_ddl) ddl = {.changes = changes_of(*planned.txn.ddl), .is_barrier = uses_.is_barrier};
  ASSIGN_OR_RETURN(const NodeId node, dispatcher_.add(std::move(planned), uses_, stop));
  if (is_ddl) {
    ddl.node = node;
    open_ddls_.push_back(std::move(ddl));
  }
  return {};
}

Result<void> Planner::find_uses(const Txn& txn, const StopToken& stop) {
  if (uses_.keys.capacity() > kKeptUsesMax) uses_.keys = {};
  uses_.keys.clear();
  uses_.is_barrier = false;
  if (txn.ddl) {
    find_uses_of_ddl(*txn.ddl);
    return {};
  }
  uses_.keys.reserve(2 * txn.rows.size());
  std::vector<const RowUses*> keys(txn.tables.size());
  std::vector<bool> is_known(txn.tables.size());
  for (const RowChange& row : txn.rows) {
    const RowUses*& table = keys[row.table];
    if (!is_known[row.table]) {
      ASSIGN_OR_RETURN(table, find_keys(txn.tables[row.table], stop));
      is_known[row.table] = true;
      uses_.is_barrier |= is_barrier(table);
      if (table == nullptr) uses_.keys.push_back({.hash = hash_table(txn.table_of(row).name)});
    }
    if (table != nullptr) table->append_uses(txn, row, uses_.keys);
  }
  return {};
}

// Triggers touch rows of whatever tables. Of one that a DDL is changing it is not known whether it
// has some; where no table has, it has none.
bool Planner::is_barrier(const RowUses* keys) const {
  return keys != nullptr ? keys->has_triggers() : has_seen_triggers_;
}

void Planner::find_uses_of_ddl(const Ddl& ddl) {
  uses_.keys.push_back({.hash = kDdlHash});
  for (const schema::TableName& name : changes_of(ddl)) {
    // A whole database, or nothing that we know of.
    if (name.table.empty()) uses_.is_barrier = true;
    uses_.keys.push_back({.hash = hash_table(name)});
  }
}

void Planner::follow_changes() {
  if (!open_ddls_.empty()) {
    std::erase_if(open_ddls_,
                  [&](const OpenDdl& ddl) { return dispatcher_.is_finished(ddl.node); });
  }
  if (const uint64_t now = tables_.generation(); now != std::exchange(generation_, now)) {
    known_.clear();
  }
  if (known_columns_ > kCachedColumnsMax) known_.clear();
  if (known_.empty()) known_columns_ = 0;
}

bool Planner::is_changing(const schema::TableName& name) const {
  return std::ranges::any_of(open_ddls_, [&](const OpenDdl& ddl) {
    return ddl.is_barrier || std::ranges::any_of(ddl.changes, [&](const auto& changed) {
             return hash_table(changed) == hash_table(name);
           });
  });
}

Result<const RowUses*> Planner::find_keys(const std::shared_ptr<const schema::TableVersion>& table,
                                          const StopToken& stop) {
  if (is_changing(table->name)) return nullptr;
  if (const auto found = known_.find(table.get()); found != known_.end()) {
    return found->second.keys.get();
  }
  Backoff backoff(kRetryPauses);
  TimePoint log_again{};
  while (true) {
    auto keys = read_keys(*table);
    if (keys.ok()) {
      known_columns_ += table->info->columns.size();
      return known_.emplace(table.get(), Known{table, std::move(keys).value()})
          .first->second.keys.get();
    }
    // The worker waits for it, and complains.
    if (keys.error().code() == ErrorCode::kNotFound) return nullptr;
    if (!may_retry(keys.error()) || backoff.attempts() + 1 >= options_.attempts_max) {
      return std::move(keys).error();
    }
    session_.reset();
    if (const TimePoint now = clock_.now(); now >= log_again) {
      log_again = now + kLogInterval;
      log_warn("cannot read a table's keys, trying again",
               {{"failed attempts", backoff.attempts() + 1},
                {"gives up after", options_.attempts_max},
                {"error", keys.error()}});
    }
    if (!backoff.pause(clock_, stop)) return stopped();
  }
}

Result<std::unique_ptr<const RowUses>> Planner::read_keys(const schema::TableVersion& table) {
  if (!session_) {
    ASSIGN_OR_RETURN(session_, Session::open(options_.session));
  }
  ASSIGN_OR_RETURN(const auto description, tables_.find(*session_, table.name));
  if (description->has_triggers) {
    if (!has_seen_triggers_) {
      log_warn(
          "table has triggers downstream, so that its rows are written by one worker at a time, "
          "with no other rows beside them",
          {{"table", fmt::format("`{}`.`{}`", table.name.schema, table.name.table)}});
    }
    has_seen_triggers_ = true;
  }
  if (description->unique_keys.empty()) {
    log_warn(
        "table has no any primary key and unique index, it may be slow when syncing data to "
        "downstream, we highly recommend add primary key or unique key for table",
        {{"table", fmt::format("`{}`.`{}`", table.name.schema, table.name.table)}});
  }
  std::vector<RowUses::Parent> parents;
  for (const DownstreamForeignKey& foreign : description->foreign_keys) {
    auto parent = tables_.find(*session_, foreign.parent);
    if (!parent.ok() && parent.error().code() != ErrorCode::kNotFound) {
      return std::move(parent).error();
    }
    parents.push_back(parent.ok() ? *parent : nullptr);
  }
  return std::make_unique<const RowUses>(RowUses::make(table, *description, parents));
}

Result<void> Planner::add_secondary_ts(const StopToken& stop) {
  const TimePoint now = clock_.now();
  if (last_secondary_ts_ && now - *last_secondary_ts_ <= kSecondaryTsInterval) return {};
  last_secondary_ts_ = now;
  // The two ts belong together only while nothing is on its way.
  if (!dispatcher_.wait_idle(stop)) return stopped();
  if (!session_) {
    auto opened = Session::open(options_.session);
    if (!opened.ok()) return {};
    session_ = std::move(opened).value();
  }
  auto position = downstream_ts(*session_);
  if (position.ok()) {
    dispatcher_.add_secondary_ts(*position);
    return {};
  }
  if (position.error().detail() != kUnsupportedByServer) {
    log_warn("get ts from secondary cluster failed", {{"error", position.error()}});
  }
  if (is_lost(position.error())) session_.reset();
  return {};
}

}  // namespace drainer::mysql
