// Throughput of any drainer binary between upstream_sim and a private MariaDB, several binaries in
// turn under the same conditions; see kHelp.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/measured_run.h"
#include "tests/fakes/process.h"

namespace drainer::bench {
namespace {

constexpr const char* kHelp = R"(bench --drainer PATH [--drainer PATH]… WORKLOAD [OPTION VALUE]…

WORKLOAD is one of
  --capture DIR [--repeat N]   a recorded one, played N times
  --workload NAME [--scale X]  a generated one, X times its usual size:
%s
  --rtt-ms X      round-trip time to the database, by a proxy (default 0: no proxy)
  --rounds N      how often each drainer runs, in turn (default 1)
  --limit yes     also: the statements of the first drainer sent again by plain connections
  --latency yes   also: the first drainer at half its rate, and the time from the receipt of a
                  transaction to its commit; without the first 40 %% of the rows, where what has
                  gathered while tables were created is written
  --latency N     only that, at N rows/s
  --pumps N       over so many pumps the transactions come (default: as recorded); with one, no
                  time passes until another pump has come as far
  --syncer LINE   a further line in the table [syncer]; may be given several times
  --server OPTION a further option of the database server, as --innodb-purge-threads=1; may be
                  given several times
  --limit-s N     ends a run (default 600)

rows/s is taken between 10 and 90 %% of the rows, CPU and peak RSS from /proc, statements from the
server (those that the benchmark itself sends included), round trips from the proxy where one is.
The server is MariaDB without durability. Measure on a machine with nothing else to do.
)";

struct Settings {
  std::vector<std::string> drainers;
  std::string capture;
  std::string repeat = "1";
  std::string workload;
  double scale = 1;
  int rounds = 1;
  bool wants_limit = false;
  bool wants_latency = false;
  double latency_rows_per_s = 0;  ///< 0: half of the measured rate
  std::vector<std::string> server_options = {
      "--innodb-buffer-pool-size=2G",   "--innodb-log-file-size=1G",      "--sql-mode=",
      "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin", "--skip-log-bin",
      "--max-connections=200",          "--max-allowed-packet=64M"};
  RunOptions run;
};

bool set(Settings& settings, const std::string& name, const std::string& value) {
  if (name == "--drainer") {
    settings.drainers.push_back(value);
  } else if (name == "--capture") {
    settings.capture = value;
  } else if (name == "--repeat") {
    settings.repeat = value;
  } else if (name == "--workload") {
    settings.workload = value;
  } else if (name == "--scale") {
    settings.scale = std::strtod(value.c_str(), nullptr);
  } else if (name == "--rtt-ms") {
    settings.run.rtt_ms = std::strtod(value.c_str(), nullptr);
  } else if (name == "--rounds") {
    settings.rounds = std::atoi(value.c_str());
  } else if (name == "--limit") {
    settings.wants_limit = value == "yes";
  } else if (name == "--latency") {
    settings.latency_rows_per_s = std::strtod(value.c_str(), nullptr);
    settings.wants_latency = value == "yes" || settings.latency_rows_per_s > 0;
  } else if (name == "--pumps") {
    settings.run.pumps = value;
  } else if (name == "--limit-s") {
    settings.run.limit_s = std::atoi(value.c_str());
  } else if (name == "--server") {
    settings.server_options.push_back(value);
  } else if (name == "--syncer") {
    settings.run.syncer_lines.push_back(value);
  } else {
    return false;
  }
  return true;
}

std::optional<Settings> parse(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!set(settings, argv[i], argv[i + 1])) return std::nullopt;
  }
  const bool has_workload = settings.capture.empty() != settings.workload.empty();
  if (argc % 2 == 0 || settings.drainers.empty() || !has_workload) return std::nullopt;
  return settings;
}

void print_header() {
  std::printf("%-36s %9s %8s %8s %9s %9s\n", "", "rows/s", "cpu s/M", "rss MiB", "stmt/row",
              "trips/row");
}

void print(const std::string& name, const Outcome& outcome) {
  const std::string shown = name.size() > 36 ? name.substr(name.size() - 36) : name;
  std::printf("%-36s %9.0f %8.1f %8.0f %9.3f", shown.c_str(), outcome.rows_per_s,
              outcome.cpu_s_per_million, outcome.rss_mib, outcome.statements_per_row);
  if (outcome.round_trips_per_row) std::printf(" %9.4f", *outcome.round_trips_per_row);
  std::printf("\n");
  std::fflush(stdout);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void measure_latency(const Settings& settings, const Workload& workload, double rows_per_s,
                     Downstream& downstream) {
  const auto pace = static_cast<int64_t>(std::max(rows_per_s, 1.0));
  RunOptions options = settings.run;
  options.pace = fmt::format("rows:{}", pace);
  options.wants_latency = true;
  const Outcome outcome = measure_drainer(settings.drainers[0], workload, options, downstream);
  print(fmt::format("at {} rows/s", pace), outcome);
  if (outcome.latency) {
    std::printf("  received -> committed: p50 %.1f ms, p99 %.1f ms\n", outcome.latency->p50_ms,
                outcome.latency->p99_ms);
  }
}

int run(const Settings& settings) {
  const fakes::TempDir directory("workload");
  Workload workload;
  if (!settings.capture.empty()) {
    workload = recorded_workload(settings.capture, settings.repeat);
  } else if (!make_workload(settings.workload, settings.scale, directory.path(), workload)) {
    return 2;
  }
  Downstream downstream(settings.server_options);
  std::printf("%lu rows in %lu transactions\n", workload.rows, workload.transactions);
  print_header();
  if (settings.latency_rows_per_s > 0) {
    measure_latency(settings, workload, settings.latency_rows_per_s, downstream);
    return 0;
  }
  std::vector<std::vector<double>> rates(settings.drainers.size());
  for (int round = 0; round < settings.rounds; ++round) {
    for (size_t i = 0; i < settings.drainers.size(); ++i) {
      const Outcome outcome =
          measure_drainer(settings.drainers[i], workload, settings.run, downstream);
      print(settings.drainers[i], outcome);
      rates[i].push_back(outcome.rows_per_s);
    }
    if (!settings.wants_limit) continue;
    Recording recording;
    (void)measure_drainer(settings.drainers[0], workload, settings.run, downstream, &recording);
    print("limit", measure_replay(recording, workload, downstream));
  }
  const double rate = median(rates[0]);
  for (size_t i = 1; i < rates.size(); ++i) {
    std::printf("%s: %.2f of the first\n", settings.drainers[i].c_str(), median(rates[i]) / rate);
  }
  if (settings.wants_latency) measure_latency(settings, workload, rate / 2, downstream);
  return 0;
}

}  // namespace
}  // namespace drainer::bench

int main(int argc, char** argv) {
  const auto settings = drainer::bench::parse(argc, argv);
  if (!settings) {
    std::fprintf(stderr, drainer::bench::kHelp,
                 std::string(drainer::bench::workload_help()).c_str());
    return 2;
  }
  return drainer::bench::run(*settings);
}
