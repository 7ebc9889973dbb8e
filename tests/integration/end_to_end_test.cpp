// The whole program over real sockets: simulated cluster in, MariaDB out, tables compared.

#include <csignal>
#include <filesystem>
#include <random>

#include "tests/integration/pipeline.h"

#include <catch2/catch.hpp>

using namespace drainer;
using integration::Capture;
using integration::Pipeline;

namespace {

// Runs the pipeline to the end of the capture and compares.
void check_run(Pipeline& pipeline) {
  pipeline.write_config();
  pipeline.start_drainer_over_capture();
  const std::optional<int> code = pipeline.wait_for_drainer();
  INFO(pipeline.drainer_log().substr(
      pipeline.drainer_log().size() > 3000 ? pipeline.drainer_log().size() - 3000 : 0));
  REQUIRE(code == 0);
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
}

}  // namespace

TEST_CASE("end to end: the bundled capture with any number of pumps") {
  const std::string pumps = GENERATE(as<std::string>{}, "1", "2", "5");
  INFO(pumps << " pumps");
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream({"--pumps", pumps});
  check_run(pipeline);
}

TEST_CASE("end to end: streams that break every 50 records lose and double nothing") {
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream({"--fault", "pump-1 cut every 50", "--fault", "pump-2 cut every 50"});
  check_run(pipeline);
}

TEST_CASE(
    "end to end: recorded captures arrive as TiDB held them, however the pumps deal them out") {
  const std::string name =
      GENERATE(as<std::string>{}, "sysbench", "bank", "mix-a", "mix-b", "mix-75");
  const std::optional<Capture> capture = Capture::shared(name);
  if (!capture) {
    WARN("capture " << name << " is not on this machine: skipped");
    return;
  }
  using Options = std::vector<std::string>;
  const Options options =
      GENERATE(Options{"--pumps", "1"}, Options{"--pumps", "2"}, Options{"--pumps", "5"},
               Options{"--fault", "pump-1 cut every 50", "--fault", "pump-2 cut every 50"});
  INFO("capture " << name << ", upstream_sim " << options[0] << " " << options[1]);
  Pipeline pipeline(*capture);
  pipeline.start_upstream(options);
  check_run(pipeline);
}

TEST_CASE("end to end: captures of DDL arrive as TiDB held them", "[.campaign]") {
  const std::string name =
      GENERATE(as<std::string>{}, "ddl", "ddl-75", "ddl-exchange", "types", "filters");
  const std::optional<Capture> capture = Capture::shared(name);
  if (!capture) {
    WARN("capture " << name << " is not on this machine: skipped");
    return;
  }
  INFO("capture " << name);
  Pipeline pipeline(*capture);
  pipeline.start_upstream();
  check_run(pipeline);
}

TEST_CASE("end to end: a later start goes on from the stored schema, not from the history") {
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream();
  check_run(pipeline);
  CHECK_THAT(pipeline.drainer_log(), Catch::Contains("stored the schema"));
  CHECK_THAT(pipeline.drainer_log(), !Catch::Contains("went on from the stored schema"));
  pipeline.start_drainer_over_capture();
  REQUIRE(pipeline.wait_for_drainer() == 0);
  CHECK_THAT(pipeline.drainer_log(), Catch::Contains("went on from the stored schema"));

  // Another drainer has gone back to the beginning: the store is ahead and of no use.
  pipeline.clear_downstream();
  check_run(pipeline);
  CHECK_THAT(pipeline.drainer_log(), Catch::Contains("the stored schema is not used"));
}

TEST_CASE("end to end: kill -9 at any moment, then on to the end: nothing lost, nothing double") {
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream();
  pipeline.write_config();
  std::mt19937 random(20261121);
  std::uniform_int_distribution<int> pause_ms(50, 1200);
  for (int i = 0; i < 8; ++i) {
    pipeline.start_drainer_over_capture();
    if (pipeline.drainer().wait_ms(pause_ms(random))) break;
    pipeline.drainer().send_signal(SIGKILL);
    REQUIRE(pipeline.wait_for_drainer() == 128 + SIGKILL);
  }
  check_run(pipeline);
}

TEST_CASE("end to end: it starts where a dump ends, and needs the dump no more afterwards") {
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream();
  pipeline.write_config();
  const std::string metadata = pipeline.directory() + "/metadata";
  const std::vector<std::string> flags = {"-initial-commit-ts-from", metadata, "-until-commit-ts",
                                          pipeline.capture().until_ts};
  pipeline.start_drainer(flags);
  CHECK(pipeline.wait_for_drainer() == 1);
  CHECK_THAT(pipeline.drainer_log(),
             Catch::Contains("open " + metadata + ": no such file or directory"));

  fakes::write_file(metadata, "SHOW MASTER STATUS:\n\tLog: tidb-binlog\n\tPos: " +
                                  pipeline.capture().from_ts + "\n\tGTID:\n\n");
  pipeline.start_drainer(flags);
  REQUIRE(pipeline.wait_for_drainer() == 0);
  for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);

  std::filesystem::remove(metadata);
  pipeline.start_drainer(flags);
  CHECK(pipeline.wait_for_drainer() == 0);
}

TEST_CASE("end to end: SIGTERM ends it in order, and the next run goes on") {
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream({"--pace", "400"});
  pipeline.write_config();
  pipeline.start_drainer_over_capture();
  CHECK_FALSE(pipeline.drainer().wait_ms(1500).has_value());
  pipeline.drainer().send_signal(SIGTERM);
  CHECK(pipeline.wait_for_drainer() == 0);
  const auto row = pipeline.downstream().query("select checkPoint from tidb_binlog.checkpoint");
  REQUIRE(row.ok());
  REQUIRE(row->size() == 1);
  CHECK_THAT(row->at(0)[0].value_or(""), Catch::StartsWith("{\"consistent\":true,\"commitTS\":"));
  check_run(pipeline);
}
