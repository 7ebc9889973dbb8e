#include "syncer/kafka/ack_window.h"

#include <catch2/catch.hpp>

#include "drainer/base/threads.h"
#include "tests/fakes/fake_clock.h"

using namespace drainer;
using kafka::AckWindow;

namespace {

OwnedBytes bytes(size_t size) {
  return OwnedBytes(std::make_unique<char[]>(size), 0, size);
}

Applied progress(int64_t commit_ts) {
  Applied out;
  out.commit_ts = CommitTs(commit_ts);
  out.rows = 1;
  return out;
}

AckWindow::Sent add(AckWindow& window, int64_t commit_ts, size_t size = 100) {
  return window.add(CommitTs(commit_ts), progress(commit_ts), bytes(size));
}

}  // namespace

TEST_CASE("ack window: acknowledgements in any order are released in send order") {
  fakes::FakeClock clock;
  AckWindow window(clock);
  const auto first = add(window, 1, 101);
  const auto second = add(window, 3, 102);
  const auto third = add(window, 7, 103);
  CHECK(window.state().unacked_count == 3);
  CHECK(window.state().unacked_bytes == 306);

  window.acknowledge(second.id);
  CHECK(window.state().unacked_count == 2);
  CHECK(window.state().unacked_bytes == 204);
  CHECK_FALSE(window.take_complete());
  window.acknowledge(third.id);
  CHECK(window.state().unacked_bytes == 101);
  CHECK(window.state().oldest == CommitTs(1));
  CHECK_FALSE(window.take_complete());

  window.acknowledge(first.id);
  CHECK(window.state().unacked_count == 0);
  const std::optional<Applied> complete = window.take_complete();
  REQUIRE(complete);
  CHECK(complete->commit_ts == CommitTs(7));
  CHECK(complete->rows == 3);
  CHECK_FALSE(window.take_complete());
}

TEST_CASE("ack window: progress without a message waits for the messages before it only") {
  fakes::FakeClock clock;
  AckWindow window(clock);
  window.add_progress(progress(1));
  const auto sent = add(window, 2);
  window.add_progress(progress(3));
  CHECK(window.take_complete()->commit_ts == CommitTs(1));
  CHECK_FALSE(window.take_complete());
  CHECK(window.commit_ts_of(sent.id) == CommitTs(2));
  window.acknowledge(sent.id);
  CHECK(window.take_complete()->commit_ts == CommitTs(3));
}

TEST_CASE("ack window: a DDL among what is released makes it progress of a DDL") {
  fakes::FakeClock clock;
  AckWindow window(clock);
  window.add_progress(progress(1));
  Applied ddl = progress(2);
  ddl.is_ddl = true;
  ddl.schema_version = SchemaVersion(5);
  window.add_progress(ddl);
  window.add_progress(progress(3));
  const Applied complete = window.take_complete().value();
  CHECK(complete.is_ddl);
  CHECK(complete.commit_ts == CommitTs(3));
}

TEST_CASE("ack window: the clock of the watch starts with the first message and with each ack") {
  fakes::FakeClock clock;
  AckWindow window(clock);
  clock.advance(std::chrono::minutes(5));
  const TimePoint start = clock.now();
  const auto first = add(window, 1);
  clock.advance(std::chrono::seconds(9));
  const auto second = add(window, 2);
  CHECK(window.state().last_progress == start);
  window.acknowledge(second.id);
  CHECK(window.state().last_progress == clock.now());
  clock.advance(std::chrono::seconds(9));
  window.acknowledge(first.id);
  CHECK(window.state().last_progress == clock.now());
}

TEST_CASE("ack window: a message waits for the others to leave room, one alone is let through") {
  fakes::FakeClock clock;
  AckWindow window(clock);
  StopSource stopped;
  stopped.request_stop();
  const StopToken now = stopped.get_token();
  CHECK(window.wait_for_room(AckWindow::kBytesMax * 2, now));
  const auto sent = add(window, 1, AckWindow::kBytesMax - 100);
  CHECK(window.wait_for_room(99, now));
  CHECK_FALSE(window.wait_for_room(100, now));
  CHECK_FALSE(window.wait_for_room(AckWindow::kBytesMax, now));

  bool has_room = false;
  ThreadGroup threads;
  threads.start("sender", [&](const StopToken& stop) -> Result<void> {
    has_room = window.wait_for_room(AckWindow::kBytesMax, stop);
    return {};
  });
  window.acknowledge(sent.id);
  REQUIRE(threads.wait().ok());
  CHECK(has_room);
}

TEST_CASE("ack window: a payload stays where it is until it is acknowledged") {
  fakes::FakeClock clock;
  AckWindow window(clock);
  ReverseWriter writer;
  std::vector<AckWindow::Sent> sent;
  for (int64_t ts = 1; ts <= 1000; ++ts) {
    writer.put_bytes(std::to_string(ts));
    sent.push_back(window.add(CommitTs(ts), progress(ts), writer.take()));
  }
  for (int64_t ts = 1; ts <= 1000; ++ts) {
    const AckWindow::Sent& message = sent[static_cast<size_t>(ts - 1)];
    CHECK(message.payload == std::to_string(ts));
    window.acknowledge(message.id);
    CHECK(window.take_complete()->commit_ts == CommitTs(ts));
  }
}
