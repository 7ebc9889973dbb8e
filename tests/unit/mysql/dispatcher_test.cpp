// Random transactions through the dispatcher and several workers: whatever they do at the same
// time, each sees what it would see if all were run one after the other.
#include "syncer/mysql/order/dispatcher.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "tests/fakes/fake_clock.h"
#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

/// What one transaction does: reads cells, and writes its commit ts to some of them.
struct Job {
  std::vector<KeyUse> uses{};  ///< the hash is the cell's number
  bool is_ddl = false;
  bool is_barrier = false;  ///< touches all cells
  bool was_applied = false;
  uint64_t rows = 0;
};

struct World {
  size_t cells = 0;
  std::vector<Job> jobs{};  ///< the n-th has commit ts 10 * (n + 1)
  DispatchLimits limits{};
};

int64_t ts_of(size_t job) {
  return 10 * static_cast<int64_t>(job + 1);
}
size_t job_of(CommitTs ts) {
  return static_cast<size_t>(ts.value / 10 - 1);
}

World random_world(uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](size_t bound) { return random() % bound; };
  World world{.cells = 1 + below(30)};
  world.limits = {.workers = 1 + below(6),
                  .group_txns = 1 + below(20),
                  .group_rows = 1 + below(40),
                  .group_bytes = size_t{1} << 20,
                  .window_txns = 2 + below(100),
                  .window_bytes = size_t{1} << 20,
                  .is_commit_ordered = below(3) == 0};
  for (int i = 0; i < 400; ++i) {
    Job job{.is_ddl = below(30) == 0, .was_applied = below(40) == 0, .rows = below(10)};
    job.is_barrier = job.is_ddl && below(2) == 0;
    for (size_t n = below(5); n > 0; --n) {
      job.uses.push_back({.hash = below(world.cells), .is_write = below(3) > 0});
    }
    if (job.is_barrier) {
      job.uses.clear();
      for (uint64_t cell = 0; cell < world.cells; ++cell) job.uses.push_back({.hash = cell});
    }
    if (job.was_applied) job = {.was_applied = true};
    world.jobs.push_back(std::move(job));
  }
  return world;
}

/// The cells, and what each job has seen in those it uses. Plain memory: what the dispatcher lets
/// happen at the same time must not meet here, as the thread sanitizer sees.
struct Outcome {
  explicit Outcome(const World& world) : cells(world.cells), seen(world.jobs.size()) {}

  void run(size_t number, const Job& job) {
    for (const KeyUse& use : job.uses) seen[number].push_back(cells[use.hash]);
    for (const KeyUse& use : job.uses) {
      if (use.is_write) cells[use.hash] = ts_of(number);
    }
  }

  std::vector<int64_t> cells;
  std::vector<std::vector<int64_t>> seen;
};

/// Runs a world through a dispatcher and notes what must not happen.
class Run {
 public:
  explicit Run(const World& world)
      : world_(world),
        outcome_(world),
        is_finished_(world.jobs.size()),
        dispatcher_(world.limits, CommitTs(0), clock_) {}

  void run() {
    {
      std::vector<std::jthread> threads;
      threads.emplace_back([this] { report(); });
      for (size_t i = 0; i < world_.limits.workers; ++i) {
        threads.emplace_back([this, i] { work(i); });
      }
      add_all();
      dispatcher_.close();
    }
    expect(reported_ == world_.jobs.size(), "not all was reported");
  }

  const Outcome& outcome() const { return outcome_; }
  /// The first thing that went wrong; empty for none.
  std::string problem() const {
    MutexLock lock(mutex_);
    return problem_;
  }

 private:
  void expect(bool holds, const std::string& problem) {
    if (holds) return;
    MutexLock lock(mutex_);
    if (problem_.empty()) problem_ = problem;
  }

  void add_all() {
    CommitTs previous(0);
    for (size_t i = 0; i < world_.jobs.size(); ++i) {
      const Job& job = world_.jobs[i];
      Txn txn;
      txn.commit_ts = CommitTs(ts_of(i));
      txn.rows.resize(job.rows);
      if (job.is_ddl) txn.ddl = std::make_unique<Ddl>();
      if (job.was_applied) {
        is_finished_[i] = true;
        expect(dispatcher_.add_applied(txn, previous, StopToken()).ok(), "add_applied");
      } else {
        PlannedTxn planned{.txn = std::move(txn), .previous_ts = previous};
        Dispatcher::Uses uses{.keys = job.uses, .is_barrier = job.is_barrier};
        expect(dispatcher_.add(std::move(planned), uses, StopToken()).ok(), "add");
      }
      previous = CommitTs(ts_of(i));
    }
  }

