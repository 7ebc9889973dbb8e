#include "syncer/relay/relay_sink.h"

#include <catch2/catch.hpp>

#include <filesystem>

#include "syncer/relay/record_chain.h"
#include "syncer/relay/txn_source.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/process.h"
#include "tests/fakes/txns.h"

using namespace drainer;
using fakes::TxnBuilder;
using tidb::Value;

namespace {

// Takes what comes; with `log`, fails when the log does not hold it by then.
class InnerSink final : public Sink {
 public:
  InnerSink(std::string log, BoundedQueue<Applied>& applied)
      : log_(std::move(log)), applied_(applied) {}

  void start(ThreadGroup&) override {}
  Result<void> submit(Txn txn, const StopToken&) override {
    if (!log_.empty()) TRY(check_logged(txn));
    if (!applied_.push({.commit_ts = txn.commit_ts, .schema_version = {}}, 1, StopToken())) {
      return stopped();
    }
    return {};
  }
  Result<void> check_logged(const Txn& txn) const {
    ASSIGN_OR_RETURN(auto source, relay::TxnSource::open({.path = log_},
                                                         relay::RecordFormat::kRelay, ZonePair{}));
    while (true) {
      ASSIGN_OR_RETURN(const auto logged, source.next());
      if (!logged)
        return make_error(ErrorCode::kNotFound, "commit ts {} is not logged", txn.commit_ts);
      if (logged->commit_ts == txn.commit_ts) return {};
    }
  }
  void close() override { applied_.close(); }
  std::optional<Applied> next_applied(const StopToken& stop) override { return applied_.pop(stop); }
  CommitTs resume_from(CommitTs checkpoint) const override { return checkpoint; }
  const tidb::TimeZone& time_zone() const override { return zone_; }

 private:
  const std::string log_;
  BoundedQueue<Applied>& applied_;
  const tidb::TimeZone zone_;
};

size_t count_files(const std::string& directory) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    count += entry.path().filename().string().starts_with("binlog-");
  }
  return count;
}

// Sends `count` transactions, without those up to `checkpoint`, through a relay log with files of
// so many bytes.
void run(const std::string& directory, int64_t count, uint64_t file_bytes_max, bool reads_progress,
         int64_t ts_step = 100, int64_t checkpoint = 0) {
  fakes::FakeClock clock;
  BoundedQueue<Applied> applied({.items = 1000, .bytes = 1000});
  auto sink = relay::RelaySink::open(
      {.directory = directory,
       .file_bytes_max = file_bytes_max,
       .cluster_id = 12,
       .checkpoint = CommitTs(checkpoint),
       .has_checkpoint = checkpoint > 0},
      // Files that go at the same time cannot be looked at.
      std::make_unique<InnerSink>(reads_progress ? "" : directory, applied), clock);
  REQUIRE(sink.ok());
  ThreadGroup threads;
  (*sink)->start(threads);
  for (int64_t i = 1; i <= count; ++i) {
    if (ts_step * i <= checkpoint) continue;
    REQUIRE((*sink)
                ->submit(TxnBuilder(ts_step * i)
                             .on(fakes::example_table())
                             .insert({Value::of_int(i), fakes::text("a")})
                             .build(),
                         StopToken())
                .ok());
  }
  (*sink)->close();
  while (reads_progress && (*sink)->next_applied(StopToken())) {
  }
  REQUIRE(threads.wait().ok());
}

// What is read back of a transaction that went into the empty log.
Txn logged_as(const std::string& log, Txn txn) {
  fakes::FakeClock clock;
  BoundedQueue<Applied> applied({.items = 1000, .bytes = 1000});
  auto sink =
      relay::RelaySink::open({.directory = log}, std::make_unique<InnerSink>(log, applied), clock);
  REQUIRE(sink.ok());
  ThreadGroup threads;
  (*sink)->start(threads);
  REQUIRE((*sink)->submit(std::move(txn), StopToken()).ok());
  (*sink)->close();
  REQUIRE(threads.wait().ok());
  auto source = relay::TxnSource::open({.path = log}, relay::RecordFormat::kRelay, ZonePair{});
  REQUIRE(source.ok());
  return std::move(source->next().value()).value();
}

}  // namespace

TEST_CASE("relay: a transaction is in the log before the downstream gets it") {
  fakes::TempDir dir("relay");
  run(dir.path() + "/log", 20, 1 << 20, /*reads_progress=*/false);
}

TEST_CASE("relay: files that are applied go, the newest stays") {
  fakes::TempDir dir("relay");
  const std::string log = dir.path() + "/log";
  run(log, 10, 1, /*reads_progress=*/false);
  CHECK(count_files(log) == 10);
  std::filesystem::remove_all(log);
  run(log, 10, 1, /*reads_progress=*/true);
  CHECK(count_files(log) == 1);
}

TEST_CASE("relay: what stands before a log that begins anew goes, though it is newer") {
  fakes::TempDir dir("relay");
  const std::string log = dir.path() + "/log";
  run(log, 10, 1, /*reads_progress=*/false);
  run(log, 3, 1, /*reads_progress=*/true, /*ts_step=*/10);
  CHECK(count_files(log) == 1);
}

TEST_CASE("relay: at the start files behind the checkpoint stay, others go") {
  fakes::TempDir dir("relay");
  const std::string log = dir.path() + "/log";
  run(log, 10, 1, /*reads_progress=*/false);
  fakes::FakeClock clock;
  BoundedQueue<Applied> applied({.items = 1000, .bytes = 1000});
  auto sink = relay::RelaySink::open({.directory = log,
                                      .file_bytes_max = 1,
                                      .cluster_id = 12,
                                      .checkpoint = CommitTs(500),
                                      .has_checkpoint = true},
                                     std::make_unique<InnerSink>(log, applied), clock);
  REQUIRE(sink.ok());
  CHECK(count_files(log) == 6);
}

