// Two clusters that both are written to: their recorded streams through the whole program, with
// loopback control as in the recording. Expected is what the Go drainer made of the same streams.

#include "tests/integration/pipeline.h"

#include <csignal>

#include <catch2/catch.hpp>

using namespace drainer;
using integration::Capture;
using integration::Pipeline;

namespace {

Capture recorded(const std::string& name) {
  const auto capture = Capture::open(DRAINER_SOURCE_DIR "/tests/integration/captures/" + name);
  REQUIRE(capture.has_value());
  return *capture;
}

void write_pair_config(Pipeline& pipeline, int64_t channel, bool sync_ddl) {
  pipeline.write_config(
      {.top = {},
       .syncer = fmt::format("loopback-control = true\nchannel-id = {}\nsync-ddl = {}\n"
                             "worker-count = 4\nreplicate-do-db = [\"bidi\", \"retl\"]",
                             channel, sync_ddl),
       .to = "sync-mode = 2",
       .more = {},
       .pd_urls = {}});
}

std::string value(Pipeline& pipeline, const std::string& sql) {
  const auto found = pipeline.downstream().query_value(sql);
  INFO(sql);
  REQUIRE(found.ok());
  return *found;
}

void require_end(Pipeline& pipeline) {
  const std::optional<int> code = pipeline.wait_for_drainer();
  const std::string log = pipeline.drainer_log();
  INFO(log.substr(log.size() > 3000 ? log.size() - 3000 : 0));
  REQUIRE(code == 0);
}

void check_tables(Pipeline& pipeline) {
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
}

}  // namespace

TEST_CASE("loopback: each side of a recorded pair passes on what the Go drainer passed on") {
  const bool is_a = GENERATE(true, false);
  const std::string name = is_a ? "bidi-a" : "bidi-b";
  INFO(name);
  Pipeline pipeline(recorded(name));
  pipeline.start_upstream();
  write_pair_config(pipeline, /*channel=*/7, /*sync_ddl=*/is_a);
  pipeline.start_drainer_over_capture();
  require_end(pipeline);
  check_tables(pipeline);
  // A row for each writer; those of transactions have been raised.
  CHECK(value(pipeline,
              "select count(*) from retl._drainer_repl_mark where channel_id = 7 and id >= 0") ==
        "4");
  CHECK(value(pipeline, "select max(val) > 1 from retl._drainer_repl_mark") == "1");
  // Nothing that came from the other side is here.
  CHECK(value(pipeline, fmt::format("select count(*) from bidi.ev where side <> '{}'",
                                    is_a ? 'a' : 'b')) == "0");
}

TEST_CASE("loopback: killed at any moment, it ends with the same tables") {
  Pipeline pipeline(recorded("bidi-b"));
  pipeline.start_upstream({"--pace", "200"});
  write_pair_config(pipeline, /*channel=*/7, /*sync_ddl=*/false);
  int kills = 0;
  for (int i = 0; i < 4; ++i) {
    pipeline.start_drainer_over_capture();
    if (pipeline.drainer().wait_ms(250 + 90 * i)) break;
    pipeline.drainer().send_signal(SIGKILL);
    REQUIRE(pipeline.wait_for_drainer() == 128 + SIGKILL);
    ++kills;
  }
  CHECK(kills > 0);
  pipeline.start_drainer_over_capture();
  require_end(pipeline);
  check_tables(pipeline);
}

TEST_CASE("loopback: what the opposite drainer notes for itself stays where it is") {
  const bool is_on = GENERATE(true, false);
  INFO("loopback control " << is_on);
  Pipeline pipeline(recorded("bidi-b"));
  pipeline.start_upstream();
  pipeline.write_config(
      {.top = {},
       .syncer = fmt::format("loopback-control = {}\nchannel-id = 7\nsync-ddl = false\n"
                             "replicate-do-db = [\"bidi\", \"tidb_binlog\"]",
                             is_on),
       .to = "sync-mode = 2",
       .more = "[syncer.apply]\non-row-mismatch = \"warn\"",
       .password = "p",
       .pd_urls = {}});
  pipeline.start_drainer_over_capture();
  require_end(pipeline);
  // Both clusters keep their checkpoints in a table of one name; it is in the stream.
  CHECK(value(pipeline, "select count(*) from tidb_binlog.checkpoint") == (is_on ? "1" : "2"));
  const std::string log = pipeline.drainer_log();
  const auto is_named = [&](const std::string& table) {
    const std::string line = "a table of the drainers themselves is not replicated\"] [table=";
    return log.find(line + table) != std::string::npos;
  };
  CHECK(is_named("tidb_binlog.checkpoint") == is_on);
  CHECK(is_named("tidb_binlog.drainer_progress"));
}

TEST_CASE("loopback: with another channel the other side's changes pass, as they must") {
  Pipeline pipeline(recorded("bidi-b"));
  pipeline.start_upstream();
  write_pair_config(pipeline, /*channel=*/8, /*sync_ddl=*/false);
  pipeline.start_drainer_over_capture();
  require_end(pipeline);
  CHECK_FALSE(pipeline.differences().empty());
  CHECK(value(pipeline, "select count(*) > 0 from bidi.ev where side = 'a'") == "1");
  // The drainer cannot know who is right, but it says so, once.
  const std::string warning = "transactions marked with another channel are replicated";
  const std::string log = pipeline.drainer_log();
  const size_t first = log.find(warning);
  REQUIRE(first != std::string::npos);
  CHECK(log.find(warning, first + 1) == std::string::npos);
}
