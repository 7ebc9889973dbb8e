// upstream_sim: plays a recorded TiDB cluster to a drainer. See options_help().

#include <unistd.h>

#include <cstdio>

#include "drainer/base/log.h"
#include "drainer/base/signals.h"
#include "drainer/base/threads.h"
#include "tests/upstream/options.h"
#include "tests/upstream/simulator.h"

namespace {

using namespace drainer;
using namespace drainer::upstream;

/// The program's standard output, from here on only for the ready line: what the log writes there
/// goes to standard error, so that nobody needs to drain a pipe.
FILE* take_stdout() {
  FILE* out = fdopen(dup(STDOUT_FILENO), "w");
  dup2(STDERR_FILENO, STDOUT_FILENO);
  return out;
}

Result<void> run(const SimOptions& options) {
  FILE* out = take_stdout();
  if (out == nullptr) return make_error(ErrorCode::kInternal, "no standard output");
  ASSIGN_OR_RETURN(const auto signals, SignalWaiter::open());
  SystemClock clock;
  ASSIGN_OR_RETURN(const auto simulator, Simulator::open(options, clock));
  std::string pumps;
  for (const std::string& address : simulator->pump_addresses()) {
    pumps += (pumps.empty() ? "" : ",") + address;
  }
  std::string pds;
  for (const std::string& address : simulator->pd_addresses()) {
    pds += (pds.empty() ? "" : ",") + address;
  }
  fmt::print(out,
             "ready pd={} tikv={} pumps={} from_ts={} until_ts={} transactions={} control={}\n",
             pds, simulator->tikv_address(), pumps, simulator->from_ts().value,
             simulator->until_ts().value, simulator->transactions(), simulator->control_address());
  std::fclose(out);
  ThreadGroup threads;  // a node that fails ends the program
  threads.start("nodes", [&](const StopToken& stop) { return simulator->wait(stop); });
  signals->wait(threads.stop_token());
  threads.request_stop();
  return threads.wait();
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
