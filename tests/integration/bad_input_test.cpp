// What an operator gets wrong, or what breaks outside: one clear sentence, a non-zero exit, and a
// checkpoint that stays as it was.

#include "tests/integration/pipeline.h"

#include <catch2/catch.hpp>

using namespace drainer;
using integration::Capture;
using integration::Pipeline;

namespace {

struct BadInput {
  const char* name;
  Pipeline::Config config;
  std::vector<std::string> upstream;
  std::vector<std::string> flags;
  const char* sentence;  ///< must be in what the drainer says last
  int exit_code;
};

std::string checkpoint_of(Pipeline& pipeline) {
  const auto text = pipeline.downstream().query_value(
      "select coalesce(group_concat(checkPoint), '') from tidb_binlog.checkpoint");
  return text.ok() ? *text : "";
}

}  // namespace

TEST_CASE("bad input: ends with one clear sentence and leaves the checkpoint as it was") {
  const std::string far_future = std::to_string((int64_t{4102444800000} << 18));  // year 2100
  const std::vector<BadInput> inputs = {
      {.name = "PD not reachable",
       .config = {.pd_urls = "http://127.0.0.1:1"},
       .upstream = {},
       .flags = {},
       .sentence = "http://127.0.0.1:1",
       .exit_code = 1},
      {.name = "wrong password",
       .config = {.password = "wrong-secret"},
       .upstream = {},
       .flags = {},
       .sentence = "Access denied",
       .exit_code = 1},
      {.name = "unknown key",
       .config = {.syncer = "worker-cuont = 3"},
       .upstream = {},
       .flags = {},
       .sentence = "syncer.worker-cuont",
       .exit_code = 1},
      {.name = "corrupt payload",
       .config = {},
       .upstream = {"--fault", "pump-1 corrupt at 3"},
       .flags = {},
       .sentence = "unmarshal binlog",
       .exit_code = 2},
      {.name = "initial-commit-ts in the future",
       .config = {},
       .upstream = {},
       .flags = {"-initial-commit-ts", far_future},
       .sentence = "initial-commit-ts",
       .exit_code = 1},
  };
  for (const BadInput& input : inputs) {
    INFO(input.name);
    Pipeline pipeline(Capture::bundled());
    pipeline.start_upstream(input.upstream);
    pipeline.write_config(input.config);
    const std::string before = checkpoint_of(pipeline);
    if (input.flags.empty()) {
      pipeline.start_drainer_over_capture();
    } else {
      pipeline.start_drainer(input.flags);
    }
    const std::optional<int> code = pipeline.wait_for_drainer(std::chrono::seconds(180));
    const std::string log = pipeline.drainer_log();
    INFO(log.substr(log.size() > 2000 ? log.size() - 2000 : 0));
    CHECK(code == input.exit_code);
    CHECK_THAT(log, Catch::Contains(input.sentence));
    CHECK_THAT(log, !Catch::Contains("wrong-secret"));
    CHECK(log.find("Segmentation") == std::string::npos);
    if (input.exit_code == 1) CHECK(checkpoint_of(pipeline) == before);
  }
}