TEST_CASE("relay: the log of another cluster is left alone") {
  fakes::TempDir dir("relay");
  const std::string log = dir.path() + "/log";
  fakes::FakeClock clock;
  BoundedQueue<Applied> applied({.items = 1000, .bytes = 1000});
  const auto open = [&](uint64_t cluster_id, bool has_checkpoint) -> std::string {
    const auto sink = relay::RelaySink::open({.directory = log,
                                              .file_bytes_max = 1,
                                              .cluster_id = cluster_id,
                                              .checkpoint = CommitTs(500),
                                              .has_checkpoint = has_checkpoint},
                                             std::make_unique<InnerSink>(log, applied), clock);
    return sink.ok() ? "" : sink.error().to_string();
  };
  // While there is nothing in it, it may be anybody's.
  CHECK(open(11, true) == "");
  CHECK(open(12, true) == "");
  run(log, 10, 1, /*reads_progress=*/false);
  CHECK(fakes::read_file(log + "/cluster-id") == "12\n");
  CHECK_THAT(open(11, true), Catch::Contains("of cluster 12, not of cluster 11") &&
                                 Catch::Contains("move the directory away"));
  // Without a checkpoint 500 is only where somebody wants to begin.
  CHECK(open(12, false) == "");
  CHECK(count_files(log) == 10);
  CHECK(open(12, true) == "");
  CHECK(count_files(log) == 6);
  fakes::write_file(log + "/cluster-id", "12x");
  CHECK_THAT(open(12, true), Catch::Contains("holds no cluster id"));
}

TEST_CASE("relay: the specification's DDL record is what a DDL leaves but for our own fields") {
  fakes::TempDir dir("relay");
  const std::string log = dir.path() + "/log";
  fakes::FakeClock clock;
  BoundedQueue<Applied> applied({.items = 1000, .bytes = 1000});
  auto sink =
      relay::RelaySink::open({.directory = log}, std::make_unique<InnerSink>(log, applied), clock);
  REQUIRE(sink.ok());
  ThreadGroup threads;
  (*sink)->start(threads);
  REQUIRE((*sink)
              ->submit(TxnBuilder(200).ddl("test", "test", "create table test(id int)").build(),
                       StopToken())
              .ok());
  (*sink)->close();
  REQUIRE(threads.wait().ok());
  for (const auto& entry : std::filesystem::directory_iterator(log)) {
    if (!entry.path().filename().string().starts_with("binlog-")) continue;
    const Bytes content = fakes::read_file(entry.path());
    const std::optional<file::Record> record = file::RecordReader(content).next();
    REQUIRE(record);
    CHECK(to_hex(record->payload) ==
          "080110c80122270a0474657374120474657374"
          "1a19637265617465207461626c652074657374286964"
          "20696e7429"
          "2a03555443"
          "4000");
  }
}

TEST_CASE("relay: each record names the one before, across runs too") {
  fakes::TempDir dir("relay");
  const std::string log = dir.path() + "/log";
  const auto gap = [&](int64_t held) {
    const auto found = relay::find_gap(log, CommitTs(held));
    REQUIRE(found.ok());
    return *found ? fmt::format("{} {} {}", (*found)->held, (*found)->previous, (*found)->begins)
                  : "none";
  };
  run(log, 5, 1, /*reads_progress=*/false);
  CHECK(gap(0) == "none");
  // The downstream was at 350, then at 1050; files that are applied go at the start.
  run(log, 10, 1, /*reads_progress=*/false, 100, 350);
  CHECK(gap(250) == "250 300 400");
  CHECK(gap(300) == "none");
  CHECK(gap(350) == "none");
  run(log, 12, 1, /*reads_progress=*/false, 100, 1050);
  CHECK(gap(350) == "350 900 1000");
  CHECK(gap(900) == "none");
  CHECK(gap(1000) == "none");
  // Of an empty log the record before the first is not known: the run's begin is.
  std::filesystem::remove_all(log);
  run(log, 5, 1, /*reads_progress=*/false, 100, 250);
  CHECK(gap(250) == "none");
  CHECK(gap(240) == "240 250 300");
}

TEST_CASE("relay: the marks that rows carry on come back with them") {
  fakes::TempDir dir("relay");
  const std::string log = dir.path() + "/log";
  Txn txn = TxnBuilder(100)
                .on(fakes::example_table())
                .insert({Value::of_int(1), fakes::text("a")})
                .build();
  txn.marks = {3, 300, 1LL << 40};
  CHECK(logged_as(log, std::move(txn)).marks == std::vector<int64_t>{3, 300, 1LL << 40});
}

TEST_CASE("relay: the time of a DDL comes back with it") {
  fakes::TempDir dir("relay");
  const std::string text = "alter table t add column c datetime default current_timestamp";
  const CommitTs commit_ts = make_commit_ts(1'577'836'800'000);
  const DdlClock clock{.time = "2020-01-01 08:00:00", .is_utc = false};
  Txn txn = TxnBuilder(commit_ts.value).ddl("test", "t", text).build();
  txn.ddl->clock = clock;
  CHECK(logged_as(dir.path() + "/known", std::move(txn)).ddl->clock == clock);
  // As a record of the original.
  txn = TxnBuilder(commit_ts.value).ddl("test", "t", text).build();
  CHECK(logged_as(dir.path() + "/unknown", std::move(txn)).ddl->clock ==
        DdlClock{.time = "2020-01-01 00:00:00", .is_utc = true});
}
