#include "drainer/replay.h"

#include <catch2/catch.hpp>

#include "syncer/file/message.h"
#include "syncer/file/record.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/process.h"
#include "tests/fakes/txns.h"

using namespace drainer;
using fakes::TxnBuilder;

namespace {

// Applies nothing before it is stopped; calls `on_close` when all is submitted.
class StuckSink final : public Sink {
 public:
  explicit StuckSink(std::function<void()> on_close) : on_close_(std::move(on_close)) {}

  void start(ThreadGroup& threads) override {
    threads.start("stuck", [this](const StopToken& stop) -> Result<void> {
      (void)applied_.pop(stop);
      return stopped();
    });
  }
  Result<void> submit(Txn, const StopToken&) override { return {}; }
  void close() override { on_close_(); }
  std::optional<Applied> next_applied(const StopToken& stop) override { return applied_.pop(stop); }
  CommitTs resume_from(CommitTs checkpoint) const override { return checkpoint; }
  const tidb::TimeZone& time_zone() const override { return zone_; }

 private:
  const std::function<void()> on_close_;
  BoundedQueue<Applied> applied_{{.items = 10, .bytes = 10}};
  const tidb::TimeZone zone_;
};

struct Outcome {
  bool is_ok = false;
  bool is_complete = false;
};

// Replays a transaction into a sink that is stuck; `end` is asked for when all is submitted.
Outcome replay_stuck(Clock& clock, const EndTokens& end, const std::function<void()>& on_close) {
  fakes::TempDir dir("replay");
  const tidb::TimeZone zone;
  ReverseWriter out;
  REQUIRE(file::MessageWriter(zone)
              .put(out, TxnBuilder(1).ddl("test", "t", "create table t (id int)").build())
              .ok());
  Bytes content;
  file::append_record(content, out.view());
  fakes::write_file(dir.path() + "/binlog-0000000000000000-20190101010101", content);
  auto source =
      relay::TxnSource::open({.path = dir.path()}, relay::RecordFormat::kFile, ZonePair{});
  REQUIRE(source.ok());
  StuckSink sink(on_close);
  const SyncerRules rules;
  Replay replay(*source, rules, sink, CommitTs(0), clock);
  const Result<void> result = replay.run(end);
  return {.is_ok = result.ok(), .is_complete = replay.is_complete()};
}

}  // namespace

TEST_CASE("replay: an end in order waits a minute for a downstream that takes nothing") {
  fakes::FakeClock clock;
  StopSource in_order;
  const Outcome outcome = replay_stuck(clock, {.in_order = in_order.get_token()},
                                       [&in_order] { in_order.request_stop(); });
  CHECK(outcome.is_ok);
  // All is submitted, but not applied.
  CHECK_FALSE(outcome.is_complete);
  CHECK(clock.slept() == std::vector<Duration>{std::chrono::seconds(60)});
}

TEST_CASE("replay: an end at once waits for nothing") {
  SystemClock clock;
  StopSource in_order;
  StopSource at_once;
  const Outcome outcome =
      replay_stuck(clock, {.in_order = in_order.get_token(), .at_once = at_once.get_token()}, [&] {
        in_order.request_stop();
        at_once.request_stop();
      });
  CHECK(outcome.is_ok);
  CHECK_FALSE(outcome.is_complete);
}
