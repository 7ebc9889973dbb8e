#include "pump_client/merger.h"

#include <catch2/catch.hpp>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/threads.h"
#include "tests/fakes/binlogs.h"

using namespace drainer;
using fakes::dml_payload;

namespace {

constexpr QueueLimits kLimits{.items = 4, .bytes = 1 << 20};

tidb::BinlogItem dml(int64_t commit_ts) {
  return fakes::item(dml_payload(commit_ts));
}

std::vector<int64_t> take_all(Merger& merger, size_t count) {
  std::vector<int64_t> out;
  StopSource stop;
  while (out.size() < count) out.push_back(merger.take(stop.get_token())->binlog().commit_ts.value);
  return out;
}

}  // namespace

TEST_CASE("merger: gives the binlogs of two pumps by rising commit ts") {
  Merger merger(CommitTs(10), kLimits);
  StopSource stop;
  merger.set_sources({PumpId("a"), PumpId("b")});
  for (int64_t ts : {12, 15, 18})
    REQUIRE(merger.offer(PumpId("a"), fakes::one(dml(ts)), stop.get_token()));
  for (int64_t ts : {11, 16, 30})
    REQUIRE(merger.offer(PumpId("b"), fakes::one(dml(ts)), stop.get_token()));
  CHECK(take_all(merger, 5) == std::vector<int64_t>{11, 12, 15, 16, 18});
  CHECK(merger.last_taken() == CommitTs(18));
  CHECK(merger.waiting_for() == PumpId("a"));
}

TEST_CASE("merger: waits until every pump has a record") {
  Merger merger(CommitTs(0), kLimits);
  ThreadGroup group;
  merger.set_sources({PumpId("a"), PumpId("b")});
  StopSource stop;
  REQUIRE(merger.offer(PumpId("a"), fakes::one(dml(5)), stop.get_token()));
  BoundedQueue<int64_t> taken({.items = 10, .bytes = 100});
  group.start("taker", [&](StopToken token) -> Result<void> {
    while (auto item = merger.take(token)) {
      if (!taken.push(item->binlog().commit_ts.value, 1, token)) break;
    }
    return {};
  });
  REQUIRE(merger.offer(PumpId("b"), fakes::one(dml(3)), stop.get_token()));
  CHECK(taken.pop(stop.get_token()) == 3);
  CHECK(taken.size() == 0);  // 5 must wait: b may still bring 4
  REQUIRE(merger.offer(PumpId("b"), fakes::one(dml(9)), stop.get_token()));
  CHECK(taken.pop(stop.get_token()) == 5);
  group.request_stop();
  CHECK(group.wait().ok());
}

TEST_CASE("merger: nothing leaves before the sources are known") {
  Merger merger(CommitTs(0), kLimits);
  StopSource stop;
  CHECK_FALSE(merger.offer(PumpId("a"), fakes::one(dml(5)), stop.get_token()));
  stop.request_stop();
  CHECK_FALSE(merger.take(stop.get_token()).has_value());
}

TEST_CASE("merger: drops repeated and disordered commit ts") {
  const double disordered_before = metric::disorder_binlog_count().value();
  Merger merger(CommitTs(10), kLimits);
  StopSource stop;
  merger.set_sources({PumpId("a")});
  for (int64_t ts : {10, 9, 11, 11, 12}) {
    // The pump's share is smaller than what it offers here, so take in between.
    REQUIRE(merger.offer(PumpId("a"), fakes::one(dml(ts)), stop.get_token()));
    if (ts >= 11 && merger.last_taken() < CommitTs(ts)) {
      CHECK(merger.take(stop.get_token())->binlog().commit_ts == CommitTs(ts));
    }
  }
  // A late fake binlog is no disorder: a pump that comes back begins with such.
  REQUIRE(
      merger.offer(PumpId("a"), fakes::one(fakes::item(fakes::fake_payload(8))), stop.get_token()));
  REQUIRE(merger.offer(PumpId("a"), fakes::one(dml(13)), stop.get_token()));
  CHECK(take_all(merger, 1) == std::vector<int64_t>{13});
  CHECK(metric::disorder_binlog_count().value() == disordered_before + 1);
  CHECK(merger.last_taken() == CommitTs(13));
}

