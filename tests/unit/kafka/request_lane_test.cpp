#include "syncer/kafka/request_lane.h"

#include <catch2/catch.hpp>

using namespace drainer;
using kafka::RequestLane;

namespace {

constexpr RequestLane::Limits kLimits{.messages = 3, .bytes = 10'000};

std::vector<uint64_t> take(RequestLane& lane) {
  std::vector<uint64_t> ids;
  for (const RequestLane::Message& message : lane.take_request(kLimits)) ids.push_back(message.id);
  return ids;
}

void push(RequestLane& lane, uint64_t id, ByteView payload = "x") {
  lane.push({.id = id, .payload = payload, .key = std::nullopt});
}

}  // namespace

TEST_CASE("request lane: the first message goes alone, those behind it together, in order") {
  RequestLane lane;
  push(lane, 1);
  CHECK(take(lane) == std::vector<uint64_t>{1});
  push(lane, 2);
  push(lane, 3);
  CHECK(take(lane).empty());
  lane.note_report();
  CHECK(take(lane) == std::vector<uint64_t>{2, 3});
}

TEST_CASE("request lane: the next request waits for the last report of the one before") {
  RequestLane lane;
  for (uint64_t id = 1; id <= 4; ++id) push(lane, id);
  CHECK(take(lane) == std::vector<uint64_t>{1, 2, 3});
  lane.note_report();
  lane.note_report();
  CHECK(take(lane).empty());
  lane.note_report();
  CHECK(take(lane) == std::vector<uint64_t>{4});
  lane.note_report();
  CHECK(take(lane).empty());
}

TEST_CASE("request lane: a request is limited in bytes, but takes any single message") {
  const Bytes half(5'000, 'x');
  const Bytes large(20'000, 'x');
  RequestLane lane;
  push(lane, 1, half);
  push(lane, 2, half);
  push(lane, 3, large);
  push(lane, 4);
  for (const uint64_t id : {1, 2, 3, 4}) {
    CHECK(take(lane) == std::vector<uint64_t>{id});
    lane.note_report();
  }
}
