#include "syncer/mysql/applied_state.h"

#include <random>

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

CommitTs ts(int64_t value) {
  return CommitTs(value);
}

TEST_CASE("applied state: spans that meet become one, and raise the mark when they reach it") {
  AppliedState state{.commit_ts = ts(100)};
  state.add(ts(120), ts(130));
  state.add(ts(150), ts(160));
  CHECK(state.contains(ts(130)));
  CHECK_FALSE(state.contains(ts(120)));
  CHECK(encode_spans(state) == "14+a,14+a");
  state.add(ts(130), ts(150));
  CHECK(encode_spans(state) == "14+28");
  state.add(ts(100), ts(120));
  CHECK(state == AppliedState{.commit_ts = ts(160)});
}

TEST_CASE("applied state: parts and DDLs are kept until they are complete") {
  AppliedState state{.commit_ts = ts(10), .ddl_ts = ts(30)};
  state.parts[ts(20)] = 7;
  state.add(ts(40), ts(41));
  CHECK(encode_spans(state) == "1e+1,a:7");
  AppliedState other{.commit_ts = ts(5)};
  other.parts[ts(20)] = 9;
  state.merge(other);
  CHECK(state.parts.at(ts(20)) == 9);
  state.raise(ts(20));
  CHECK(state.parts.empty());
  CHECK(state.ddl_ts == ts(30));
  state.raise(ts(30));
  CHECK(state.ddl_ts == ts(0));
}

TEST_CASE("applied state: rows of several workers, in any order of commit, hold what was applied") {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    std::vector<int64_t> stream{1000};
    while (stream.size() < 30) {
      stream.push_back(stream.back() + 1 + static_cast<int64_t>(random() % 5000));
    }
    std::vector<AppliedState> rows(3, AppliedState{.commit_ts = ts(1000)});
    std::vector<bool> is_applied(stream.size());
    is_applied[0] = true;
    size_t mark = 0;
    for (int step = 0; step < 20; ++step) {
      const size_t i = 1 + random() % (stream.size() - 1);
      if (is_applied[i]) continue;
      AppliedState& row = rows[random() % rows.size()];
      row.raise(ts(stream[mark]));
      row.add(ts(stream[i - 1]), ts(stream[i]));
      is_applied[i] = true;
      while (mark + 1 < stream.size() && is_applied[mark + 1]) ++mark;
    }
    AppliedState all;
    for (const AppliedState& row : rows) {
      AppliedState read{.commit_ts = row.commit_ts, .ddl_ts = row.ddl_ts};
      REQUIRE(decode_spans(encode_spans(row), read).ok());
      REQUIRE(read == row);
      all.merge(read);
    }
    CHECK(all.commit_ts == ts(stream[mark]));
    for (size_t i = 0; i < stream.size(); ++i)
      REQUIRE(all.contains(ts(stream[i])) == is_applied[i]);
  }
}

TEST_CASE("applied state: malformed texts are refused") {
  for (const char* text : {"x", "1", "1+", "+1", "1+0", "1+1,", ",1+1", "1:", "1:x", "-1+1", "1+1;",
                           "ffffffffffffffff+1", "7fffffffffffffff+7fffffffffffffff"}) {
    AppliedState state{.commit_ts = ts(1)};
    INFO(text);
    CHECK_FALSE(decode_spans(text, state).ok());
  }
}

}  // namespace
}  // namespace drainer::mysql
