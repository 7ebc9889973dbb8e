// A reader of the downstream beside the running drainer: each of its snapshots must be a state that
// the upstream's transactions make, whole and in order.

#include <algorithm>

#include "tests/integration/pipeline.h"
#include "tests/integration/upstream_states.h"

#include <catch2/catch.hpp>

using namespace drainer;
using integration::Capture;
using integration::Pipeline;
using integration::TableRows;
using integration::UpstreamStates;

namespace {

const std::vector<std::string> kTables = {"bank_a.accounts", "bank_b.accounts", "bank_a.slots",
                                          "bank_a.counter",  "bank_a.history",  "bank_b.ledger"};

/// What a reader sees at one moment.
struct Snapshot {
  mysql::AppliedState state;  ///< as the progress rows tell it
  std::string total;          ///< of all accounts, which no transaction changes
  TableRows rows;
};

/// Nothing while the tables are not all there or a DDL has changed one meanwhile.
std::optional<Snapshot> take_snapshot(mysql::Session& session) {
  constexpr const char* kTotal =
      "SELECT (SELECT SUM(balance) FROM bank_a.accounts) + (SELECT SUM(balance) FROM "
      "bank_b.accounts)";
  REQUIRE(session.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT").ok());
  const auto total = session.query(kTotal);
  const auto progress =
      session.query("SELECT commit_ts, applied FROM tidb_binlog.drainer_progress ORDER BY worker");
  auto rows = integration::read_rows(session, kTables);
  REQUIRE(session.rollback().ok());
  if (!total.ok() || !progress.ok() || !rows.ok()) return std::nullopt;
  Snapshot snapshot{.state = {}, .total = (*total)[0][0].value_or(""), .rows = *std::move(rows)};
  for (const mysql::ResultRow& row : *progress) {
    mysql::AppliedState state;
    state.commit_ts = CommitTs(std::stoll(row[0].value_or("0")));
    REQUIRE(mysql::decode_spans(row[1].value_or(""), state).ok());
    snapshot.state.merge(state);
  }
  return snapshot;
}

/// The first row in which they differ; empty when they are equal.
std::string difference(const TableRows& expected, const TableRows& found) {
  for (const auto& [table, rows] : expected) {
    const auto& others = found.at(table);
    std::vector<std::string> rest;
    std::ranges::set_symmetric_difference(rows, others, std::back_inserter(rest));
    if (rest.empty()) continue;
    return table + (rows.contains(rest[0]) ? " lacks " : " has too much: ") + rest[0];
  }
  return "";
}

/// Reads while the drainer writes. Returns how many different states were seen while the accounts
/// were all there.
size_t watch_bank(const Capture& capture, const UpstreamStates& states, bool is_commit_ordered) {
  Pipeline pipeline(capture);
  REQUIRE(pipeline.downstream().execute("SET time_zone = '+00:00'").ok());
  pipeline.start_upstream({"--pace", "1500"});
  pipeline.write_config(
      {.more = fmt::format("[syncer.apply]\ncommit-order = {}", is_commit_ordered)});
  pipeline.start_drainer_over_capture();
  std::set<CommitTs> seen;
  bool has_begun = false;
  for (bool is_last = false; !is_last;) {
    is_last = pipeline.drainer().wait_ms(1).has_value();
    const auto snapshot = take_snapshot(pipeline.downstream());
    if (!snapshot) continue;
    INFO("at commit ts " << snapshot->state.commit_ts.value << ", " << snapshot->state.spans.size()
                         << " spans above");
    REQUIRE(difference(states.at(snapshot->state), snapshot->rows) == "");
    // The accounts are opened by several transactions.
    has_begun |= snapshot->total == "80000.00";
    if (has_begun) REQUIRE(snapshot->total == "80000.00");
    // Nothing above the mark: all up to one commit ts is there, and nothing else.
    if (is_commit_ordered) REQUIRE(snapshot->state.spans.empty());
    if (has_begun) seen.insert(snapshot->state.commit_ts);
  }
  REQUIRE(pipeline.wait_for_drainer() == 0);
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
  return seen.size();
}

/// Returns the number of states seen; nothing where the capture is not there.
std::optional<size_t> watch_bank(int times, bool is_commit_ordered) {
  const std::optional<Capture> capture = Capture::shared("bank");
  if (!capture) {
    WARN("capture bank is not on this machine: skipped");
    return std::nullopt;
  }
  const auto states = UpstreamStates::read(capture->directory, kTables);
  REQUIRE(states.ok());
  size_t count = 0;
  for (int i = 0; i < times; ++i) count += watch_bank(*capture, *states, is_commit_ordered);
  return count;
}

}  // namespace

TEST_CASE("snapshots: each is what whole upstream transactions make; in order, at one commit ts") {
  const bool is_commit_ordered = GENERATE(false, true);
  const auto count = watch_bank(1, is_commit_ordered);
  if (count) CHECK(*count > 5);
}

TEST_CASE("snapshot campaign: ten runs of each kind", "[.][campaign]") {
  const bool is_commit_ordered = GENERATE(false, true);
  const auto count = watch_bank(10, is_commit_ordered);
  if (count) WARN(*count << " states seen, commit-order = " << is_commit_ordered);
}
