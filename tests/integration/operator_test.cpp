// What operators and their scripts do to a drainer, and what happens around it.

#include <csignal>
#include <filesystem>

#include "tests/fakes/log_grammar.h"
#include "tests/integration/pipeline.h"

#include <catch2/catch.hpp>

using namespace drainer;
using integration::Capture;
using integration::Pipeline;

namespace {

struct Output {
  int code = -1;
  std::string out;
  std::string err;
};

Output run(const std::string& arguments) {
  const fakes::TempDir directory("run");
  const std::string out = directory.path() + "/out";
  const std::string err = directory.path() + "/err";
  const std::string command =
      std::string(DRAINER_BIN_DIR) + "/drainer " + arguments + " > " + out + " 2> " + err;
  const auto code = fakes::Process::start({"/bin/sh", "-c", command}, directory.path() + "/log")
                        ->wait(std::chrono::seconds(240));
  REQUIRE(code.has_value());
  return {*code, fakes::read_file(out), fakes::read_file(err)};
}

// A running drainer over the bundled capture, its log in a file.
struct Running {
  Pipeline pipeline{Capture::bundled()};

  explicit Running(const std::vector<std::string>& upstream = {}, const std::string& top = "",
                   const std::string& more = "", const std::string& syncer = "") {
    pipeline.start_upstream(upstream);
    Pipeline::Config config;
    config.top = top;
    config.more = more;
    config.syncer = syncer;
    pipeline.write_config(config);
    pipeline.start_drainer({"-initial-commit-ts", pipeline.capture().from_ts});
  }
  bool logs(const std::string& text) {
    return pipeline.wait_until(
        [&] { return pipeline.drainer_log().find(text) != std::string::npos; });
  }
  void finish() {
    const bool reached = pipeline.wait_for_end_of_capture();
    INFO(pipeline.drainer_log());
    REQUIRE(reached);
    pipeline.drainer().send_signal(SIGTERM);
    CHECK(pipeline.wait_for_drainer() == 0);
    for (const std::string& difference : pipeline.differences()) FAIL_CHECK(difference);
  }
};

}  // namespace

TEST_CASE("operator: version, help and bad flags come on the right stream, with the right code") {
  const Output version = run("-V -config /nowhere");
  CHECK(version.code == 0);
  CHECK(version.err.empty());
  CHECK_THAT(version.out, Catch::StartsWith("Release Version: v8.3.0\nGit Commit Hash: "));
  CHECK(std::ranges::count(version.out, '\n') == 6);
  for (const char* help : {"-h", "--help", "-help"}) {
    const Output asked = run(help);
    CHECK(asked.code == 0);
    CHECK(asked.out.empty());
    CHECK_THAT(asked.err, Catch::StartsWith("Usage of drainer:\n  -L string\n"));
  }
  const Output unknown = run("-no-such-flag");
  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err, Catch::StartsWith("flag provided but not defined: -no-such-flag\nUsage "
                                            "of drainer:\n"));
  const Output stray = run("stray");
  CHECK(stray.code == 1);
  CHECK_THAT(stray.out, Catch::Contains("[FATAL]") &&
                            Catch::Contains("verifying flags failed, See 'drainer --help'.") &&
                            Catch::Contains("'stray' is not a valid flag"));
  CHECK(run("-L loud -addr 127.0.0.1:1").code == 1);
}

