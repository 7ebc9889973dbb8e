#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "syncer/mysql/session/session.h"
#include "tests/bench/recording.h"
#include "tests/bench/workload.h"
#include "tests/fakes/mariadb_server.h"

namespace drainer::bench {

/// How the runs of a benchmark are made. Plain data.
struct RunOptions {
  double rtt_ms = 0;
  int limit_s = 600;
  std::vector<std::string> syncer_lines;  ///< of the table [syncer]
  std::string pace = "fast";              ///< of upstream_sim
  std::string pumps;                      ///< of upstream_sim; empty: as recorded
  bool wants_latency = false;
};

/// Milliseconds from the receipt of a transaction to its commit, over the last 60 % of the rows.
struct Latency {
  double p50_ms = 0;
  double p99_ms = 0;
};

struct Outcome {
  double rows_per_s = 0;  ///< between 10 and 90 % of the rows
  double cpu_s_per_million = 0;
  double rss_mib = 0;
  double statements_per_row = 0;
  std::optional<double> round_trips_per_row;  ///< when a proxy was there to count them
  std::optional<Latency> latency;             ///< when asked for, of a drainer that tells it
};

/// A MariaDB of its own, without durability, with `arguments` added.
class Downstream {
 public:
  explicit Downstream(const std::vector<std::string>& arguments);
  /// Drops everything, then makes what `workload` needs.
  void clear(const Workload& workload);
  uint16_t port() const { return server_.port(); }

  /// Figures since clear().
  struct Counters {
    uint64_t row_writes = 0;  ///< of the storage engine, the drainer's own tables included
    uint64_t statements = 0;
  };
  Counters counters();

 private:
  Counters read();

  fakes::MariadbServer server_;
  std::unique_ptr<mysql::Session> session_;
  Counters at_clear_;
};

/// Runs `drainer` over the workload. The rows count as applied when the server writes none any
/// more. `recording` takes the statements, at the cost of a proxy.
Outcome measure_drainer(const std::string& drainer, const Workload& workload,
                        const RunOptions& options, Downstream& downstream,
                        Recording* recording = nullptr);

/// Sends recorded statements again by plain connections.
Outcome measure_replay(const Recording& recording, const Workload& workload,
                       Downstream& downstream);

}  // namespace drainer::bench