TEST_CASE("merger: a pump that has gone no longer holds back the others") {
  Merger merger(CommitTs(0), kLimits);
  StopSource stop;
  merger.set_sources({PumpId("a"), PumpId("gone")});
  REQUIRE(merger.offer(PumpId("a"), fakes::one(dml(5)), stop.get_token()));
  merger.set_sources({PumpId("a")});
  CHECK(take_all(merger, 1) == std::vector<int64_t>{5});
  CHECK_FALSE(merger.offer(PumpId("gone"), fakes::one(dml(6)), stop.get_token()));
}

TEST_CASE("merger: what waits of a pump that has gone still leaves in its order") {
  Merger merger(CommitTs(0), kLimits);
  StopSource stop;
  merger.set_sources({PumpId("a"), PumpId("gone")});
  REQUIRE(merger.offer(PumpId("a"), fakes::one(dml(7)), stop.get_token()));
  for (int64_t ts : {5, 6}) {
    REQUIRE(merger.offer(PumpId("gone"), fakes::one(dml(ts)), stop.get_token()));
  }
  merger.set_sources({PumpId("a")});
  CHECK(take_all(merger, 3) == std::vector<int64_t>{5, 6, 7});
  CHECK(merger.waiting_for() == PumpId("a"));
}

TEST_CASE("merger: a pump that comes back goes on behind the last item it had offered") {
  Merger merger(CommitTs(3), kLimits);
  StopSource stop;
  CHECK(merger.start_of(PumpId("back")) == CommitTs(3));
  merger.set_sources({PumpId("a"), PumpId("back")});
  REQUIRE(merger.offer(PumpId("back"), fakes::one(dml(5)), stop.get_token()));
  merger.set_sources({PumpId("a")});
  for (int64_t ts : {6, 8}) {
    REQUIRE(merger.offer(PumpId("a"), fakes::one(dml(ts)), stop.get_token()));
  }
  const bool is_taken_meanwhile = GENERATE(false, true);
  if (is_taken_meanwhile) CHECK(take_all(merger, 1) == std::vector<int64_t>{5});
  CHECK(merger.start_of(PumpId("back")) == CommitTs(5));
  merger.set_sources({PumpId("a"), PumpId("back")});
  REQUIRE(merger.offer(PumpId("back"), fakes::one(dml(7)), stop.get_token()));
  const std::vector<int64_t> left =
      is_taken_meanwhile ? std::vector<int64_t>{6, 7} : std::vector<int64_t>{5, 6, 7};
  CHECK(take_all(merger, left.size()) == left);
}

// One pump offers 1 to 1000, so many at a time, to a share of four.
void check_order(int64_t together) {
  Merger merger(CommitTs(0), {.items = 4, .bytes = 1 << 20});
  merger.set_sources({PumpId("a")});
  ThreadGroup group;
  group.start("pump", [&](StopToken token) -> Result<void> {
    for (int64_t first = 1; first <= 1000; first += together) {
      std::vector<tidb::BinlogItem> items;
      for (int64_t ts = first; ts < first + together; ++ts) items.push_back(dml(ts));
      if (!merger.offer(PumpId("a"), std::move(items), token)) break;
    }
    return {};
  });
  const std::vector<int64_t> seen = take_all(merger, 1000);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(seen.back() == 1000);
  CHECK(group.wait().ok());
}

TEST_CASE("merger: a full share blocks its pump until half of it is free") {
  check_order(1);
}

TEST_CASE("merger: items that arrive together pass a share that is smaller, in order") {
  check_order(100);
}

TEST_CASE("merger: pumps share what all of them may hold") {
  const size_t item_bytes = dml(1).size_bytes();
  Merger merger(CommitTs(0), {.items = 100, .bytes = 1 << 20}, 4 * item_bytes);
  StopSource stopped;
  stopped.request_stop();
  // How many items of one pump pass before it would have to wait.
  const auto count_fitting = [&](const std::string& pump) {
    int64_t count = 0;
    while (merger.offer(PumpId(pump), fakes::one(dml(count + 1)), stopped.get_token())) ++count;
    return count;
  };
  merger.set_sources({PumpId("a")});
  CHECK(count_fitting("a") == 4);
  merger.set_sources({PumpId("a"), PumpId("b")});
  CHECK(count_fitting("b") == 2);
}