TEST_CASE("operator: what cannot be opened is named, and ends the start") {
  Pipeline pipeline(Capture::bundled());
  pipeline.start_upstream();
  pipeline.write_config();
  const std::string file = pipeline.directory() + "/file";
  fakes::write_file(file, "x");
  struct Case {
    std::vector<std::string> flags;
    std::string sentence;
  };
  const Case cases[] = {
      {{"-data-dir", file + "/data"}, "mkdir " + file + "/data: "},
      {{"-log-file", file + "/x/drainer.log"}, "Failed to initialize log: "},
      {{"-log-file", pipeline.directory()}, "can't use directory as log file name"},
      {{"-addr", pipeline.pd_address()}, "fail to start tcp on " + pipeline.pd_address()},
      {{"-addr", "127.0.0.1"}, "missing port in address"},
      {{"-dest-db-type", "flash"}, "the flash DestDBType is no longer supported"},
      {{"-dest-db-type", "oracle"}, "oracle"},
  };
  for (const Case& c : cases) {
    INFO(c.sentence);
    pipeline.start_drainer(c.flags);
    CHECK(pipeline.wait_for_drainer() == 1);
    INFO(pipeline.drainer_log());
    CHECK_THAT(pipeline.drainer_log(), Catch::Contains(c.sentence));
  }
}

TEST_CASE("operator: the log is rotated, and SIGHUP opens it again where that is asked for") {
  const fakes::TempDir directory("oplog");
  const std::string file = directory.path() + "/logs/drainer.log";
  Running running({"--pace", "200"}, "log-file = \"" + file + "\"\nlog-level = \"debug\"\n",
                  "[log]\nreopen-on-sighup = true\n");
  Pipeline& pipeline = running.pipeline;
  REQUIRE(pipeline.wait_until(
      [&] { return fakes::read_file(file).find("start to server request") != std::string::npos; }));
  std::filesystem::rename(file, file + ".old");
  pipeline.drainer().send_signal(SIGHUP);
  CHECK(pipeline.wait_until(
      [&] { return fakes::read_file(file).find("log file opened again") != std::string::npos; }));
  CHECK(pipeline.drainer().is_running());
  running.finish();
  std::vector<std::string> strange;
  CHECK(fakes::parse_log(fakes::read_file(file + ".old"), strange).size() > 5);
  const auto lines = fakes::parse_log(fakes::read_file(file), strange);
  CHECK(strange == std::vector<std::string>());
  REQUIRE_FALSE(lines.empty());
  CHECK(lines.back().message == "drainer exit");
}

TEST_CASE("operator: a log that takes no lines stops nothing") {
  Running running({}, "log-file = \"/dev/full\"\n");
  running.finish();
  // One complaint on standard error, whatever the number of lines.
  CHECK_THAT(running.pipeline.drainer_log(),
             Catch::EndsWith("\ndrainer: write log: No space left on device\n") &&
                 !Catch::Contains("Welcome to Drainer"));
}

TEST_CASE("operator: PD goes and comes back, pumps too, and one moves") {
  Running running({"--pace", "150"});
  REQUIRE(running.logs("start to server request"));
  for (const char* fault :
       {"pump-1 kill 2s move", "pump-2 pause 1s", "tikv kill 1s", "pd fail 4"}) {
    running.pipeline.apply_fault(fault);
  }
  CHECK(running.logs("pump has another address"));
  running.finish();
  CHECK_THAT(running.pipeline.upstream_state(), !Catch::Contains("\"gzip\":true"));
}

TEST_CASE(
    "operator: gzip, one worker, one row a batch, a short queue and little memory: all equal") {
  const std::string top = "compressor = \"gzip\"\n";
  Running running({}, top, "", "worker-count = 1\ntxn-batch = 1\napply.memory-limit-mib = 1\n");
  running.finish();
  CHECK_THAT(running.pipeline.drainer_log(), Catch::Contains("[workers=1]"));
  CHECK_THAT(running.pipeline.upstream_state(), Catch::Contains("\"gzip\":true"));
}

TEST_CASE("operator: until the first pump comes back it waits") {
  Running running({"--fault", "pump-1 kill 2s", "--fault", "pump-2 kill 2s"});
  running.finish();
}

TEST_CASE("operator: where no pump is registered it says so and waits") {
  Running running({"--registry", "empty"});
  CHECK(running.logs("no pump is registered"));
  running.pipeline.drainer().send_signal(SIGTERM);
  CHECK(running.pipeline.wait_for_drainer() == 0);
}
