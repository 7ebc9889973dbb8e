#include "drainer/server/status.h"

#include "tests/unit/server/recorded.h"

#include <catch2/catch.hpp>

namespace drainer::server {

TEST_CASE("status: the document is the recorded one, byte for byte") {
  const Status status{.pump_positions = {{{"pump-B-2", CommitTs(470610850139078657)},
                                          {"pump-B-1", CommitTs(470610850113126402)}}},
                      .synced = false,
                      .last_ts = CommitTs(470610849116979208)};
  if (const auto answer = test::recorded("status.txt")) {
    CHECK(status_document(status) == test::body_of(*answer));
  }
  CHECK(status_document(status) ==
        "{\"PumpPos\":{\"pump-B-1\":470610850113126402,\"pump-B-2\":470610850139078657},"
        "\"Synced\":false,\"LastTS\":470610849116979208,\"TsMap\":\"\"}\n");
}

TEST_CASE("status: before the first look at the pumps there are no positions") {
  CHECK(status_document({}) == "{\"PumpPos\":null,\"Synced\":false,\"LastTS\":0,\"TsMap\":\"\"}\n");
  CHECK(status_document({.pump_positions = {{}}, .synced = true, .last_ts = CommitTs(-1)}) ==
        "{\"PumpPos\":{},\"Synced\":true,\"LastTS\":-1,\"TsMap\":\"\"}\n");
}

TEST_CASE("status: the GC safe point stands behind the original's members, where there is one") {
  const Status status{
      .last_ts = CommitTs(5),
      .gc_safe_point = GcSafePoint{
          .is_held = true, .wanted = CommitTs(5), .minimum = CommitTs(4), .seconds_left = 299}};
  CHECK(status_document(status) ==
        "{\"PumpPos\":null,\"Synced\":false,\"LastTS\":5,\"TsMap\":\"\","
        "\"GCSafePoint\":{\"Held\":true,\"TS\":5,\"MinTS\":4,\"SecondsLeft\":299}}\n");
}

TEST_CASE("status: the checkpoint's document is the recorded one") {
  const std::string document = commit_ts_document(CommitTs(470610849116979208));
  if (const auto answer = test::recorded("commit_ts.txt")) {
    CHECK(document == test::body_of(*answer));
  }
  CHECK(document ==
        "{\n  \"message\": \"get drainer's latest ts success!\",\n  \"code\": 200,\n  \"data\": {\n"
        "    \"ts\": 470610849116979208\n  }\n}\n");
}

TEST_CASE("status: the document of a refused action is the recorded one") {
  const std::string document =
      action_document("invalid nodeID other, this pump's nodeID is drainer-1", /*accepted=*/false);
  if (const auto answer = test::recorded("state_wrong_node.txt")) {
    CHECK(document == test::body_of(*answer));
  }
  CHECK(action_document("done", /*accepted=*/true) ==
        "{\n  \"message\": \"done\",\n  \"code\": 200,\n  \"data\": null\n}\n");
}

TEST_CASE("status: strings are escaped as Go's encoding/json does") {
  const std::pair<std::string, std::string> cases[] = {
      {"a\"b\\c", R"(a\"b\\c)"},
      {"\n\r\t", R"(\n\r\t)"},
      {std::string("\0\b\x1f", 3), R"(\u0000\u0008\u001f)"},
      {"<&>", R"(\u003c\u0026\u003e)"},
      {"Grüße \x7f", "Grüße \x7f"},
      {"\xff\xc3", R"(\ufffd\ufffd)"},
      {"\u2028\u2029", R"(\u2028\u2029)"},
      {"\xed\xa0\x80", R"(\ufffd\ufffd\ufffd)"},
  };
  for (const auto& [text, escaped] : cases) {
    INFO(escaped);
    CHECK(status_document({.pump_positions = {{{text, CommitTs(1)}}}})
              .starts_with("{\"PumpPos\":{\"" + escaped + "\":1}"));
  }
}

}  // namespace drainer::server
