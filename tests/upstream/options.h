#pragma once

#include <optional>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "tests/upstream/pump_feed.h"
#include "tests/upstream/write_back.h"

namespace drainer::upstream {

/// PEM files. Plain data.
struct SimTls {
  std::string ca{};
  std::string cert{};
  std::string key{};

  bool is_on() const { return !ca.empty() || !cert.empty() || !key.empty(); }
};

/// The command line of upstream_sim. Plain data.
struct SimOptions {
  std::string capture{};
  /// Instead of a capture: the server whose binary log is the cluster's.
  std::optional<WriteBack::Options> write_back{};
  uint64_t cluster_id = 1;  ///< of that cluster
  std::string host = "127.0.0.1";
  uint16_t port = 0;  ///< of the PD; 0 is a free one
  PumpFeed::Options feed{};
  std::vector<std::string> faults{};
  Duration fake_interval = std::chrono::seconds(3);
  size_t regions = 1;
  bool history_as_served = false;
  bool registers_pumps = true;
  size_t pds = 1;
  std::string etcd{};  ///< host:port; empty: the simulator's own
  SimTls tls{};
  bool help = false;
};

Result<SimOptions> parse_options(const std::vector<std::string>& arguments);
std::string options_help();

}  // namespace drainer::upstream
