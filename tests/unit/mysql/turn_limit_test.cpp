#include "syncer/mysql/order/turn_limit.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("turn limit: the patience follows what groups take, and how large this one is") {
  TurnLimit limit;
  TimePoint now{};
  const auto write = [&](Duration took) {
    for (int i = 0; i < 100; ++i) limit.note_written(now += seconds(1), took);
  };
  const auto patience = [&](uint64_t rows) {
    return std::chrono::round<milliseconds>(limit.gives_up_at(rows, now) - now);
  };
  CHECK(patience(10) == milliseconds(500));  // nothing is known
  write(milliseconds(2));
  CHECK(patience(10) == milliseconds(50));
  CHECK(patience(3000) == milliseconds(300));
  CHECK(patience(1'000'000) == seconds(1));
  write(milliseconds(100));
  CHECK(patience(10) == milliseconds(400));
  write(seconds(3));
  CHECK(patience(10) == seconds(1));
}

TEST_CASE("turn limit: a turn begins when the one before has ended, or when it is taken") {
  TurnLimit limit;
  const TimePoint begin{minutes(10)};
  limit.note_turn(begin);
  CHECK(limit.gives_up_at(1, begin - minutes(1)) == begin + milliseconds(500));
  CHECK(limit.gives_up_at(1, begin + seconds(1)) == begin + milliseconds(1500));
}

TEST_CASE("turn limit: what a conflict has held up says nothing of what groups take") {
  TurnLimit limit;
  const TimePoint begin{};
  limit.note_written(begin, milliseconds(20));
  limit.note_conflict(begin + seconds(2));
  limit.note_written(begin + seconds(1), seconds(3));
  CHECK(limit.gives_up_at(10, begin) == begin + milliseconds(80));
}

TEST_CASE("turn limit: nobody writes ahead for a while, for longer when that was no use") {
  TurnLimit limit;
  TimePoint now{minutes(10)};
  CHECK(limit.ahead_from() <= now);
  CHECK(limit.note_conflict(now));
  CHECK(limit.ahead_from() == now + seconds(1));
  // Of the same conflict.
  CHECK_FALSE(limit.note_conflict(now + milliseconds(10)));
  CHECK(limit.ahead_from() == now + seconds(1));
  for (const int span : {2, 4, 8, 16, 32, 60, 60}) {
    now = limit.ahead_from() + milliseconds(100);
    CHECK(limit.note_conflict(now));
    CHECK(limit.ahead_from() == now + seconds(span));
  }
  now = limit.ahead_from() + minutes(2);
  CHECK(limit.note_conflict(now));
  CHECK(limit.ahead_from() == now + seconds(1));
}

}  // namespace
}  // namespace drainer::mysql
