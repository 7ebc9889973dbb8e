#include "drainer/base/threads.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "drainer/base/clock.h"
#include "drainer/base/queue.h"

using namespace drainer;
using namespace std::chrono_literals;

TEST_CASE("threads: the first error stops the others and is returned") {
  ThreadGroup group;
  SystemClock clock;
  bool waited_to_the_end = true;
  group.start("patient", [&](StopToken stop) -> Result<void> {
    waited_to_the_end = clock.sleep_for(1h, stop);
    return stopped();
  });
  group.start("failing", [](StopToken) -> Result<void> {
    return make_error(ErrorCode::kCorrupt, "bad bytes");
  });
  const Result<void> result = group.wait();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().text() == "bad bytes");
  CHECK_FALSE(waited_to_the_end);
}

TEST_CASE("threads: a failure is told once") {
  int told = 0;
  ThreadGroup group([&] { ++told; });
  for (int i = 0; i < 3; ++i) {
    group.start("failing", [](StopToken) -> Result<void> {
      return make_error(ErrorCode::kCorrupt, "bad bytes");
    });
  }
  CHECK_FALSE(group.wait().ok());
  CHECK(told == 1);
}

TEST_CASE("threads: a body may start another, and a good end stops nobody") {
  ThreadGroup group;
  bool inner_ran = false;
  group.start("outer", [&](StopToken) -> Result<void> {
    group.start("inner", [&](StopToken stop) -> Result<void> {
      inner_ran = !stop.stop_requested();
      return {};
    });
    return {};
  });
  CHECK(group.wait().ok());
  CHECK(inner_ran);
}

TEST_CASE("threads: those that have ended are freed when the next one starts") {
  const auto mapped_pages = [] {
    int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages;
  };
  ThreadGroup group;
  const int64_t before = mapped_pages();
  for (int i = 0; i < 100; ++i) {
    BoundedQueue<int> done({.items = 1, .bytes = 1});
    group.start("short", [&](StopToken) -> Result<void> {
      done.close();
      return {};
    });
    (void)done.pop(StopToken());
  }
  // A stack has 8 MiB, in pages of 4 KiB.
  CHECK(mapped_pages() - before < 50 * 2048);
  CHECK(group.wait().ok());
}