  bool are_finished(CommitTs above, CommitTs below) const {
    for (int64_t ts = above.value + 10; ts < below.value; ts += 10) {
      if (!is_finished_[job_of(CommitTs(ts))]) return false;
    }
    return true;
  }

  void work(size_t number) {
    std::mt19937 random(static_cast<uint32_t>(number));
    while (const auto group = dispatcher_.take(number, StopToken())) {
      check(*group);
      for (const PlannedTxn& planned : group->txns) {
        const size_t job = job_of(planned.txn.commit_ts);
        outcome_.run(job, world_.jobs[job]);
        for (size_t n = random() % 4; n > 0; --n) std::this_thread::yield();
      }
      if (world_.limits.is_commit_ordered) {
        expect(dispatcher_.wait_turn(*group, TurnWait::kEmptyHanded, StopToken()), "no turn");
        expect(are_finished(CommitTs(0), group->txns[0].txn.commit_ts), "out of turn");
      }
      for (const PlannedTxn& planned : group->txns) {
        is_finished_[job_of(planned.txn.commit_ts)] = true;
      }
      dispatcher_.finish(*group);
    }
    dispatcher_.leave();
  }

  void check(const Group& group) {
    expect(are_finished(CommitTs(0), CommitTs(group.low_water.value + 10)), "low-water mark");
    expect(group.txns.size() <= world_.limits.group_txns, "too many transactions");
    uint64_t rows = 0;
    for (size_t i = 0; i < group.txns.size(); ++i) {
      const PlannedTxn& planned = group.txns[i];
      const CommitTs ts = planned.txn.commit_ts;
      rows += planned.txn.rows.size();
      expect(planned.previous_ts < ts && are_finished(planned.previous_ts, ts), "previous ts");
      expect(!planned.txn.is_ddl() || group.txns.size() == 1, "a DDL in a group");
      if (i == 0) continue;
      const CommitTs before = group.txns[i - 1].txn.commit_ts;
      expect(before < ts, "disorder");
      if (world_.limits.is_commit_ordered) expect(before.value + 10 == ts.value, "a gap");
    }
    expect(group.txns.size() == 1 || rows <= world_.limits.group_rows, "too many rows");
  }

  void report() {
    CommitTs last(0);
    while (const auto applied = dispatcher_.next_applied(StopToken())) {
      expect(applied->commit_ts > last, "reports in disorder");
      const size_t to = job_of(applied->commit_ts) + 1;
      const size_t from = static_cast<size_t>(last.value / 10);
      expect(are_finished(last, CommitTs(applied->commit_ts.value + 10)), "reported too early");
      uint64_t rows = 0;
      for (size_t i = from; i < to; ++i) rows += world_.jobs[i].rows;
      expect(rows == applied->rows, "rows of a report");
      const auto is_ddl = [](const Job& job) { return job.is_ddl; };
      const auto* const jobs = world_.jobs.data();
      expect(to - from == 1 || std::none_of(jobs + from, jobs + to, is_ddl), "a DDL not alone");
      reported_ += to - from;
      last = applied->commit_ts;
    }
  }

  const World& world_;
  Outcome outcome_;
  std::vector<std::atomic<bool>> is_finished_;
  SystemClock clock_;
  Dispatcher dispatcher_;
  size_t reported_ = 0;
  mutable Mutex mutex_;
  std::string problem_ GUARDED_BY(mutex_);
};

TEST_CASE("dispatcher: parallel workers end like the serial order, and report in its order") {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    const World world = random_world(seed);
    Outcome serial(world);
    for (size_t i = 0; i < world.jobs.size(); ++i) serial.run(i, world.jobs[i]);
    Run run(world);
    run.run();
    REQUIRE(run.problem() == "");
    REQUIRE(run.outcome().seen == serial.seen);
    REQUIRE(run.outcome().cells == serial.cells);
  }
}

/// Two workers whose groups take 1 to 5 ms; the clock stands still by itself.
class CrowdedDispatcher {
 public:
  CrowdedDispatcher() {
    for (int ms = 1; ms <= 5; ++ms) {
      add();
      const auto group = take(0);
      clock_.advance(std::chrono::milliseconds(ms));
      dispatcher_.finish(*group);
    }
  }

