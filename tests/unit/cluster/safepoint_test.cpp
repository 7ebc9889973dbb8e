#include "drainer/cluster/safepoint.h"

#include "tests/fakes/fake_clock.h"
#include "tests/unit/cluster/fake_pd.h"

#include <catch2/catch.hpp>

namespace drainer::cluster {
namespace {

using fakes::FakeClock;
using fakes::FakePd;
using std::chrono::seconds;

struct SafePointWorld {
  FakeClock clock;
  FakePd pd{clock};
  CommitTs checkpoint{1000};
  SafePointKeeper keeper{pd, clock, [this] { return checkpoint; }};
};

TEST_CASE("safe point: the id carries the nanoseconds of the start") {
  SafePointWorld world;
  CHECK(world.keeper.service_id() == "drainer_1576800000000000000");
}

TEST_CASE("safe point: a pin that holds is reported as held") {
  SafePointWorld world;
  world.pd.min_safe_point = CommitTs(900);
  CHECK(world.keeper.status().answered_ms == 0);
  REQUIRE(world.keeper.pin({}).ok());
  CHECK(world.pd.pins ==
        std::vector<FakePd::Pin>{{world.keeper.service_id(), 300, CommitTs(1000)}});
  const SafePointKeeper::Status status = world.keeper.status();
  CHECK(status.is_held);
  CHECK(status.requested == CommitTs(1000));
  CHECK(status.minimum == CommitTs(900));
  CHECK(status.answered_ms == world.clock.unix_ms());
}

TEST_CASE("safe point: a minimum at our ts holds, one beyond it is a failed pin") {
  SafePointWorld world;
  world.pd.min_safe_point = CommitTs(1000);
  CHECK(world.keeper.pin({}).ok());
  world.pd.min_safe_point = CommitTs(1001);
  const Error error = world.keeper.pin({}).error();
  CHECK(error.code() == ErrorCode::kConflict);
  CHECK(error.text() ==
        "GC safe point 1001 of the cluster is beyond the checkpoint 1000: schema data of that time "
        "may be gone");
  CHECK_FALSE(world.keeper.status().is_held);
  CHECK(world.keeper.status().minimum == CommitTs(1001));
}

TEST_CASE("safe point: follows the checkpoint every 150 s and stays until it is released") {
  SafePointWorld world;
  StopSource stop;
  world.clock.on_sleep([&] {
    world.checkpoint = CommitTs(world.checkpoint.value + 1);
    if (world.checkpoint == CommitTs(1003)) stop.request_stop();
  });
  REQUIRE(world.keeper.run(stop.get_token()).ok());
  CHECK(world.clock.slept() == std::vector<Duration>(3, seconds(150)));
  const std::string& id = world.keeper.service_id();
  std::vector<FakePd::Pin> pins = {
      {id, 300, CommitTs(1000)}, {id, 300, CommitTs(1001)}, {id, 300, CommitTs(1002)}};
  CHECK(world.pd.pins == pins);
  world.keeper.release();
  pins.push_back({id, 0, CommitTs(1002)});
  CHECK(world.pd.pins == pins);
}

TEST_CASE("safe point: a round makes 11 attempts a second apart, and a lost round ends nothing") {
  SafePointWorld world;
  StopSource stop;
  world.pd.failure = Error(ErrorCode::kUnavailable, "connection refused");
  world.clock.on_sleep([&] {
    if (world.clock.slept().back() != seconds(150)) return;
    if (!world.pd.failure) stop.request_stop();
    world.pd.failure.reset();
  });
  REQUIRE(world.keeper.run(stop.get_token()).ok());
  std::vector<Duration> expected(10, seconds(1));
  expected.insert(expected.end(), 2, seconds(150));
  CHECK(world.clock.slept() == expected);
  CHECK(world.keeper.status().is_held);
}

TEST_CASE("safe point: nothing is released when PD could not be reached last time") {
  SafePointWorld world;
  StopSource stop;
  REQUIRE(world.keeper.pin({}).ok());
  world.pd.failure = Error(ErrorCode::kUnavailable, "connection refused");
  CHECK(world.keeper.pin({}).error().to_string() ==
        "update the service GC safe point: connection refused");
  CHECK(world.keeper.status().last_error == "connection refused");
  world.pd.failure.reset();
  world.keeper.release();
  CHECK(world.pd.pins.size() == 1);
}

TEST_CASE("safe point: it tells how long PD still keeps the pin") {
  SafePointWorld world;
  CHECK(world.keeper.seconds_left() == 0);
  REQUIRE(world.keeper.pin({}).ok());
  CHECK(world.keeper.seconds_left() == 300);
  world.clock.advance(seconds(200));
  CHECK(world.keeper.seconds_left() == 100);
  // A lost round changes nothing in what PD keeps.
  world.pd.failure = Error(ErrorCode::kUnavailable, "connection refused");
  CHECK_FALSE(world.keeper.pin({}).ok());
  CHECK(world.keeper.seconds_left() == 100);
  world.clock.advance(seconds(200));
  CHECK(world.keeper.seconds_left() == 0);
}

TEST_CASE("safe point: a stop during the retries ends them") {
  SafePointWorld world;
  StopSource stop;
  world.pd.failure = Error(ErrorCode::kUnavailable, "connection refused");
  world.clock.on_sleep([&] { stop.request_stop(); });
  REQUIRE(world.keeper.run(stop.get_token()).ok());
  CHECK(world.clock.slept().size() == 1);
}

}  // namespace
}  // namespace drainer::cluster
