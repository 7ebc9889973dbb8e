// upstream_sim as its users start it.

#include "tests/fakes/process.h"
#include "tests/upstream/options.h"
#include "tests/upstream/small_capture.h"
#include "tests/upstream/test_client.h"

#include <csignal>

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::upstream;

namespace {

const std::string kProgram = std::string(DRAINER_BIN_DIR) + "/upstream_sim";

std::string field(const std::string& line, const std::string& name) {
  const size_t at = line.find(" " + name + "=");
  if (at == std::string::npos) return {};
  const size_t start = at + name.size() + 2;
  return line.substr(start, line.find(' ', start) - start);
}

}  // namespace

TEST_CASE("program: says ready, answers, and ends with 0 on SIGTERM") {
  SmallCapture capture;
  capture.add_transactions(6);
  const fakes::TempDir directory("upstream_sim");
  const auto process =
      fakes::Process::start({kProgram, "--capture", capture.write(), "--listen", "127.0.0.1:0",
                             "--pumps=3", "--fault", "pd delay 1ms"},
                            directory.path() + "/log", /*wants_stdout=*/true);
  const auto line = process->wait_for_line("ready", std::chrono::seconds(60));
  REQUIRE(line.has_value());
  CHECK(field(*line, "from_ts") == std::to_string(SmallCapture::kFromTs));
  CHECK(field(*line, "transactions") == "6");
  const std::string pumps = field(*line, "pumps");
  CHECK(std::count(pumps.begin(), pumps.end(), ',') == 2);
  CHECK(http_request(field(*line, "pd"), "GET", "/pd/api/v1/members").first == 200);
  CHECK(http_request(pumps.substr(0, pumps.find(',')), "GET", "/status").first == 200);
  process->send_signal(SIGTERM);
  CHECK(process->wait(std::chrono::seconds(60)) == 0);
}

TEST_CASE("program: a mistake in the command line ends it with a reason") {
  const fakes::TempDir directory("upstream_sim");
  const std::string log = directory.path() + "/log";
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), kProgram);
    return fakes::Process::start(arguments, log)->wait(std::chrono::seconds(60));
  };
  CHECK(run({"--help"}) == 0);
  CHECK(fakes::read_file(log).find("--fake-interval-ms") != std::string::npos);
  CHECK(run({}) == 1);
  CHECK(run({"--capture", "/nowhere"}) == 1);
  CHECK(fakes::read_file(log).find("/nowhere") != std::string::npos);
}

TEST_CASE("options: what is not understood is refused") {
  for (const std::vector<std::string>& bad :
       std::vector<std::vector<std::string>>{{"--capture"},
                                             {"--capture=x", "--pumps", "0"},
                                             {"--capture=x", "--pace", "quick"},
                                             {"--capture=x", "--pace", "rows:0"},
                                             {"--capture=x", "--listen", "9000"},
                                             {"--capture=x", "--listen", "h:99999"},
                                             {"--capture=x", "--history", "none"},
                                             {"--capture=x", "--unknown", "1"},
                                             {"--capture=x", "stray"}}) {
    INFO(bad.back());
    CHECK_FALSE(parse_options(bad).ok());
  }
  const auto good = parse_options({"--capture=x", "--pace", "250", "--repeat=3", "--fault=a b",
                                   "--fault", "c d", "--listen", "127.0.0.1:7"});
  REQUIRE(good.ok());
  CHECK(good->feed.pace.per_s == 250);
  CHECK(parse_options({"--capture=x", "--pace", "rows:9"})->feed.pace.mode == Pace::Mode::kRowRate);
  CHECK(good->feed.repeat == 3);
  CHECK(good->faults == std::vector<std::string>{"a b", "c d"});
  CHECK(good->port == 7);
}
