#include "drainer/base/queue.h"

#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

using namespace drainer;

TEST_CASE("queue: keeps order and ends after close") {
  BoundedQueue<int> queue({.items = 10, .bytes = 100});
  StopSource stop;
  REQUIRE(queue.push(1, 1, stop.get_token()));
  REQUIRE(queue.push(2, 1, stop.get_token()));
  queue.close();
  CHECK_FALSE(queue.push(3, 1, stop.get_token()));
  CHECK(queue.pop(stop.get_token()) == 1);
  CHECK(queue.pop(stop.get_token()) == 2);
  CHECK_FALSE(queue.pop(stop.get_token()).has_value());
}

TEST_CASE("queue: an item above the byte limit passes when alone") {
  BoundedQueue<std::string> queue({.items = 10, .bytes = 4});
  StopSource stop;
  REQUIRE(queue.push("too large", 9, stop.get_token()));
  CHECK(queue.pop(stop.get_token()) == "too large");
}

TEST_CASE("queue: a stop request wakes both sides") {
  BoundedQueue<int> full({.items = 1, .bytes = 10});
  BoundedQueue<int> empty({.items = 1, .bytes = 10});
  StopSource stop;
  REQUIRE(full.push(1, 1, stop.get_token()));
  bool pushed = true;
  bool popped = true;
  std::thread pusher([&] { pushed = full.push(2, 1, stop.get_token()); });
  std::thread popper([&] { popped = empty.pop(stop.get_token()).has_value(); });
  stop.request_stop();
  pusher.join();
  popper.join();
  CHECK_FALSE(pushed);
  CHECK_FALSE(popped);
}

TEST_CASE("queue: the limit in bytes holds the producer back, and all arrive in order") {
  BoundedQueue<int> queue({.items = 100, .bytes = 8});
  StopSource stop;
  std::thread producer([&] {
    for (int i = 0; i < 1000; ++i) (void)queue.push(i, 4, stop.get_token());
    queue.close();
  });
  std::vector<int> seen;
  size_t most = 0;
  while (auto item = queue.pop(stop.get_token())) {
    seen.push_back(*item);
    most = std::max(most, queue.size());
  }
  producer.join();
  REQUIRE(seen.size() == 1000);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  CHECK(most <= 2);
}

TEST_CASE("queue: several producers that find it full all get through") {
  BoundedQueue<int> queue({.items = 8, .bytes = 8});
  StopSource stop;
  std::vector<std::thread> producers;
  for (int p = 0; p < 4; ++p) {
    producers.emplace_back([&] {
      for (int i = 0; i < 500; ++i)
        (void)queue.push(i, 1 + static_cast<size_t>(i % 9), stop.get_token());
    });
  }
  size_t count = 0;
  while (count < 2000 && queue.pop(stop.get_token())) ++count;
  for (std::thread& producer : producers) producer.join();
  CHECK(count == 2000);
}
