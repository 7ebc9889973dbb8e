#include "syncer/relay/record_source.h"

#include <catch2/catch.hpp>

#include "tests/fakes/process.h"

using namespace drainer;
using relay::RecordSource;

namespace {

Bytes payload_of(int64_t ts) {
  Bytes out("\x08\x00\x10", 3);
  for (auto rest = static_cast<uint64_t>(ts); rest != 0; rest >>= 7) {
    out += static_cast<char>((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0));
  }
  return out;
}

Bytes record_of(int64_t ts) {
  Bytes out;
  file::append_record(out, payload_of(ts));
  return out;
}

Bytes records_of(const std::vector<int64_t>& all) {
  Bytes out;
  for (const int64_t ts : all) out += record_of(ts);
  return out;
}

struct Directory {
  fakes::TempDir dir{"records"};
  int files = 0;

  void add(const Bytes& content) {
    fakes::write_file(fmt::format("{}/binlog-{:016}-20190101010101", dir.path(), files++), content);
  }

  struct Read {
    std::vector<int64_t> ts;
    std::string error;
  };
  Read read(relay::SourceOptions options = {}) const {
    options.path = dir.path();
    Read out;
    Result<RecordSource> source = RecordSource::open(options);
    if (!source.ok()) return {{}, source.error().to_string()};
    while (true) {
      const auto item = source->next();
      if (!item.ok()) return {out.ts, item.error().to_string()};
      if (!*item) return out;
      out.ts.push_back((*item)->commit_ts.value);
    }
  }
};

using Ts = std::vector<int64_t>;

}  // namespace

TEST_CASE("records: files are read in order, empty ones and repeats left out") {
  Directory files;
  files.add(records_of({10, 20, 30}));
  files.add("");
  // After a crash all behind the checkpoint comes again.
  files.add(records_of({20, 30, 40}));
  CHECK(files.read().ts == Ts{10, 20, 30, 40});
  CHECK(files.read({.start = CommitTs(20), .stop = CommitTs(30)}).ts == Ts{20, 30});
  CHECK(files.read({.start = CommitTs(25)}).ts == Ts{30, 40});
}

TEST_CASE("records: files before the start are read where they reach behind a later file's end") {
  // A crash, then another one before the second run had caught up with the first.
  Directory files;
  files.add(records_of({10, 20}));
  files.add(records_of({51, 60, 80, 90, 100}));
  files.add(records_of({61, 70, 80}));
  CHECK(files.read({.start = CommitTs(61)}).ts == Ts{61, 70, 80, 90, 100});
  CHECK(files.read({.start = CommitTs(80)}).ts == Ts{80, 90, 100});
  CHECK(files.read({.start = CommitTs(80), .stop = CommitTs(90)}).ts == Ts{80, 90});
  CHECK(files.read({.start = CommitTs(100)}).ts == Ts{100});
  CHECK(files.read({.start = CommitTs(101)}).ts == Ts{});
  CHECK(files.read({.start = CommitTs(80)}).error.empty());
}

TEST_CASE("records: of files that do not overlap the early ones are not looked through") {
  Directory files;
  Bytes damaged = record_of(20);
  damaged[file::kRecordHeaderBytes + 3] ^= 1;
  files.add(record_of(10) + damaged);
  files.add(records_of({30, 40}));
  files.add(records_of({50, 60}));
  CHECK(files.read({.start = CommitTs(45), .may_overlap = false}).ts == Ts{50, 60});
  CHECK(files.read({.start = CommitTs(50), .may_overlap = false}).ts == Ts{50, 60});
  CHECK(files.read({.start = CommitTs(45)}).ts == Ts{50, 60});
}

TEST_CASE("records: what was written again from an earlier place on comes in order, once") {
  struct Case {
    std::string name;
    std::vector<Ts> files;
    Ts read;  ///< all of it
    Ts read_from_60 = {};
  };
  const std::vector<Case> cases = {
      {"began anew in the newest file, and did not come far",
       {{100, 200}, {300, 400, 10, 20, 30}},
       {10, 20, 30},
       {}},
      {"began anew and has the old ones behind it reached",
       {{100, 200}, {300, 400, 50, 60, 100, 150}},
       {50, 60, 100, 150, 200, 300, 400},
       {60, 100, 150, 200, 300, 400}},
      {"began anew and wrote all of it again",
       {{100, 200}, {300, 10, 20, 100}, {200, 300, 310}},
       {10, 20, 100, 200, 300, 310},
       {100, 200, 300, 310}},
      {"began anew twice", {{300, 400, 100, 200}, {10, 60, 70}}, {10, 60, 70}, {60, 70}},
      {"began anew behind what a crash had repeated",
       {{100, 300, 600}, {300, 600, 700, 10, 60, 120}},
       {10, 60, 120, 300, 600, 700},
       {60, 120, 300, 600, 700}},
      {"crashed twice, the second time before it had caught up",
       {{10, 20, 60}, {70, 80, 90, 55, 60, 70}},
       {10, 20, 55, 60, 70, 80, 90},
       {60, 70, 80, 90}},
      {"wrote what it had left out before, as a filter has changed",
       {{10, 20, 70, 80, 60, 65, 70, 80, 90}},
       {10, 20, 60, 65, 70, 80, 90},
       {60, 65, 70, 80, 90}},
      {"began anew with the same transaction",
       {{10, 20, 60, 10, 20, 60, 70}},
       {10, 20, 60, 70},
       {60, 70}},
  };
  const bool may_overlap = GENERATE(false, true);
  for (const Case& one : cases) {
    INFO(one.name);
    Directory files;
    for (const Ts& file : one.files) files.add(records_of(file));
    CHECK(files.read({.may_overlap = may_overlap}).ts == one.read);
    CHECK(files.read({.start = CommitTs(60), .may_overlap = may_overlap}).ts == one.read_from_60);
  }
}

