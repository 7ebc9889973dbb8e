#include "syncer/mysql/rows/packet.h"

#include <algorithm>
#include <utility>

#include "syncer/mysql/rows/statement.h"
#include "syncer/mysql/rows/where_text.h"

namespace drainer::mysql {
namespace {

/// A packet is sent when it has grown to this; larger ones win nothing.
constexpr size_t kPacketBytes = 4 << 20;
/// Header of a packet and room for a guard, below max_allowed_packet.
constexpr size_t kPacketSlack = 1024;
/// A packet must be done long before the read timeout passes, also where a row takes milliseconds.
constexpr size_t kPacketStatements = 1000;
/// Each of them may read the whole table.
constexpr size_t kPacketScans = 10;
constexpr size_t kStatementBytes = 1 << 20;
/// Below MariaDB's in_predicate_conversion_threshold of 1000.
constexpr size_t kStatementRows = 500;

}  // namespace

PacketLimits packet_limits(size_t max_allowed_packet) {
  const size_t most = std::max(max_allowed_packet, 2 * kPacketSlack) - kPacketSlack;
  return {.packet_bytes = std::min(kPacketBytes, most),
          .packet_bytes_max = most,
          .packet_statements = kPacketStatements,
          .packet_scans = kPacketScans,
          .statement_bytes = std::min(kStatementBytes, most / 2),
          .statement_rows = kStatementRows};
}

void append_guard(std::string& sql, uint64_t rows) {
  fmt::format_to(std::back_inserter(sql),
                 "SET @drainer_guard=18446744073709551615+(ROW_COUNT()<>{})", rows);
}

Error too_large_error(size_t bytes, size_t bytes_max) {
  return make_error(ErrorCode::kInvalid,
                    "statement of {} bytes is larger than the downstream's max_allowed_packet "
                    "allows ({} bytes)",
                    bytes, bytes_max);
}

PacketWriter::PacketWriter(PacketLimits limits, QuoteStyle style, WriteMode mode,
                           const PlanSet& ordered, Send send)
    : limits_(limits), style_(style), mode_(mode), ordered_(ordered), send_(std::move(send)) {}

Result<void> PacketWriter::add_statement(std::string_view sql) {
  TRY(write_net());
  close_run();
  sql_ += sql;
  sql_.push_back(';');
  return fit_packet(/*is_statement_end=*/true);
}

Result<void> PacketWriter::add_guarded(std::string_view sql, uint64_t rows) {
  TRY(write_net());
  close_run();
  sql_ += sql;
  sql_.push_back(';');
  append_guard(sql_, rows);
  sql_.push_back(';');
  return fit_packet(/*is_statement_end=*/true);
}

Result<void> PacketWriter::add_row(const TablePlan& plan, const Txn& txn, const RowChange& row) {
  if (mode_ == WriteMode::kSafe) return write_row(plan, txn, row);
  if (!plan.can_combine || ordered_.contains(&plan)) {
    // What triggers do may depend on rows of other tables.
    if (plan.may_have_triggers) TRY(write_net());
    return write_row(plan, txn, row);
  }
  if (net_.is_full()) TRY(write_net());
  switch (net_.add(plan, txn, row)) {
    case NetChanges::Verdict::kTaken:
      return {};
    case NetChanges::Verdict::kHeldFirst:
      TRY(write_net());
      net_.add(plan, txn, row);
      return {};
    case NetChanges::Verdict::kUnfit:
      TRY(write_net());
      return write_row(plan, txn, row);
  }
  return {};
}

Result<void> PacketWriter::write_net() {
  if (net_.is_empty()) return {};
  const std::span<const NetChange> changes = net_.sorted();
  const auto has_both = [](const NetChange& change) {
    return !change.before.empty() && !change.after.empty();
  };
  const auto is_in_place = [&](const NetChange& change) {
    return has_both(change) && is_changed_in_place(*change.plan, change.before, change.after);
  };
  for (const NetChange& change : changes) {
    if (change.after.empty()) TRY(add_delete(*change.plan, change.before));
  }
  for (const NetChange& change : changes) {
    if (is_in_place(change)) TRY(add_insert(Verb::kChange, *change.plan, change.after));
  }
  for (const NetChange& change : changes) {
    if (!has_both(change) || is_in_place(change)) continue;
    TRY(add_update(*change.plan, change.after, change.before));
  }
  for (const NetChange& change : changes) {
    if (change.before.empty()) TRY(add_insert(Verb::kInsert, *change.plan, change.after));
  }
  net_.clear();
  return {};
}

Result<void> PacketWriter::write_row(const TablePlan& plan, const Txn& txn, const RowChange& row) {
  switch (row.kind) {
    case RowKind::kInsert:
      return mode_ == WriteMode::kSafe ? add_replace(plan, txn.new_values(row))
                                       : add_insert(Verb::kInsert, plan, txn.new_values(row));
    case RowKind::kDelete:
      return add_delete(plan, txn.new_values(row));
    case RowKind::kUpdate:
      if (mode_ != WriteMode::kSafe) {
        return add_update(plan, txn.new_values(row), txn.old_values(row));
      }
      if (!is_upsert(plan, txn.old_values(row), txn.new_values(row))) {
        TRY(add_delete(plan, txn.old_values(row)));
      }
      return add_replace(plan, txn.new_values(row));
  }
  return {};
}

bool PacketWriter::continues_run(Verb verb, const TablePlan& plan) const {
  return run_.can_grow && run_.verb == verb && run_.plan == &plan &&
         run_.rows < limits_.statement_rows && sql_.size() - run_.begin < limits_.statement_bytes;
}

Result<void> PacketWriter::count_statement(bool is_scan) {
  close_run();
  if (statements_ >= limits_.packet_statements || scans_ >= limits_.packet_scans) TRY(send_rest());
  ++statements_;
  scans_ += is_scan ? 1 : 0;
  return {};
}

Result<void> PacketWriter::add_insert(Verb verb, const TablePlan& plan, Row row) {
  const bool can_share = !plan.needs_own_statement(row);
  if (can_share && continues_run(verb, plan)) {
    sql_.push_back(',');
    TRY(append_tuple(sql_, plan, row, style_));
    ++run_.rows;
    return fit_packet(/*is_statement_end=*/false);
  }
  TRY(count_statement(/*is_scan=*/false));
  run_ = {.verb = verb,
          .plan = &plan,
          .first = row,
          .begin = sql_.size(),
          .rows = 1,
          .can_grow = can_share};
  TRY(append_insert(sql_, verb == Verb::kReplace ? "REPLACE" : "INSERT", plan, row, style_));
  return fit_packet(/*is_statement_end=*/false);
}

Result<void> PacketWriter::add_replace(const TablePlan& plan, Row row) {
  if (!plan.keeps_own_columns) return add_insert(Verb::kReplace, plan, row);
  TRY(count_statement(/*is_scan=*/false));
  TRY(append_replace(sql_, plan, row, style_));
  sql_.push_back(';');
  return fit_packet(/*is_statement_end=*/true);
}

Result<void> PacketWriter::add_delete(const TablePlan& plan, Row row) {
  const int32_t key = plan.find_key(row);
  if (continues_run(Verb::kDelete, plan) && key == run_.key) return grow_delete(row);
  TRY(count_statement(/*is_scan=*/key < 0));
  run_ = {.verb = Verb::kDelete,
          .plan = &plan,
          .key = key,
          .first = row,
          .begin = sql_.size(),
          .rows = 1,
          // The server deletes those of a list in an order of its own.
          .can_grow = key >= 0 && plan.conflict == nullptr && !plan.may_have_triggers &&
                      plan.keys[static_cast<size_t>(key)].can_be_listed};
  TRY(mode_ == WriteMode::kSafe ? append_delete_by_key(sql_, plan, row, style_)
                                : append_delete(sql_, plan, row, style_));
  return fit_packet(/*is_statement_end=*/false);
}

Result<void> PacketWriter::grow_delete(Row row) {
  const PlannedKey& key = run_.plan->keys[static_cast<size_t>(run_.key)];
  const bool is_single = key.columns.size() == 1;
  if (run_.rows == 1) {
    // The single form becomes a list.
    sql_.resize(run_.begin);
    sql_ += "DELETE FROM ";
    sql_ += run_.plan->target;
    sql_ += " WHERE ";
    if (is_single) {
      sql_ += run_.plan->columns[key.columns[0]].quoted;
      sql_ += " IN (";
    }
    TRY(append_key_element(sql_, *run_.plan, key, run_.first, style_));
  }
  sql_ += is_single ? "," : " OR ";
  TRY(append_key_element(sql_, *run_.plan, key, row, style_));
  ++run_.rows;
  return fit_packet(/*is_statement_end=*/false);
}

Result<void> PacketWriter::add_update(const TablePlan& plan, Row new_row, Row old_row) {
  TRY(count_statement(/*is_scan=*/plan.find_key(old_row) < 0));
  TRY(append_update(sql_, plan, new_row, old_row, style_));
  sql_.push_back(';');
  if (mode_ == WriteMode::kExact) {
    append_guard(sql_, 1);
    sql_.push_back(';');
  }
  return fit_packet(/*is_statement_end=*/true);
}

void PacketWriter::close_run() {
  if (run_.verb == Verb::kNone) return;
  const bool is_list = run_.verb == Verb::kDelete && run_.rows > 1 &&
                       run_.plan->keys[static_cast<size_t>(run_.key)].columns.size() == 1;
  if (is_list) sql_.push_back(')');
  if (run_.verb == Verb::kChange) sql_ += run_.plan->upsert_tail;
  sql_.push_back(';');
  if (run_.verb == Verb::kDelete && mode_ == WriteMode::kExact) {
    append_guard(sql_, run_.rows);
    sql_.push_back(';');
  }
  if (run_.verb == Verb::kChange) {
    append_guard(sql_, 2 * run_.rows);
    sql_.push_back(';');
  }
  run_ = {};
  complete_ = sql_.size();
}

Result<void> PacketWriter::fit_packet(bool is_statement_end) {
  const size_t before = complete_;
  if (is_statement_end) complete_ = sql_.size();
  const size_t tail = run_.verb == Verb::kChange ? run_.plan->upsert_tail.size() : 0;
  if (sql_.size() + tail <= limits_.packet_bytes) return {};
  if (before > 0) {
    // What was complete before this statement goes out; the statement begins the next packet.
    TRY(send_(std::string_view(sql_).substr(0, before)));
    sql_.erase(0, before);
    complete_ = is_statement_end ? sql_.size() : 0;
    run_.begin -= is_statement_end ? 0 : before;
  }
  if (sql_.size() + tail > limits_.packet_bytes_max) {
    return too_large_error(sql_.size() + tail, limits_.packet_bytes_max);
  }
  return {};
}

Result<void> PacketWriter::finish() {
  TRY(write_net());
  return send_rest();
}

Result<void> PacketWriter::send_rest() {
  close_run();
  if (sql_.empty()) return {};
  TRY(send_(sql_));
  sql_.clear();
  complete_ = 0;
  statements_ = 0;
  scans_ = 0;
  return {};
}

}  // namespace drainer::mysql
