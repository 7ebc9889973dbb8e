// Captures, versions, dealing, pace and repetition, without sockets.

#include "tests/fakes/fake_clock.h"
#include "tests/upstream/memcomparable.h"
#include "tests/upstream/meta_keys.h"
#include "tests/upstream/meta_versions.h"
#include "tests/upstream/pump_feed.h"
#include "tests/upstream/small_capture.h"
#include "tests/upstream/wire.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::upstream;

namespace {

namespace fs = std::filesystem;

constexpr int64_t kFrom = SmallCapture::kFromTs;

Capture load(const SmallCapture& small) {
  auto capture = load_capture(small.write());
  REQUIRE(capture.ok());
  return std::move(capture).value();
}

/// The bundled capture and, where they lie, the recorded ones.
std::vector<fs::path> real_captures() {
  std::vector<fs::path> out{fs::path(DRAINER_SOURCE_DIR) / "tests/upstream/demo-capture"};
  const char* recorded = std::getenv("DRAINER_CAPTURES");
  const fs::path root = recorded != nullptr ? recorded : "/work/shared/captures";
  if (!fs::exists(root)) return out;
  for (const auto& entry : fs::directory_iterator(root)) {
    if (fs::exists(entry.path() / "capture.json")) out.push_back(entry.path());
  }
  return out;
}

/// All items of one pump.
std::vector<PumpFeed::Item> play(const PumpFeed& feed, size_t pump) {
  std::vector<PumpFeed::Item> out;
  for (auto at = feed.seek(pump, kFrom); !feed.at_end(pump, at); feed.advance(pump, at)) {
    out.push_back(feed.item(pump, at));
    if (!out.back().moved.empty()) out.back().payload = {};
  }
  return out;
}

}  // namespace

TEST_CASE("memcomparable: keeps order and comes back, also at the border of a group") {
  CHECK(to_hex(memcomparable("")) == "0000000000000000f7");
  CHECK(to_hex(memcomparable(from_hex("010203"))) == "0102030000000000fa");
  CHECK(to_hex(memcomparable(from_hex("0102030405060708"))) ==
        "0102030405060708ff0000000000000000f7");
  for (size_t size = 0; size < 20; ++size) {
    const Bytes raw(size, '\xff');
    const Bytes encoded = memcomparable(raw);
    ByteView rest = encoded;
    const auto back = take_memcomparable(rest);
    REQUIRE(back.ok());
    CHECK(*back == raw);
    CHECK(rest.empty());
    ByteView cut = ByteView(encoded).substr(0, encoded.size() - 1);
    CHECK_FALSE(take_memcomparable(cut).ok());
  }
  CHECK(to_hex(database_key(1)) == "6d4442730000000000fa000000000000006844423a3100000000fb");
  CHECK(to_hex(table_key(1, 45)) ==
        "6d44423a3100000000fb00000000000000685461626c653a3435ff0000000000000000f7");
}

TEST_CASE("capture: what is cut off, unordered or missing is refused") {
  SmallCapture small;
  small.add_transactions(2);
  const fs::path directory = small.write();
  REQUIRE(load_capture(directory).ok());
  const auto spoil = [&](const char* name, const std::string& bytes) {
    fs::remove(directory / (std::string(name) + ".gz"));
    std::ofstream(directory / name) << bytes;
    const auto loaded = load_capture(directory);
    small.write();
    fs::remove(directory / name);
    return loaded.ok();
  };
  CHECK_FALSE(spoil("pump-1.stream", std::string("\0\0\0\5abc", 7)));
  CHECK_FALSE(spoil("pump-1.stream", std::string("\0\0\0\1\xff", 5)));
  CHECK_FALSE(spoil("tikv-meta.kv", std::string("\0\0\0\1k", 5)));
  Bytes unordered;
  for (const int64_t ts : {kFrom + 9, kFrom + 5}) {
    const Bytes payload = make_binlog({.start_ts = ts, .commit_ts = ts + 1});
    append_be32(unordered, static_cast<uint32_t>(payload.size()));
    unordered += payload;
  }
  CHECK_FALSE(spoil("pump-2.stream", unordered));
  CHECK_FALSE(load_capture("/nowhere").ok());
}

