#include "syncer/file/file_sink.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <catch2/catch.hpp>

#include "syncer/file/record.h"
#include "tests/fakes/process.h"
#include "tests/fakes/txns.h"

using namespace drainer;
using fakes::TempDir;
using fakes::TxnBuilder;
using file::FileSink;
using file::FileSinkOptions;
using tidb::Value;

namespace {

Txn txn(int64_t commit_ts) {
  return TxnBuilder(commit_ts)
      .on(fakes::example_table())
      .insert({Value::of_int(commit_ts), fakes::text("a")})
      .build();
}

FileSinkOptions options(const std::string& directory, int64_t checkpoint = 0) {
  FileSinkOptions out;
  out.directory = directory;
  out.checkpoint = CommitTs(checkpoint);
  out.file_bytes_max = 200'000;
  return out;
}

std::vector<int64_t> commit_ts_in(const std::string& directory) {
  std::vector<int64_t> out;
  const std::vector<file::Segment> segments = file::list_segments(directory).value();
  for (const file::Segment& segment : segments) {
    const Bytes content = fakes::read_file(directory + "/" + segment.name);
    file::RecordReader reader(content);
    while (const auto record = reader.next()) {
      out.push_back(file::find_commit_ts(record->payload).value().value);
    }
    CHECK_FALSE(reader.damage());
  }
  return out;
}

std::vector<int64_t> from_to(int64_t first, int64_t last) {
  std::vector<int64_t> out;
  for (int64_t ts = first; ts <= last; ++ts) out.push_back(ts);
  return out;
}

// Submits first…last to a new sink and waits until all is reported: the last applied commit ts.
CommitTs run(const std::string& directory, int64_t checkpoint, int64_t first, int64_t last) {
  SystemClock clock;
  const auto sink = FileSink::open(options(directory, checkpoint), clock).value();
  ThreadGroup threads;
  sink->start(threads);
  threads.start("submit", [&](const StopToken& stop) -> Result<void> {
    for (int64_t ts = first; ts <= last; ++ts) TRY(sink->submit(txn(ts), stop));
    sink->close();
    return {};
  });
  CommitTs applied;
  while (const auto next = sink->next_applied(StopToken())) {
    CHECK(next->commit_ts > applied);
    applied = next->commit_ts;
  }
  CHECK(threads.wait().ok());
  return applied;
}

}  // namespace

TEST_CASE("file sink: all transactions are in the files, in order, before they are reported") {
  const TempDir temp("file_sink");
  CHECK(run(temp.path(), 0, 1, 5000) == CommitTs(5000));
  CHECK(commit_ts_in(temp.path()) == from_to(1, 5000));
  CHECK(file::list_segments(temp.path()).value().size() > 2);
}

TEST_CASE("file sink: what was written behind the checkpoint is not written twice") {
  const TempDir temp("file_sink");
  run(temp.path(), 0, 1, 600);
  CHECK(run(temp.path(), 300, 301, 900) == CommitTs(900));
  CHECK(commit_ts_in(temp.path()) == from_to(1, 900));
}

TEST_CASE("file sink: behind a transaction that no file holds all are written again") {
  const TempDir temp("file_sink");
  run(temp.path(), 0, 100, 105);
  std::vector<int64_t> expected = from_to(100, 105);
  const auto check_rewritten = [&](int64_t checkpoint, int64_t first, int64_t last) {
    run(temp.path(), checkpoint, first, last);
    const std::vector<int64_t> again = from_to(first, last);
    expected.insert(expected.end(), again.begin(), again.end());
    CHECK(commit_ts_in(temp.path()) == expected);
  };
  check_rewritten(10, 11, 12);
  check_rewritten(9, 10, 103);
  // What stood there before all that does not count any more.
  run(temp.path(), 101, 102, 110);
  for (int64_t ts = 104; ts <= 110; ++ts) expected.push_back(ts);
  CHECK(commit_ts_in(temp.path()) == expected);
}

TEST_CASE("file sink: what other filters let through now is followed by all behind it") {
  const TempDir temp("file_sink");
  run(temp.path(), 0, 1, 3);
  run(temp.path(), 3, 6, 9);
  // 2 and 3 are there; 4 is new.
  run(temp.path(), 1, 2, 10);
  CHECK(commit_ts_in(temp.path()) ==
        std::vector<int64_t>{1, 2, 3, 6, 7, 8, 9, 4, 5, 6, 7, 8, 9, 10});
}

