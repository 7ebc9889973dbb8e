#include "pump_client/pump_stream.h"

#include <catch2/catch.hpp>

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/threads.h"
#include "pump_client/pull_message.h"
#include "tests/fakes/binlogs.h"
#include "tests/fakes/fake_channel.h"
#include "tests/fakes/fake_clock.h"

using namespace drainer;
using fakes::dml_payload;
using fakes::pull_response;

namespace {

struct Bench {
  fakes::FakeServer server;
  fakes::FakeClock clock;
  Merger merger{CommitTs(5), {.items = 64, .bytes = 1 << 20}};
  PumpStreamOptions options{.cluster_id = 7, .make_channel = [this](rpc::GrpcTarget target) {
                              return server.connect(std::move(target));
                            }};
  PumpStream stream;
  ThreadGroup threads;
  StopSource stop;

  explicit Bench(CommitTs position = CommitTs(5))
      : stream(PumpId("p1"), "127.0.0.1:8250", position, options, merger, clock) {}

  void start() {
    merger.set_sources({PumpId("p1")});
    threads.start("pump", [this](StopToken token) { return stream.run(token); });
  }
  int64_t next() { return merger.take(stop.get_token())->binlog().commit_ts.value; }
};

}  // namespace

TEST_CASE("pump stream: after a break it goes on behind the last binlog") {
  Bench bench;
  bench.server.add({.messages = {pull_response(dml_payload(10)), pull_response(dml_payload(20))},
                    .error = make_error(ErrorCode::kUnavailable, "connection reset")});
  bench.server.add({.messages = {pull_response(dml_payload(30))}, .blocks = true});
  bench.start();
  CHECK(bench.next() == 10);
  CHECK(bench.next() == 20);
  CHECK(bench.next() == 30);
  bench.threads.request_stop();
  CHECK(bench.threads.wait().ok());
  const std::vector<Bytes> requests = bench.server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[0] == encode_pull_request(7, CommitTs(5)));
  CHECK(requests[1] == encode_pull_request(7, CommitTs(20)));
  CHECK(bench.stream.position() == CommitTs(30));
}

TEST_CASE("pump stream: bytes that are no binlog end it with the pump's name") {
  Bench bench;
  bench.server.add(
      {.messages = {pull_response(dml_payload(10)), pull_response("\x08")}, .blocks = true});
  bench.start();
  const Result<void> result = bench.threads.wait();
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code() == ErrorCode::kCorrupt);
  CHECK_THAT(result.error().to_string(),
             Catch::StartsWith("pump p1: unmarshal binlog after commit ts 10: "));
  // What arrived before them was handed over.
  CHECK(bench.stream.position() == CommitTs(10));
  CHECK(bench.next() == 10);
}

TEST_CASE("pump stream: a pump that comes back elsewhere is dialled there") {
  Bench bench;
  bench.server.add({.messages = {pull_response(dml_payload(10))}, .blocks = true});
  bench.server.add({.messages = {pull_response(dml_payload(11))}, .blocks = true});
  bench.start();
  CHECK(bench.next() == 10);
  bench.stream.set_host("127.0.0.2:9000");
  CHECK(bench.next() == 11);
  CHECK(bench.server.dialled() == std::vector<std::string>{"127.0.0.1:8250", "127.0.0.2:9000"});
  bench.threads.request_stop();
  CHECK(bench.threads.wait().ok());
}

TEST_CASE("pump stream: stop() ends it while the group goes on") {
  Bench bench;
  bench.server.add({.messages = {}, .blocks = true});
  bench.start();
  bench.stream.stop();
  CHECK(bench.threads.wait().ok());
  CHECK_FALSE(bench.threads.stop_token().stop_requested());
}

TEST_CASE(
    "pump stream: a pump that begins hours after what it was asked for is told of and counted") {
  constexpr int64_t kHourMs = int64_t{3600} * 1000;
  constexpr int64_t kAskedMs = 1'700'000'000'000;
  struct Case {
    CommitTs asked;
    int64_t first_ms;
    double gaps;
  };
  const Counter& gaps = metric::pump_gaps_total();
  for (const Case& c : {Case{make_commit_ts(kAskedMs), kAskedMs + kHourMs, 0},
                        Case{make_commit_ts(kAskedMs), kAskedMs + kHourMs + 1, 1},
                        Case{CommitTs(0), kAskedMs, 0}}) {
    const double before = gaps.value();
    Bench bench(c.asked);
    // Only the first one of a connection counts, and binlogs go on all the same.
    const int64_t first = make_commit_ts(c.first_ms).value;
    const int64_t late = make_commit_ts(c.first_ms + 5 * kHourMs).value;
    bench.server.add(
        {.messages = {pull_response(fakes::fake_payload(first)), pull_response(dml_payload(late))},
         .blocks = true});
    bench.start();
    CHECK(bench.next() == first);
    CHECK(bench.next() == late);
    bench.threads.request_stop();
    CHECK(bench.threads.wait().ok());
    CHECK(gaps.value() - before == c.gaps);
  }
}
