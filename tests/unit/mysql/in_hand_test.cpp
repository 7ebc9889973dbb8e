#include "syncer/mysql/in_hand.h"

#include "tests/fakes/fake_clock.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace std::chrono_literals;

struct Bench {
  fakes::FakeClock clock;
  InHand in_hand{2, /*attempts_max=*/100, clock};

  void begin(size_t worker) { in_hand.begin(worker, {.commit_ts = CommitTs(10), .sql = "DDL"}); }
  void fail(size_t worker, int attempts) {
    in_hand.failed(worker, attempts, make_error(ErrorCode::kUnavailable, "gone"));
  }
  /// Seconds after now at which there was something to tell.
  std::vector<int> told(int seconds) {
    std::vector<int> out;
    for (int second = 10; second <= seconds; second += 10) {
      clock.advance(10s);
      if (in_hand.tell()) out.push_back(second);
    }
    return out;
  }
};

TEST_CASE("in hand: what takes long is told after a minute, then less and less often") {
  Bench bench;
  CHECK(bench.told(100).empty());
  bench.begin(0);
  CHECK(bench.told(600) == std::vector<int>{60, 120, 240, 480});
  CHECK_FALSE(bench.in_hand.end(0));
  CHECK(bench.told(100).empty());
}

TEST_CASE("in hand: what fails is told every minute, and once when it works again") {
  Bench bench;
  bench.begin(0);
  bench.begin(1);
  bench.fail(0, 1);
  bench.fail(1, 1);
  CHECK(bench.told(50).empty());
  bench.fail(0, 7);
  CHECK(bench.told(140) == std::vector<int>{10, 70, 130});
  CHECK(bench.in_hand.end(0));
  CHECK_FALSE(bench.in_hand.end(1));
  // One that fails now and then is not worth it.
  bench.begin(0);
  bench.fail(0, 1);
  CHECK_FALSE(bench.in_hand.end(0));
}

}  // namespace
}  // namespace drainer::mysql
