#include "syncer/progress.h"

#include <catch2/catch.hpp>

#include "drainer/base/threads.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_sink.h"

using namespace drainer;
using namespace std::chrono_literals;

namespace {

class FakeCheckpoint final : public Checkpoint {
 public:
  Result<std::optional<SavePoint>> load() override { return std::optional<SavePoint>(); }
  Result<void> save(const SavePoint& point, const StopToken& stop) override {
    if (hangs && stop.stop_requested()) return make_error(ErrorCode::kStopped, "stopped");
    if (before_save) before_save();
    if (fails) return make_error(ErrorCode::kUnavailable, "server has gone away");
    saved.push_back(point);
    return {};
  }

  std::vector<SavePoint> saved;
  std::function<void()> before_save;
  bool fails = false;
  bool hangs = false;  ///< until it is stopped
};

struct Bench {
  fakes::FakeSink sink;
  fakes::FakeClock clock;
  FakeCheckpoint checkpoint;
  SavePoint loaded{.commit_ts = CommitTs(100),
                   .schema_version = SchemaVersion(7),
                   .consistent = true,
                   .ts_map = {}};
  Progress progress{sink, checkpoint, loaded, clock};

  Result<void> run() {
    sink.close();
    TRY(progress.begin(StopToken()));
    return progress.run(StopToken(), {});
  }
};

}  // namespace

TEST_CASE("progress: the begin takes back `consistent`, the last save gives it") {
  Bench bench;
  REQUIRE(bench.progress.begin(StopToken()).ok());
  REQUIRE(bench.checkpoint.saved.size() == 1);
  CHECK(bench.checkpoint.saved[0].commit_ts == CommitTs(100));
  CHECK_FALSE(bench.checkpoint.saved[0].consistent);
  REQUIRE(bench.progress.save_consistent({}).ok());
  CHECK(bench.checkpoint.saved.back().consistent);
}

TEST_CASE("progress: saves at a DDL at once, others with the next save, versions never fall") {
  Bench bench;
  bench.sink.report({.commit_ts = CommitTs(110), .schema_version = SchemaVersion(9), .rows = 4});
  bench.sink.report(
      {.commit_ts = CommitTs(120), .schema_version = SchemaVersion(8), .is_ddl = true});
  bench.sink.report({.commit_ts = CommitTs(130), .schema_version = SchemaVersion(8), .rows = 1});
  REQUIRE(bench.run().ok());
  REQUIRE(bench.checkpoint.saved.size() == 3);
  CHECK(bench.checkpoint.saved[1].commit_ts == CommitTs(120));
  CHECK(bench.checkpoint.saved[1].schema_version == SchemaVersion(9));
  CHECK(bench.checkpoint.saved[2].commit_ts == CommitTs(130));
  CHECK(bench.progress.figures().applied_rows == 5);
  CHECK(bench.progress.figures().saved_ts == CommitTs(130));
}

TEST_CASE("progress: a downstream TSO is saved beside ours") {
  Bench bench;
  bench.sink.report(
      {.commit_ts = CommitTs(110), .schema_version = SchemaVersion(7), .secondary_ts = 5000});
  REQUIRE(bench.run().ok());
  CHECK(bench.checkpoint.saved.back().ts_map ==
        std::map<std::string, int64_t>{{"primary-ts", 110}, {"secondary-ts", 5000}});
}

TEST_CASE("progress: a save that fails ends the program with the reason") {
  Bench bench;
  bench.checkpoint.fails = true;
  const Result<void> result = bench.progress.begin(StopToken());
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().to_string() == "save checkpoint 100: server has gone away");
}

TEST_CASE("progress: while the downstream is away saves are put off, for a quarter of an hour") {
  const bool comes_back = GENERATE(true, false);
  Bench bench;
  REQUIRE(bench.progress.begin(StopToken()).ok());
  int saves = 0;
  bench.checkpoint.before_save = [&] {
    bench.clock.advance(5min);
    bench.checkpoint.fails = ++saves <= 3 || !comes_back;
  };
  for (int64_t ts = 110; ts <= 150; ts += 10) {
    bench.sink.report(
        {.commit_ts = CommitTs(ts), .schema_version = SchemaVersion(7), .is_ddl = true});
  }
  bench.sink.close();
  CHECK(bench.progress.run(StopToken(), {}).ok() == comes_back);
  CHECK(bench.progress.figures().saved_ts == CommitTs(comes_back ? 150 : 100));
  CHECK(saves == 5);
}

TEST_CASE("progress: a save that the downstream does not answer is skipped when time is up") {
  Bench bench;
  REQUIRE(bench.progress.begin(StopToken()).ok());
  StopSource time_is_up;
  time_is_up.request_stop();
  bench.checkpoint.hangs = true;
  CHECK(bench.progress.begin(time_is_up.get_token()).error().code() == ErrorCode::kStopped);
  bench.sink.report(
      {.commit_ts = CommitTs(110), .schema_version = SchemaVersion(7), .is_ddl = true});
  bench.sink.report({.commit_ts = CommitTs(120), .schema_version = SchemaVersion(7), .rows = 1});
  bench.sink.close();
  CHECK(bench.progress.run(StopToken(), {.give_up = time_is_up.get_token()}).ok());
  CHECK(bench.progress.save_consistent({.give_up = time_is_up.get_token()}).ok());
  CHECK(bench.progress.figures().applied_ts == CommitTs(120));
  CHECK(bench.progress.figures().saved_ts == CommitTs(100));
  CHECK(bench.checkpoint.saved.size() == 1);
}

TEST_CASE("progress: at the end of a run a downstream that has gone is no error") {
  Bench bench;
  bench.checkpoint.fails = true;
  StopSource stopping;
  CHECK_FALSE(bench.progress.save_consistent({.stopping = stopping.get_token()}).ok());
  stopping.request_stop();
  CHECK(bench.progress.save_consistent({.stopping = stopping.get_token()}).ok());
}

TEST_CASE("progress: synced when changes have been missing for longer than synced-check-time") {
  Bench bench;
  // A wall clock that is set shows no changes.
  bench.clock.set_wall_ahead(24h);
  const auto is_synced = [&] {
    return bench.progress.figures().is_synced(bench.clock.now(), /*synced_check_time_min=*/2);
  };
  CHECK_FALSE(is_synced());
  bench.clock.advance(2min);
  CHECK_FALSE(is_synced());
  bench.clock.advance(1ms);
  CHECK(is_synced());
  // A transaction without rows is no change; one with rows is, and a DDL.
  bench.sink.report({.commit_ts = CommitTs(110), .schema_version = SchemaVersion(7), .rows = 0});
  REQUIRE(bench.run().ok());
  CHECK(is_synced());

  for (const Applied& change :
       {Applied{.commit_ts = CommitTs(110), .schema_version = SchemaVersion(7), .rows = 1},
        Applied{.commit_ts = CommitTs(110), .schema_version = SchemaVersion(8), .is_ddl = true}}) {
    Bench busy;
    busy.clock.advance(3min);
    busy.sink.report(change);
    REQUIRE(busy.run().ok());
    CHECK_FALSE(busy.progress.figures().is_synced(busy.clock.now(), 2));
  }
}