TEST_CASE("records: early files, passed over, tell that later ones do not begin anew") {
  Directory files;
  files.add(records_of({10, 50}));
  files.add(records_of({61, 80, 100, 55, 58}));
  CHECK(files.read({.start = CommitTs(62)}).ts == Ts{80, 100});
  CHECK(files.read({.start = CommitTs(62), .may_overlap = false}).ts == Ts{80, 100});
}

TEST_CASE("records: of what begins anew the torn end is in what stands before") {
  Directory files;
  files.add(records_of({100, 200, 300}) + records_of({50, 100}) + record_of(200).substr(0, 15));
  CHECK(files.read().ts == Ts{50, 100, 200, 300});
  CHECK(files.read().error.empty());
}

TEST_CASE("records: garbage that is too short for a record loses nothing") {
  Directory files;
  files.add(record_of(10) + "test" + record_of(20) + "test" + record_of(30) + "test");
  CHECK(files.read().ts == Ts{10, 20, 30});
}

TEST_CASE("records: a torn tail of the newest file is the end") {
  Directory files;
  files.add(records_of({10, 20}));
  files.add(record_of(30) + record_of(40).substr(0, 15));
  const Directory::Read read = files.read();
  CHECK(read.ts == Ts{10, 20, 30});
  CHECK(read.error.empty());
}

TEST_CASE("records: a torn record that is repeated behind it is no loss") {
  Directory files;
  files.add(records_of({10, 20}) + record_of(30).substr(0, 15) + records_of({20, 30, 40}));
  CHECK(files.read().ts == Ts{10, 20, 30, 40});
}

TEST_CASE("records: a torn record behind which its own transaction comes again is no loss") {
  Directory files;
  Bytes torn;
  file::append_record(torn, payload_of(30) + "\x1a\x10" + Bytes(16, 'x'));
  torn.resize(torn.size() - 2);
  files.add(records_of({10, 20}) + torn + records_of({30, 40}));
  CHECK(files.read().ts == Ts{10, 20, 30, 40});
  Directory lost;
  lost.add(records_of({10, 20}) + torn + records_of({40}));
  CHECK(lost.read().ts == Ts{10, 20});
}

TEST_CASE("records: a damaged one in between stops with file and offset, or is skipped on demand") {
  Directory files;
  Bytes damaged = record_of(20);
  damaged[file::kRecordHeaderBytes + 3] ^= 1;
  files.add(record_of(10) + damaged + record_of(30));
  const Directory::Read read = files.read();
  CHECK(read.ts == Ts{10});
  CHECK_THAT(read.error,
             Catch::Contains(fmt::format("offset {}: crc mismatch", record_of(10).size())) &&
                 Catch::Contains("binlog-0000000000000000-20190101010101") &&
                 Catch::Contains("between commit ts 10 and 30"));
  CHECK(files.read({.skips_damage = true}).ts == Ts{10, 30});
  // What is not wanted may be damaged.
  CHECK(files.read({.start = CommitTs(30)}).ts == Ts{30});
}

TEST_CASE("records: the cut tail of an older file is a loss unless the next file repeats it") {
  Directory lost;
  lost.add(record_of(10) + record_of(20).substr(0, 15));
  lost.add(record_of(30));
  CHECK(lost.read().ts == Ts{10});
  Directory repeated;
  repeated.add(record_of(10) + record_of(20).substr(0, 15));
  repeated.add(records_of({10, 20, 30}));
  CHECK(repeated.read().ts == Ts{10, 20, 30});
}

TEST_CASE("records: no files are an error that names the place") {
  Directory files;
  CHECK_THAT(files.read().error, Catch::Contains("holds no binlog files"));
  files.add("");
  CHECK_THAT(files.read().error, Catch::Contains("holds no binlog files"));
}

TEST_CASE("records: a log without records may be wanted, a place that is not there never") {
  Directory files;
  CHECK(files.read({.may_be_empty = true}).error.empty());
  files.add("");
  CHECK(files.read({.may_be_empty = true}).error.empty());
  CHECK(files.read({.may_be_empty = true}).ts == Ts{});
  const auto absent =
      RecordSource::open({.path = files.dir.path() + "/absent", .may_be_empty = true});
  CHECK(absent.error().code() == ErrorCode::kNotFound);
}