  void add() {
    ++added_;
    PlannedTxn planned{.txn = {}, .previous_ts = CommitTs(10 * (added_ - 1))};
    planned.txn.commit_ts = CommitTs(10 * added_);
    planned.txn.rows.resize(1);
    Dispatcher::Uses uses;
    REQUIRE(dispatcher_.add(std::move(planned), uses, StopToken()).ok());
  }
  std::optional<Group> take(size_t worker) { return dispatcher_.take(worker, StopToken()); }
  bool wait_turn(const Group& group) {
    return dispatcher_.wait_turn(group, TurnWait::kWithLocks, StopToken());
  }
  void finish(const Group& group) { dispatcher_.finish(group); }
  void close() { dispatcher_.close(); }
  fakes::FakeClock& clock() { return clock_; }

 private:
  fakes::FakeClock clock_;
  Dispatcher dispatcher_{{.workers = 2,
                          .group_txns = 100,
                          .group_rows = 100,
                          .group_bytes = size_t{1} << 20,
                          .window_txns = 100,
                          .window_bytes = size_t{1} << 20},
                         CommitTs(),
                         clock_};
  int64_t added_ = 0;
};

TEST_CASE("dispatcher: little work beside a busy worker gathers for a while") {
  for (int i = 0; i < 20; ++i) {
    CrowdedDispatcher dispatcher;
    dispatcher.add();
    const auto first = dispatcher.take(0);  // nobody was busy: at once
    REQUIRE(first->txns.size() == 1);
    std::atomic<bool> has_begun = false;
    std::optional<Group> second;
    dispatcher.add();
    std::thread worker([&] {
      has_begun = true;
      has_begun.notify_one();
      second = dispatcher.take(1);
    });
    has_begun.wait(false);
    dispatcher.clock().advance(std::chrono::microseconds(100));
    dispatcher.add();
    dispatcher.clock().advance(std::chrono::milliseconds(20));
    worker.join();
    REQUIRE(second.has_value());
    CHECK(second->txns.size() == 2);
  }
}

TEST_CASE("dispatcher: much work goes to a further worker at once") {
  CrowdedDispatcher dispatcher;
  dispatcher.add();
  const auto first = dispatcher.take(0);
  for (int i = 0; i < 34; ++i) dispatcher.add();  // a third of what a group takes
  CHECK(dispatcher.take(1)->txns.size() == 34);   // the clock stands still
}

TEST_CASE("dispatcher: who waits for a turn gives up when that has taken long, not when he has") {
  CrowdedDispatcher dispatcher;
  dispatcher.add();
  const auto first = dispatcher.take(0);
  dispatcher.clock().advance(std::chrono::hours(2));
  for (int i = 0; i < 34; ++i) dispatcher.add();
  const auto second = dispatcher.take(1);
  CHECK(dispatcher.wait_turn(*first));
  CHECK_FALSE(dispatcher.wait_turn(*second));
  dispatcher.finish(*first);
  CHECK(dispatcher.wait_turn(*second));
}

TEST_CASE("dispatcher: after somebody has given up only the next in turn is written for a while") {
  for (int i = 0; i < 20; ++i) {
    CrowdedDispatcher dispatcher;
    dispatcher.add();
    const auto first = dispatcher.take(0);
    for (int n = 0; n < 34; ++n) dispatcher.add();
    const auto second = dispatcher.take(1);
    dispatcher.clock().advance(std::chrono::seconds(1));
    CHECK_FALSE(dispatcher.wait_turn(*second));
    dispatcher.finish(*first);
    for (int n = 0; n < 40; ++n) dispatcher.add();
    dispatcher.close();
    std::atomic<bool> has_begun = false;
    std::optional<Group> third;
    std::thread worker([&] {
      has_begun = true;
      has_begun.notify_one();
      third = dispatcher.take(0);
    });
    has_begun.wait(false);
    dispatcher.clock().advance(std::chrono::milliseconds(900));
    CHECK(dispatcher.wait_turn(*second));
    dispatcher.finish(*second);
    const auto also_third = dispatcher.take(1);  // one of the two has it, now that it is next
    worker.join();
    REQUIRE(third.has_value() != also_third.has_value());
    CHECK((third ? third : also_third)->low_water == second->txns.back().txn.commit_ts);
  }
}

}  // namespace
}  // namespace drainer::mysql
