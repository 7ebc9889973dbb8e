#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "drainer/base/clock.h"
#include "drainer/base/result.h"
#include "syncer/mysql/session/session.h"
#include "tests/fakes/mariadb_server.h"
#include "tests/fakes/process.h"
#include "tests/fakes/tcp_proxy.h"
#include "tests/pair/topology.h"

namespace drainer::pair {

/// Clusters that are written to from both sides: a private MariaDB behind each, a simulator that
/// serves its binary log as a TiDB cluster's, and drainers in between, all as processes. Each
/// drainer reaches its downstream through a proxy that can cut. One thread.
class PairWorld {
 public:
  struct Settings {
    Topology topology{};
    std::string syncer{};                   ///< more lines of every drainer's [syncer]
    std::string more{};                     ///< further tables of every drainer's file
    std::vector<std::string> sim_faults{};  ///< of every simulator
    /// Program of each link; ours where it is absent or empty. Same configuration.
    std::vector<std::string> drainers{};
  };

  /// Starts servers and simulators, no drainers.
  explicit PairWorld(Settings settings);

  size_t clusters() const { return clusters_.size(); }
  size_t links() const { return links_.size(); }
  const Link& link(size_t number) const { return settings_.topology.links[number]; }

  /// A session of root; a new one with each call.
  std::unique_ptr<mysql::Session> connect(size_t cluster) const;
  Result<std::string> value(size_t cluster, const std::string& sql) const;

  /// With the file written at the start; on its first start from `position`, flags about the
  /// initial commit ts, or from the cluster's first binlog.
  void start_drainer(size_t link, std::vector<std::string> position = {});
  void start_drainers();
  /// As a power cut.
  void kill_drainer(size_t link);
  /// As `binlogctl -cmd pause-drainer`: by the drainer's own port; the exit code.
  std::optional<int> pause_drainer(size_t link);
  /// The file `metadata` that Dumpling would leave of a dump that is taken now; its path.
  std::string write_dump_metadata(size_t cluster);
  /// SIGTERM; the exit code.
  std::optional<int> stop_drainer(size_t link);
  /// Of a drainer that ends by itself; nothing after a long while.
  std::optional<int> wait_for_end(size_t link);
  /// Until its log holds the text; not longer than it runs.
  void wait_for_log(size_t link, const std::string& text);
  /// Replaces a text in the file of a drainer.
  void edit_config(size_t link, const std::string& from, const std::string& to);
  std::string log(size_t link) const;
  /// The next connection of the drainer that sends a COMMIT is cut there.
  void cut_downstream(size_t link, fakes::TcpProxy::Cut cut);
  /// Starts drainers again that a cut connection has ended before they could retry, as a supervisor
  /// would. What else has ended, with the end of its log; empty when all run.
  std::string look_after();
  int64_t restarts() const { return restarts_; }

  /// Writes a marker (table pair.markers, origin and number) in each cluster and waits until each
  /// cluster has each exactly once. What was written just before may still be on its way.
  Result<void> pass_markers(TimePoint deadline);

 private:
  struct Cluster {
    std::unique_ptr<fakes::MariadbServer> server;
    std::unique_ptr<fakes::Process> simulator;
    std::string pd;
    std::string from_ts;
  };
  struct Running {
    std::unique_ptr<fakes::TcpProxy> proxy;
    std::unique_ptr<fakes::Process> process;
    uint16_t port = 0;
  };

  void start_cluster(size_t number);
  void write_config(size_t link);
  std::optional<int> end_of_drainer(size_t link);
  std::string path(const std::string& kind, size_t number) const;

  const Settings settings_;
  fakes::TempDir directory_;
  SystemClock clock_;
  std::vector<Cluster> clusters_;
  std::vector<Running> links_;
  int64_t markers_ = 0;
  int64_t restarts_ = 0;  ///< by look_after()
};

}  // namespace drainer::pair
