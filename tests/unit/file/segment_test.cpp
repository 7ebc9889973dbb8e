#include "syncer/file/segment.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utime.h>

#include <atomic>
#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

#include "syncer/file/message.h"
#include "syncer/file/record.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/process.h"
#include "tests/upstream/wire.h"

using namespace drainer;
using fakes::read_file;
using fakes::TempDir;
using fakes::write_file;
using file::SegmentWriter;

namespace {

std::atomic<int> sync_count = 0;

}  // namespace

// In place of the library's, to count the calls.
extern "C" int fdatasync(int fd) {
  ++sync_count;
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace {

// As a record's payload begins: type and commit ts.
Bytes payload(int64_t commit_ts, size_t filler = 0) {
  Bytes out;
  upstream::append_varint_field(out, 1, 0);
  upstream::append_varint_field(out, 2, static_cast<uint64_t>(commit_ts));
  upstream::append_bytes_field(out, 3, Bytes(filler, 'x'));
  return out;
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> out;
  const std::vector<file::Segment> segments = file::list_segments(directory).value();
  for (const file::Segment& segment : segments) {
    out.push_back(segment.name);
  }
  return out;
}

// Commit ts of all records in a directory, file after file; the test fails on damage.
std::vector<int64_t> commit_ts_in(const std::string& directory) {
  std::vector<int64_t> out;
  for (const std::string& name : names_in(directory)) {
    const Bytes content = read_file(directory + "/" + name);
    file::RecordReader reader(content);
    while (const auto record = reader.next()) {
      out.push_back(file::find_commit_ts(record->payload).value().value);
    }
    INFO(name);
    CHECK_FALSE(reader.damage());
  }
  return out;
}

Result<SegmentWriter> open(const std::string& directory, int64_t acknowledged = 0,
                           uint64_t file_bytes_max = 1 << 20) {
  static fakes::FakeClock clock;
  return SegmentWriter::open({.directory = directory,
                              .acknowledged = CommitTs(acknowledged),
                              .file_bytes_max = file_bytes_max},
                             clock);
}

std::string error_of(const Result<SegmentWriter>& result) {
  return result.ok() ? "no error" : result.error().to_string();
}

// Writes records 1 to `last` as one run.
void write_run(const std::string& directory, int64_t last) {
  SegmentWriter writer = open(directory).value();
  for (int64_t ts = 1; ts <= last; ++ts) REQUIRE(writer.append(payload(ts)).ok());
  REQUIRE(writer.sync().ok());
}

std::string only_file(const std::string& directory) {
  const std::vector<std::string> names = names_in(directory);
  REQUIRE(names.size() == 1);
  return directory + "/" + names[0];
}

}  // namespace

TEST_CASE("segments: the first file has index 0, its directory and itself are private") {
  const TempDir temp("segments");
  const std::string directory = temp.path() + "/a/b";
  REQUIRE(open(directory).ok());
  const std::string name = names_in(directory).at(0);
  CHECK(name.starts_with("binlog-0000000000000000-"));
  CHECK(name.size() == 38);
  struct stat status {};
  REQUIRE(::stat(directory.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0700);
  REQUIRE(::stat((directory + "/" + name).c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  REQUIRE(::stat((directory + "/.lock").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("segments: names have index and local time") {
  CHECK(file::segment_name(1, 1546275661000).starts_with("binlog-0000000000000001-"));
  CHECK(file::segment_name(1, 1546275661000).size() == 38);
  CHECK(file::parse_segment_index("binlog-0000000000000001-20190101010101") == 1);
  CHECK(file::parse_segment_index("binlog-0000000000000007") == 7);
  CHECK(file::parse_segment_index("binlog-0000000000000002-20190101010101-4057.tar.gz") == 2);
  for (const char* other : {"binlog-", "binlog-x-1", "binlog-1-2-3-4", "savepoint", ".lock",
                            "binlog-1.lock", "binlog-1-checkpoint"}) {
    INFO(other);
    CHECK_FALSE(file::parse_segment_index(other));
  }
}

TEST_CASE("segments: a new file is begun by the record that follows a full file") {
  const TempDir temp("segments");
  const size_t record_bytes = payload(1, 84).size() + file::kRecordFrameBytes;
  {
    SegmentWriter writer = open(temp.path(), 0, record_bytes * 2).value();
    for (int64_t ts = 1; ts <= 2; ++ts) REQUIRE(writer.append(payload(ts, 84)).ok());
    REQUIRE(writer.sync().ok());
    CHECK(names_in(temp.path()).size() == 1);
    for (int64_t ts = 3; ts <= 5; ++ts) REQUIRE(writer.append(payload(ts, 84)).ok());
    REQUIRE(writer.sync().ok());
  }
  const std::vector<std::string> names = names_in(temp.path());
  REQUIRE(names.size() == 3);
  CHECK(names[2].starts_with("binlog-0000000000000002-"));
  CHECK(commit_ts_in(temp.path()) == std::vector<int64_t>{1, 2, 3, 4, 5});
  // The next run goes on in the newest file.
  SegmentWriter writer = open(temp.path(), 5, record_bytes * 2).value();
  REQUIRE(writer.append(payload(6, 84)).ok());
  REQUIRE(writer.sync().ok());
  CHECK(names_in(temp.path()).size() == 3);
  CHECK(commit_ts_in(temp.path()) == std::vector<int64_t>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("segments: records of any size come out as they went in") {
  const TempDir temp("segments");
  Bytes expected;
  SegmentWriter writer = open(temp.path(), 0, 1 << 30).value();
  for (const size_t size : {size_t{0}, size_t{100}, size_t{3} << 20, size_t{10}, size_t{1} << 20}) {
    REQUIRE(writer.append(payload(1, size)).ok());
    file::append_record(expected, payload(1, size));
  }
  CHECK(writer.file_bytes() == expected.size());
  REQUIRE(writer.flush().ok());
  CHECK((read_file(only_file(temp.path())) == expected));
}

TEST_CASE("segments: a torn tail is cut off and written again") {
  const TempDir temp("segments");
  write_run(temp.path(), 3);
  const std::string path = only_file(temp.path());
  const Bytes whole = read_file(path);
  const size_t two = whole.size() / 3 * 2;
  for (size_t size = two + 1; size < whole.size(); ++size) {
    INFO(size);
    write_file(path, whole.substr(0, size));
    SegmentWriter writer = open(temp.path(), /*acknowledged=*/2).value();
    CHECK(writer.file_bytes() == two);
    REQUIRE(writer.append(payload(3)).ok());
    REQUIRE(writer.sync().ok());
    CHECK((read_file(path) == whole));
  }
}

TEST_CASE("segments: zeros that a power failure left behind the last record are cut off") {
  const TempDir temp("segments");
  write_run(temp.path(), 3);
  const std::string path = only_file(temp.path());
  const Bytes whole = read_file(path);
  write_file(path, whole + Bytes(4096, '\0'));
  CHECK(open(temp.path(), 3).value().file_bytes() == whole.size());
  // Also when pages that were written later have survived.
  Bytes hole = whole + Bytes(4096, '\0');
  file::append_record(hole, payload(9));
  write_file(path, hole);
  CHECK(open(temp.path(), 3).value().file_bytes() == whole.size());
  CHECK((read_file(path) == whole));
}

TEST_CASE("segments: damage of what the checkpoint counts as written names file and offset") {
  const TempDir temp("segments");
  write_run(temp.path(), 3);
  const std::string path = only_file(temp.path());
  const Bytes whole = read_file(path);
  const size_t record_bytes = whole.size() / 3;
  Bytes changed = whole;
  changed[record_bytes * 2 - 1] = static_cast<char>(changed[record_bytes * 2 - 1] ^ 1);
  write_file(path, changed);
  const std::string error = error_of(open(temp.path(), 3));
  CHECK(error.find(fmt::format("{} offset {}: crc mismatch", path, record_bytes)) !=
        std::string::npos);
  CHECK(error.ends_with("; the checkpoint 3 counts it as written"));
  CHECK((read_file(path) == changed));

  // The last record, torn from outside.
  write_file(path, whole.substr(0, whole.size() - 1));
  CHECK(
      error_of(open(temp.path(), 3)).find(fmt::format("{} offset {}: ", path, record_bytes * 2)) !=
      std::string::npos);
  // A header of which nothing can be read, with acknowledged records behind it.
  Bytes no_header = whole;
  no_header[record_bytes] = 0;
  write_file(path, no_header);
  CHECK(error_of(open(temp.path(), 3)).find(fmt::format(" offset {}: magic", record_bytes)) !=
        std::string::npos);
}

TEST_CASE("segments: a torn record that the original went on behind stops nothing") {
  const TempDir temp("segments");
  write_run(temp.path(), 3);
  const std::string path = only_file(temp.path());
  const Bytes whole = read_file(path);
  Bytes content = whole.substr(0, whole.size() - 3);
  file::append_record(content, payload(2));
  file::append_record(content, payload(3));
  file::append_record(content, payload(4));
  write_file(path, content);
  CHECK(open(temp.path(), 4).value().file_bytes() == content.size());
  CHECK((read_file(path) == content));
}

TEST_CASE("segments: what lies behind the checkpoint is found, across files") {
  const TempDir temp("segments");
  {
    SegmentWriter writer = open(temp.path(), 0, 100).value();
    for (int64_t ts = 1; ts <= 20; ++ts) REQUIRE(writer.append(payload(ts, 40)).ok());
    REQUIRE(writer.sync().ok());
  }
  REQUIRE(names_in(temp.path()).size() > 3);
  const file::CommitTsSet found = open(temp.path(), 8).value().find_unacknowledged().value();
  CHECK(found.size() == 12);
  for (int64_t ts = 9; ts <= 20; ++ts) CHECK(found.contains(CommitTs(ts)));
  CHECK(open(temp.path(), 20).value().find_unacknowledged().value().empty());
  CHECK(open(temp.path(), 0).value().find_unacknowledged().value().size() == 20);
}

TEST_CASE("segments: a missing file between others is an error, but not behind index 0") {
  const TempDir temp("segments");
  for (const char* index : {"3", "4", "6"}) {
    write_file(fmt::format("{}/binlog-000000000000000{}-20190101010101", temp.path(), index), "");
  }
  CHECK(error_of(open(temp.path())).find("binlogger: content is corruption") != std::string::npos);
  std::filesystem::remove(temp.path() + "/binlog-0000000000000006-20190101010101");
  CHECK(open(temp.path()).ok());
  write_file(temp.path() + "/binlog-0000000000000000-20190101010101", "");
  CHECK(open(temp.path()).ok());
}

TEST_CASE("segments: a directory in use is refused at once") {
  const TempDir temp("segments");
  const Result<SegmentWriter> first = open(temp.path());
  REQUIRE(first.ok());
  const Result<SegmentWriter> second = open(temp.path());
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code() == ErrorCode::kConflict);
  CHECK(error_of(second) == temp.path() + "/.lock: pkg/file: file already locked");
}

TEST_CASE("segments: a full disk names file and offset and leaves whole records only") {
  const TempDir temp("segments");
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  SegmentWriter writer = open(temp.path(), 0, 1 << 30).value();
  const std::string path = only_file(temp.path());
  REQUIRE(writer.append(payload(1, 10'000)).ok());
  REQUIRE(writer.sync().ok());
  const uint64_t whole = writer.file_bytes();

  const rlimit full{.rlim_cur = 15'000, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &full) == 0);
  REQUIRE(writer.append(payload(2, 10'000)).ok());
  const Result<void> flushed = writer.flush();
  const Result<void> large = writer.append(payload(3, 2 << 20));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  REQUIRE_FALSE(flushed.ok());
  CHECK(flushed.error().text() == fmt::format("write {} offset 15000: File too large", path));
  REQUIRE_FALSE(large.ok());
  CHECK(read_file(path).size() == whole);
  CHECK(commit_ts_in(temp.path()) == std::vector<int64_t>{1});
}

TEST_CASE("segments: old files go, the newest and foreign ones stay") {
  const TempDir temp("segments");
  constexpr int64_t kDay = 86'400;
  const int64_t now = 1'700'000'000;
  const auto create = [&](const std::string& name, int64_t age) {
    const std::string path = temp.path() + "/" + name;
    write_file(path, "x");
    const utimbuf times{.actime = now - age, .modtime = now - age};
    REQUIRE(::utime(path.c_str(), &times) == 0);
  };
  create("binlog-0000000000000001-20190101010101", 8 * kDay);
  create("binlog-0000000000000002-20190101010101", 7 * kDay + 1);
  create("binlog-0000000000000003-20190101010101", 7 * kDay - 1);
  create("binlog-0000000000000004-20190101010101", 9 * kDay);  // stays: no hole is made
  create("binlog-0000000000000005-20190101010101", 9 * kDay);
  create("savepoint", 9 * kDay);
  // More days than a clock can count are for ever.
  for (const int64_t days : {int64_t{106'752}, int64_t{213'504}, INT64_MAX}) {
    file::remove_old_segments(temp.path(), days, now * 1000);
    CHECK(names_in(temp.path()).size() == 5);
  }
  file::remove_old_segments(temp.path(), 7, now * 1000);
  CHECK(names_in(temp.path()) ==
        std::vector<std::string>{"binlog-0000000000000003-20190101010101",
                                 "binlog-0000000000000004-20190101010101",
                                 "binlog-0000000000000005-20190101010101"});
  CHECK(read_file(temp.path() + "/savepoint") == "x");
}

TEST_CASE("segments: what is found at the start is brought onto the disk") {
  const TempDir temp("segments");
  {
    SegmentWriter writer = open(temp.path()).value();
    REQUIRE(writer.append(payload(1)).ok());
    REQUIRE(writer.flush().ok());
  }
  const int before = sync_count;
  const SegmentWriter writer = open(temp.path()).value();
  CHECK(sync_count > before);
  CHECK(writer.find_unacknowledged().value() == file::CommitTsSet{CommitTs(1)});
}