TEST_CASE("real captures: readers at from_ts and meta_ts see exactly the two snapshots") {
  for (const fs::path& path : real_captures()) {
    INFO(path);
    const auto capture = load_capture(path);
    REQUIRE(capture.ok());
    MvccStore store;
    const auto jobs = load_meta_versions(*capture, store);
    for (const auto& [snapshot, ts] : {std::pair(&capture->meta_from, capture->from_ts),
                                       std::pair(&capture->meta, capture->meta_ts)}) {
      const auto seen =
          store.scan({.start = {}, .end = {}, .limit = SIZE_MAX}, static_cast<uint64_t>(ts.value));
      REQUIRE(seen.size() == snapshot->size());
      const bool equal = std::equal(seen.begin(), seen.end(), snapshot->begin(),
                                    [](const MvccStore::Pair& a, const auto& b) {
                                      return a.key == b.first && a.value == b.second;
                                    });
      CHECK(equal);
    }
    for (const Tape& tape : capture->tapes) {
      for (const Record& record : tape.records) {
        // A sequence's setval has an id that is in no history.
        if (record.ddl_job_id == 0 || record.payload.find("SETVAL(") != ByteView::npos ||
            record.payload.find("setval(") != ByteView::npos) {
          continue;
        }
        INFO("job " << record.ddl_job_id);
        REQUIRE(jobs.contains(record.ddl_job_id));
        CHECK(jobs.at(record.ddl_job_id) >= record.start_ts);
      }
    }
  }
}

TEST_CASE("pace: a rate spreads the transactions of all pumps evenly") {
  SmallCapture small;
  small.add_transactions(20);
  const Capture capture = load(small);
  fakes::FakeClock clock;
  PumpFeed feed(capture, {.pace = {.mode = Pace::Mode::kRate, .per_s = 100}}, nullptr, clock);
  feed.start();
  const TimePoint start = clock.now();
  clock.advance(std::chrono::seconds(5));
  feed.start();  // only the first call counts
  for (size_t pump = 0; pump < 2; ++pump) {
    auto at = feed.seek(pump, kFrom);
    for (size_t i = 0; i < 10; ++i, feed.advance(pump, at)) {
      CHECK(feed.due(pump, at) == start + std::chrono::milliseconds(10 * (2 * i + pump)));
    }
  }
}

TEST_CASE("pace: what falls into the same millisecond comes at its end") {
  SmallCapture small;
  small.add_transactions(20);
  const Capture capture = load(small);
  fakes::FakeClock clock;
  PumpFeed feed(capture, {.pace = {.mode = Pace::Mode::kRate, .per_s = 4000}}, nullptr, clock);
  feed.start();
  for (size_t pump = 0; pump < 2; ++pump) {
    auto at = feed.seek(pump, kFrom);
    for (size_t i = 0; i < 10; ++i, feed.advance(pump, at)) {
      CHECK(feed.due(pump, at) == clock.now() + std::chrono::milliseconds((2 * i + pump + 3) / 4));
    }
  }
}

TEST_CASE("pace: a rate of rows gives a transaction of three rows three times the room") {
  Bytes inserts;  // three of them, then one
  for (int i = 0; i < 3; ++i) append_varint_field(inserts, 7, 0);
  Bytes value;
  append_varint_field(value, 1, 7);
  append_bytes_field(value, 2, inserts);
  SmallCapture small;
  for (int64_t i = 1; i <= 3; ++i) {
    small.add({.start_ts = SmallCapture::ts(i),
               .commit_ts = SmallCapture::ts(i) + 3,
               .prewrite_value = i == 2 ? value : Bytes("\x08\x07")});
  }
  const Capture capture = load(small);
  fakes::FakeClock clock;
  PumpFeed feed(capture, {.pace = {.mode = Pace::Mode::kRowRate, .per_s = 100}}, nullptr, clock);
  feed.start();
  auto at = feed.seek(0, kFrom);
  for (const int64_t rows_before : {0, 1, 4}) {
    CHECK(feed.due(0, at) == clock.now() + std::chrono::milliseconds(10 * rows_before));
    feed.advance(0, at);
  }
}

