#include "syncer/mysql/step_writer.h"

#include <algorithm>
#include <utility>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/log.h"
#include "drainer/base/metrics.h"
#include "syncer/mysql/session/failure.h"

namespace drainer::mysql {
namespace {

Histogram& query_seconds() {
  static Histogram& histogram = metric::query_duration_time("exec");
  return histogram;
}

// Of the packet that ends with COMMIT: it is never sent alone.
Histogram& commit_seconds() {
  static Histogram& histogram = metric::query_duration_time("commit");
  return histogram;
}

/// The rows of the step's i-th transaction that are written.
std::span<const RowChange> rows_of(const Step& step, size_t i) {
  const std::vector<RowChange>& rows = step.txns[i].txn.rows;
  const size_t first = i == 0 ? std::min(step.first_row, rows.size()) : 0;
  const size_t end = step.txns.size() == 1 ? std::min(step.end_row, rows.size()) : rows.size();
  return std::span(rows).subspan(first, end - first);
}

}  // namespace

Result<Written> StepWriter::write(const Target& target, const Step& step, WriteMode mode,
                                  const BeforeCommit& before_commit, const StopToken& stop) {
  Session& session = target.session;
  ASSIGN_OR_RETURN(const auto plans, find_plans(session, step, stop));
  PacketWriter writer(packet_limits(options_.max_allowed_packet), {session.no_backslash_escapes()},
                      mode, ordered_,
                      [&](std::string_view packet) { return send(session, packet); });
  TRY(writer.add_statement("START TRANSACTION"));
  for (const loopback::Mark& mark : marks_of(step)) TRY(writer.add_guarded(mark.update, 1));
  TRY(writer.add_guarded(target.progress.update_text(step.after), 1));
  for (size_t i = 0; i < step.txns.size(); ++i) {
    for (const RowChange& row : rows_of(step, i)) {
      TRY(writer.add_row(*plans[i][row.table], step.txns[i].txn, row));
    }
  }
  if (before_commit) {
    TRY(writer.finish());
    ASSIGN_OR_RETURN(const bool may_commit, before_commit());
    if (!may_commit) return Written::kOutOfTurn;
  }
  const TimePoint begin = clock_.now();
  TRY(writer.add_statement("COMMIT"));
  TRY(writer.finish());
  commit_seconds().observe(std::chrono::duration<double>(clock_.now() - begin).count());
  return Written::kCommitted;
}

Result<Written> StepWriter::write_carefully(const Target& target, const Step& step, WriteMode mode,
                                            const BeforeCommit& before_commit,
                                            CarefulFindings& findings, const StopToken& stop) {
  Session& session = target.session;
  findings = {};
  ASSIGN_OR_RETURN(const auto plans, find_plans(session, step, stop));
  TRY(session.execute("START TRANSACTION"));
  for (const loopback::Mark& mark : marks_of(step)) {
    ASSIGN_OR_RETURN(const bool is_new, write_mark_carefully(session, mark));
    findings.has_new_mark |= is_new;
  }
  ASSIGN_OR_RETURN(const uint64_t updated,
                   session.execute(target.progress.update_text(step.after)));
  if (updated != 1) return target.progress.fenced_error(session);
  RowWriter writer(
      session, {.statement_bytes_max = packet_limits(options_.max_allowed_packet).packet_bytes_max,
                .mismatch = options_.mismatch,
                .cluster_id = options_.cluster_id,
                .conflict_table = options_.conflict_table});
  for (size_t i = 0; i < step.txns.size(); ++i) {
    const Txn& txn = step.txns[i].txn;
    for (const RowChange& row : rows_of(step, i)) {
      const TablePlan& plan = *plans[i][row.table];
      auto written = writer.write(plan, txn, row, mode);
      if (!written.ok() && written.error().detail() == 0 &&
          written.error().code() != ErrorCode::kConflict) {
        return std::move(written).error().because("commit ts {}: row {} of {}", txn.commit_ts,
                                                  &row - txn.rows.data(), plan.target);
      }
      TRY(std::move(written));
    }
  }
  findings.deviations = writer.deviations();
  if (before_commit) {
    ASSIGN_OR_RETURN(const bool may_commit, before_commit());
    if (!may_commit) return Written::kOutOfTurn;
  }
  TRY(session.execute("COMMIT"));
  return Written::kCommitted;
}

void StepWriter::keep_order(const Target& target, const Step& step, const CarefulFindings& findings,
                            const StopToken& stop) {
  // Its guard comes first: of those of the rows nothing is known.
  if (findings.has_new_mark) return;
  const auto plans = find_plans(target.session, step, stop);
  if (!plans.ok()) return;
  std::erase_if(ordered_, [](const auto& entry) { return entry.second.expired(); });
  const auto& [seen, possible] = findings.deviations;
  const size_t known = ordered_.size();
  order_tables(step, *plans, seen.empty() ? &possible : &seen);
  // Of those that are not written so already none stands out: it may be any.
  if (seen.empty() && ordered_.size() == known) order_tables(step, *plans, nullptr);
}

void StepWriter::order_tables(const Step& step, const Plans& plans,
                              const std::set<const TablePlan*>* blamed) {
  for (size_t i = 0; i < step.txns.size(); ++i) {
    for (const RowChange& row : step.txns[i].txn.rows) {
      const PlanCache::Plan& plan = plans[i][row.table];
      const bool is_blamed =
          blamed != nullptr ? blamed->contains(plan.get()) : row.kind != RowKind::kInsert;
      if (!is_blamed || !plan->can_combine) continue;
      if (!ordered_.emplace(plan.get(), plan).second) continue;
      log_warn("rows do not change as they did upstream, the table is written row by row",
               {{"table", plan->target}, {"commit ts", step.last_ts()}});
    }
  }
}

Result<StepWriter::Plans> StepWriter::find_plans(Session& session, const Step& step,
                                                 const StopToken& stop) {
  Plans plans(step.txns.size());
  for (size_t i = 0; i < step.txns.size(); ++i) {
    const Txn& txn = step.txns[i].txn;
    plans[i].resize(txn.tables.size());
    for (const RowChange& row : txn.rows) {
      PlanCache::Plan& plan = plans[i][row.table];
      if (plan != nullptr) continue;
      auto found = plans_.find(session, txn.tables[row.table], stop);
      if (!found.ok()) return std::move(found).error().because("commit ts {}", txn.commit_ts);
      plan = std::move(found).value();
    }
  }
  return plans;
}

Result<void> StepWriter::send(Session& session, std::string_view packet) {
  const TimePoint begin = clock_.now();
  TRY(session.execute(packet));
  query_seconds().observe(std::chrono::duration<double>(clock_.now() - begin).count());
  return {};
}

std::vector<loopback::Mark> StepWriter::marks_of(const Step& step) const {
  if (!options_.marks) return {};
  // Where there are no rows it does not matter whose the mark is.
  const auto has_rows = [](const PlannedTxn& planned) { return !planned.txn.is_empty(); };
  const auto first = std::ranges::find_if(step.txns, has_rows);
  return options_.marks->marks_for(first == step.txns.end() ? std::vector<int64_t>()
                                                            : first->txn.marks);
}

Result<bool> StepWriter::write_mark_carefully(Session& session, const loopback::Mark& mark) {
  auto marked = session.execute(mark.update);
  if (!marked.ok() && marked.error().detail() == kNoSuchTable) {
    return std::move(marked).error().because(
        "the loopback mark table is gone, start the drainer again, which creates it");
  }
  if (!marked.ok()) return std::move(marked).error();
  if (*marked == 1) return false;
  log_warn("there is no row for the loopback mark, it is inserted", {{"sql", mark.insert}});
  TRY(session.execute(mark.insert));
  return true;
}

}  // namespace drainer::mysql
