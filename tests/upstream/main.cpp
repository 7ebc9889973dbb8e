// upstream_sim: plays a recorded TiDB cluster to a drainer. See options_help().

#include <cstdio>

#include "drainer/base/log.h"
#include "drainer/base/signals.h"
#include "tests/upstream/options.h"
#include "tests/upstream/simulator.h"

namespace {

using namespace drainer;
using namespace drainer::upstream;

Result<void> run(const SimOptions& options) {
  ASSIGN_OR_RETURN(const auto signals, SignalWaiter::open());
  SystemClock clock;
  ASSIGN_OR_RETURN(const auto simulator, Simulator::open(options, clock));
  std::string pumps;
  for (const std::string& address : simulator->pump_addresses()) {
    pumps += (pumps.empty() ? "" : ",") + address;
  }
  fmt::print("ready pd={} tikv={} pumps={} from_ts={} until_ts={} transactions={}\n",
             simulator->pd_address(), simulator->tikv_address(), pumps, simulator->from_ts().value,
             simulator->until_ts().value, simulator->transactions());
  std::fflush(stdout);
  signals->wait(StopToken());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  auto options = parse_options({argv + 1, argv + argc});
  if (options.ok() && options->help) {
    fmt::print("{}", options_help());
    return 0;
  }
  const auto result = options.ok() ? run(*options) : Result<void>(options.error());
  if (result.ok()) return 0;
  fmt::print(stderr, "upstream_sim: {}\n", result.error().to_string());
  return 1;
}
