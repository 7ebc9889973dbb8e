// `drainer print`, as an operator meets it.

#include "tests/integration/replay_process.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::integration;

TEST_CASE("print: text, JSON and SQL of all records") {
  Pipeline pipeline(Capture::bundled());
  const std::string files = record_files(pipeline);
  REQUIRE(start(pipeline, "print", {files})->wait(kEndLimit) == 0);
  const std::string text = fakes::read_file(pipeline.directory() + "/print.log");
  CHECK_THAT(text, Catch::Contains("DDL query: ") && Catch::Contains("; type: Insert\n") &&
                       Catch::Contains(" => "));
  auto json = fakes::Process::start({kDrainer, "print", "-json", files},
                                    pipeline.directory() + "/json.log");
  REQUIRE(json->wait(kEndLimit) == 0);
  CHECK_THAT(fakes::read_file(pipeline.directory() + "/json.log"),
             Catch::Contains(R"("rows":[{"schema":)") && Catch::Contains(R"("ddl":{"schema":)"));
}

TEST_CASE("print: output that cannot be written is an error") {
  Pipeline pipeline(Capture::bundled());
  const std::string file = write_pb_file(pipeline, [] {
    std::vector<Txn> txns;
    txns.push_back(insert_at(1));
    return txns;
  }());
  const std::string log = pipeline.directory() + "/print.log";
  // So little that it stays in the buffer until the end.
  const auto print =
      fakes::Process::start({"/bin/sh", "-c", kDrainer + " print " + file + " > /dev/full"}, log);
  REQUIRE(print->wait(kEndLimit) == 1);
  CHECK_THAT(fakes::read_file(log), Catch::Contains("drainer print: write to standard output: "
                                                    "No space left on device"));
}
