#include "syncer/mysql/order/worker_limit.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using std::chrono::microseconds;

/// A downstream with work always waiting: how long a group takes beside `busy` others.
using Service = std::function<Duration(size_t busy)>;

/// Where the limit is after `seconds`, with groups of 500 rows.
size_t settle(const Service& service, size_t most, int seconds) {
  WorkerLimit limit(most);
  std::mt19937 random(1);
  std::priority_queue<TimePoint, std::vector<TimePoint>, std::greater<>> ends;
  TimePoint now{};
  const TimePoint end = now + std::chrono::seconds(seconds);
  while (now < end) {
    while (ends.size() < limit.workers()) {
      // No two groups take the same time.
      ends.push(now + service(ends.size() + 1) * (90 + random() % 21) / 100);
    }
    now = ends.top();
    ends.pop();
    limit.note(500, service(ends.size() + 1), /*is_waiting=*/true, now);
  }
  return limit.workers();
}

TEST_CASE("worker limit: a downstream that is far away gets as many as there are") {
  CHECK(settle([](size_t) { return microseconds(5000); }, 16, 20) >= 14);
}

TEST_CASE("worker limit: two cores are kept busy by few") {
  const auto two_cores = [](size_t busy) {
    return microseconds(2000 * std::max<size_t>(busy, 2) / 2);
  };
  CHECK(settle(two_cores, 16, 20) <= 4);
}

TEST_CASE("worker limit: each further one costs the others something") {
  const auto crowded = [](size_t busy) { return microseconds(1000 * busy + 30 * busy * busy); };
  CHECK(settle(crowded, 64, 20) <= 4);
}

TEST_CASE("worker limit: never more than there are, never fewer than one") {
  for (const size_t most : {1, 2, 3}) {
    CHECK(settle([](size_t) { return microseconds(5000); }, most, 5) == most);
  }
}

TEST_CASE("worker limit: it stays while there is nothing waiting") {
  WorkerLimit limit(16);
  const size_t before = limit.workers();
  TimePoint now{};
  for (int i = 0; i < 10'000; ++i) {
    now += std::chrono::milliseconds(1);
    limit.note(10, std::chrono::milliseconds(2), /*is_waiting=*/i % 7 != 0, now);
  }
  CHECK(limit.workers() == before);
}

TEST_CASE("worker limit: little work lingers for what the downstream works on a group") {
  const auto linger_of = [](const std::vector<int>& group_us) {
    WorkerLimit limit(16);
    for (int i = 0; i < 2000; ++i) {
      for (const int us : group_us) {
        limit.note(10, microseconds(us), /*is_waiting=*/false, TimePoint{});
      }
    }
    return limit.linger();
  };
  CHECK(WorkerLimit(16).linger() == Duration(0));
  // Far away, whatever the rows: no time of the downstream is saved by waiting.
  CHECK(linger_of({2500, 2600}) < microseconds(800));
  CHECK(linger_of({100'000}) < microseconds(800));
  // Near, and the rows cost something.
  CHECK(linger_of({300, 2000, 1500}) > microseconds(2000));
  CHECK(linger_of({300, 2000, 1500}) < microseconds(8000));
  CHECK(linger_of({300, 90'000}) == std::chrono::milliseconds(12));
}

TEST_CASE("worker limit: what was quickest is forgotten") {
  WorkerLimit limit(16);
  limit.note(1, microseconds(100), /*is_waiting=*/false, TimePoint{});
  for (int i = 0; i < 5000; ++i) {
    limit.note(1, microseconds(3000), /*is_waiting=*/false, TimePoint{});
  }
  CHECK(limit.linger() < microseconds(400));
}

TEST_CASE("worker limit: patience is a few groups long") {
  WorkerLimit limit(16);
  CHECK(limit.patience() < std::chrono::milliseconds(10));
  for (int i = 0; i < 100; ++i) {
    limit.note(10, std::chrono::milliseconds(20), /*is_waiting=*/false, TimePoint{});
  }
  CHECK(limit.patience() >= std::chrono::milliseconds(60));
  CHECK(limit.patience() <= std::chrono::milliseconds(200));
}

}  // namespace
}  // namespace drainer::mysql