TEST_CASE("pace: as recorded, by the milliseconds of the commit ts; fakes keep clear of records") {
  SmallCapture small;
  small.add_transactions(4);
  const Capture capture = load(small);
  fakes::FakeClock clock;
  PumpFeed feed(capture, {.pace = {.mode = Pace::Mode::kRecorded}}, nullptr, clock);
  feed.start();
  auto at = feed.seek(1, kFrom);  // its records are those of ms 2 and 4
  CHECK(feed.due(1, at) == clock.now() + std::chrono::milliseconds(2));
  CHECK_FALSE(feed.fake_ts(1, at, kFrom).has_value());  // no time has passed
  clock.advance(std::chrono::milliseconds(1));
  const auto fake = feed.fake_ts(1, at, kFrom);
  REQUIRE(fake.has_value());
  CHECK(*fake > kFrom);
  CHECK(*fake <= SmallCapture::ts(1));
  clock.advance(std::chrono::hours(1));
  const auto late = feed.fake_ts(1, at, kFrom);
  REQUIRE(late.has_value());
  CHECK(*late < SmallCapture::ts(2) + 3);
  CHECK_FALSE(feed.fake_ts(1, at, *late).has_value());
}

namespace {

/// What table 77 is like: `type` is that of its key column.
struct SmallTable {
  std::string type = R"({"Tp":3,"Flag":2})";
  std::string index_info = "null";
  std::string partition = "null";
};

/// The table (id as handle, a VARCHAR) and the history job that made it.
void add_table(SmallCapture& small, const SmallTable& as) {
  const std::string table = fmt::format(
      R"({{"id":77,"cols":[{{"id":1,"generated_expr_string":"","type":{}}},)"
      R"({{"id":2,"generated_expr_string":"","type":{{"Tp":15,"Flag":0}}}}],"index_info":{},)"
      R"("fk_info":null,"partition":{},"pk_is_handle":true}})",
      as.type, as.index_info, as.partition);
  small.add_meta(hash_field_key("DDLJobHistory", "12345678"),
                 fmt::format(R"({{"id":9,"type":3,"state":6,"schema_id":5,"table_id":77,)"
                             R"("binlog":{{"SchemaVersion":8,"TableInfo":{},"FinishedTS":{}}}}})",
                             table, kFrom + 1),
                 false);
  small.add_meta(table_key(5, 77), table, false);
  small.add_meta(string_key("SchemaVersionKey"), "8", false);
}

void add_rows(SmallCapture& small, int64_t ms, int64_t table_id, const Bytes& insert,
              const Bytes& update, const Bytes& remove) {
  Bytes mutation;
  append_varint_field(mutation, 1, static_cast<uint64_t>(table_id));
  append_bytes_field(mutation, 2, insert);
  append_bytes_field(mutation, 3, update);
  append_bytes_field(mutation, 6, remove);
  for (const uint64_t type : {0U, 1U, 4U}) append_varint_field(mutation, 7, type);
  Bytes value;
  append_varint_field(value, 1, 7);
  append_bytes_field(value, 2, mutation);
  small.add({.start_ts = SmallCapture::ts(ms),
             .commit_ts = SmallCapture::ts(ms) + 1,
             .prewrite_value = value});
}

// Keys 1 and 3 of t(id int, v varchar): insert (1,'a'), update (3,'a') to (3,NULL), delete
// (3,NULL).
const Bytes kInsert = from_hex(
    "0802"
    "0804020261");
const Bytes kUpdate = from_hex(
    "08020806"
    "0804020261"
    "08020806"
    "080400");
const Bytes kDelete = from_hex(
    "08020806"
    "080400");

}  // namespace