TEST_CASE("file sink: progress without records passes, a DDL is reported as one") {
  const TempDir temp("file_sink");
  SystemClock clock;
  const auto sink = FileSink::open(options(temp.path()), clock).value();
  ThreadGroup threads;
  sink->start(threads);
  REQUIRE(sink->submit(TxnBuilder(1).build(), StopToken()).ok());
  CHECK(sink->next_applied(StopToken())->commit_ts == CommitTs(1));
  REQUIRE(sink->submit(TxnBuilder(2).ddl("d", "t", "drop table t").build(), StopToken()).ok());
  const Applied ddl = sink->next_applied(StopToken()).value();
  CHECK(ddl.commit_ts == CommitTs(2));
  CHECK(ddl.is_ddl);
  REQUIRE(sink->submit(TxnBuilder(3).ddl("d", "t", "x", /*should_skip=*/true).build(), StopToken())
              .ok());
  CHECK(sink->next_applied(StopToken())->commit_ts == CommitTs(3));
  REQUIRE(sink->submit(txn(4), StopToken()).ok());
  const Applied rows = sink->next_applied(StopToken()).value();
  CHECK(rows.commit_ts == CommitTs(4));
  CHECK(rows.rows == 1);
  CHECK_FALSE(rows.is_ddl);
  sink->close();
  CHECK_FALSE(sink->next_applied(StopToken()));
  CHECK(threads.wait().ok());
  CHECK(commit_ts_in(temp.path()) == std::vector<int64_t>{2, 4});
}

TEST_CASE("file sink: what was submitted before a stop is written and reported") {
  const TempDir temp("file_sink");
  SystemClock clock;
  const auto sink = FileSink::open(options(temp.path()), clock).value();
  for (int64_t ts = 1; ts <= 100; ++ts) REQUIRE(sink->submit(txn(ts), StopToken()).ok());
  sink->close();
  ThreadGroup threads;
  threads.request_stop();
  sink->start(threads);
  CommitTs applied;
  while (const auto next = sink->next_applied(StopToken())) applied = next->commit_ts;
  CHECK(applied == CommitTs(100));
  CHECK(threads.wait().ok());
  CHECK(commit_ts_in(temp.path()) == from_to(1, 100));
}

// A child writes without end and tells through a pipe what it has reported; it is killed.
TEST_CASE("file sink: after kill -9 nothing reported is lost and nothing comes twice") {
  const TempDir temp("file_sink");
  int64_t checkpoint = 0;
  for (int round = 0; round < 5; ++round) {
    int channel[2];
    REQUIRE(::pipe(channel) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(channel[0]);
      SystemClock clock;
      auto sink = FileSink::open(options(temp.path(), checkpoint), clock);
      if (!sink.ok()) ::_exit(1);
      ThreadGroup threads;
      (*sink)->start(threads);
      threads.start("submit", [&](const StopToken& stop) -> Result<void> {
        for (int64_t ts = checkpoint + 1;; ++ts) TRY((*sink)->submit(txn(ts), stop));
      });
      while (const auto applied = (*sink)->next_applied(StopToken())) {
        const int64_t ts = applied->commit_ts.value;
        if (::write(channel[1], &ts, sizeof ts) != sizeof ts) ::_exit(1);
      }
      ::_exit(1);
    }
    ::close(channel[1]);
    int64_t reported = checkpoint;
    for (int i = 0; i <= round; ++i) {
      REQUIRE(::read(channel[0], &reported, sizeof reported) == sizeof reported);
    }
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    ::close(channel[0]);
    CHECK(reported > checkpoint);
    // The checkpoint lags behind the reports.
    checkpoint = (checkpoint + reported) / 2;
  }
  // A child may have written far more than it reported, and a torn record, which the next run cuts
  // off; the rest comes again and must be recognised.
  CHECK(run(temp.path(), checkpoint, checkpoint + 1, checkpoint + 1) == CommitTs(checkpoint + 1));
  const int64_t last = commit_ts_in(temp.path()).back() + 1000;
  CHECK(run(temp.path(), checkpoint, checkpoint + 1, last) == CommitTs(last));
  CHECK((commit_ts_in(temp.path()) == from_to(1, last)));
}