TEST_CASE("repeat: timestamps rise, keys move on, only movable transactions come again") {
  SmallCapture small;
  add_table(small, {});
  small.add({.start_ts = kFrom + 5, .commit_ts = kFrom + 6, .ddl_job_id = 9});
  add_rows(small, 1, 77, kInsert, kUpdate, kDelete);
  add_rows(small, 2, 78, kInsert, kUpdate, kDelete);  // another table, unknown
  const Capture capture = load(small);
  const RowShift shift(capture, 3);
  fakes::FakeClock clock;
  const PumpFeed feed(capture, {.repeat = 3}, &shift, clock);
  CHECK(feed.transactions() == 5);
  const auto items = play(feed, 0);
  REQUIRE(items.size() == 5);  // ddl, both, then table 77 twice; no fake at the end
  const int64_t period = items[3].commit_ts - items[1].commit_ts;
  CHECK(period > SmallCapture::kMetaTs - kFrom);
  CHECK(items[4].commit_ts - items[3].commit_ts == period);
  CHECK(items[4].commit_ts < feed.end_ts().value);
  // Keys 1…3 are a range of three: the second round has 1+3 and 3+3, the third 1+6 and 3+6.
  Bytes mutation;
  append_varint_field(mutation, 1, 77);
  append_bytes_field(mutation, 2,
                     from_hex("080e"
                              "0804020261"));
  append_bytes_field(mutation, 3,
                     from_hex("08020812"
                              "0804020261"
                              "08020812"
                              "080400"));
  append_bytes_field(mutation, 6,
                     from_hex("08020812"
                              "080400"));
  for (const uint64_t type : {0U, 1U, 4U}) append_varint_field(mutation, 7, type);
  Bytes value;
  append_varint_field(value, 1, 8);  // the schema version of the capture's end
  append_bytes_field(value, 2, mutation);
  CHECK(to_hex(items[4].moved) == to_hex(make_binlog({.start_ts = items[4].start_ts,
                                                      .commit_ts = items[4].commit_ts,
                                                      .prewrite_value = value})));
  // Going on after any record finds the next one.
  for (size_t i = 0; i + 1 < items.size(); ++i) {
    const auto next = feed.seek(0, items[i].commit_ts);
    REQUIRE_FALSE(feed.at_end(0, next));
    CHECK(feed.item(0, next).commit_ts == items[i + 1].commit_ts);
  }
  CHECK(feed.at_end(0, feed.seek(0, items.back().commit_ts)));
  // Made beforehand they are the same.
  const PumpFeed prepared(capture, {.repeat = 3, .is_prepared = true}, &shift, clock);
  Feed::Position position = prepared.seek(0, 0);
  for (const auto& item : items) {
    REQUIRE_FALSE(prepared.at_end(0, position));
    const Feed::Item same = prepared.item(0, position);
    CHECK(same.commit_ts == item.commit_ts);
    CHECK(same.payload == (item.moved.empty() ? item.payload : ByteView(item.moved)));
    prepared.advance(0, position);
  }
  CHECK(prepared.at_end(0, position));
}

TEST_CASE("repeat: tables whose rows could collide or not fit are left out") {
  struct Case {
    SmallTable table;
    int64_t repeat;
    bool moves;
  };
  const std::string tinyint = R"({"Tp":1,"Flag":2})";
  const auto expected = GENERATE_COPY(Case{{.type = R"({"Tp":8,"Flag":34})"}, 1000000, true},
                                      Case{{.type = tinyint}, 42, true},
                                      Case{{.type = tinyint}, 43, false},  // 3 + 42 * 3 > 127
                                      Case{{.partition = "{}"}, 2, false},
                                      Case{{.index_info = R"([{"is_unique":false}])"}, 2, true},
                                      Case{{.index_info = R"([{"is_unique":true}])"}, 2, false});
  SmallCapture small;
  add_table(small, expected.table);
  add_rows(small, 1, 77, kInsert, kUpdate, kDelete);
  const Capture capture = load(small);
  CHECK(RowShift(capture, expected.repeat).can_move(capture.tapes[0].records[0]) == expected.moves);
}
