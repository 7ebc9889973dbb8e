#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drainer/rpc/tls.h"
#include "syncer/mysql/session/session.h"
#include "tests/fakes/mariadb_server.h"
#include "tests/fakes/process.h"

namespace drainer::integration {

/// A recorded stream (shared/captures/README.md). Plain data.
struct Capture {
  std::string directory;
  std::string from_ts;
  std::string until_ts;

  /// Reads capture.json; nothing when the directory holds no capture.
  static std::optional<Capture> open(const std::string& directory);
  /// The small one that lies in the repository.
  static Capture bundled();
  /// Those of ../shared/captures, or of $DRAINER_CAPTURES, by name; nothing where absent.
  static std::optional<Capture> shared(const std::string& name);

  std::string expected_tables() const;
  /// Commit ts of the last DDL, which is saved at once, and of the last transaction or DDL, which
  /// may be saved only seconds after it is applied.
  struct LastTs {
    int64_t ddl = 0;
    int64_t change = 0;
  };
  LastTs last_ts() const;
};

/// The whole program between a simulated cluster and a private MariaDB, as an operator runs it:
/// processes, a TOML file, flags, exit codes. One thread.
class Pipeline {
 public:
  /// On the server that all tests share, or on one of the test's own.
  explicit Pipeline(Capture capture)
      : Pipeline(std::move(capture), fakes::MariadbServer::shared()) {}
  Pipeline(Capture capture, fakes::MariadbServer& server);

  /// Starts upstream_sim with these options besides --capture and --listen.
  void start_upstream(const std::vector<std::string>& options = {});
  void stop_upstream() { upstream_.reset(); }

  /// Lines added to the tables of the configuration file.
  struct Config {
    std::string top = {};
    std::string syncer = {};
    std::string to = {};
    std::string more = {};  ///< further tables
    std::string password = "p";
    std::string pd_urls = {};  ///< empty: the simulator's
    std::string user = "dr";
  };
  void write_config(const Config& config);
  void write_config() { write_config(Config()); }

  /// `program` in place of ours, such as the original.
  void start_drainer(const std::vector<std::string>& flags, const std::string& program = {});
  /// From the capture's start to its end: -initial-commit-ts and -until-commit-ts.
  void start_drainer_over_capture(const std::vector<std::string>& more = {});
  fakes::Process& drainer() { return *drainer_; }
  /// Gives the drainer away; another one may be started.
  std::unique_ptr<fakes::Process> release_drainer() { return std::move(drainer_); }
  /// Exit code; nothing if it does not end within `limit`.
  std::optional<int> wait_for_drainer(std::chrono::seconds limit = std::chrono::seconds(300));
  /// All that the drainer has logged and printed so far.
  std::string drainer_log() const;

  /// Differences between the tables of the downstream and the capture's expectation.
  std::vector<std::string> differences();
  /// Removes all databases of former runs, also the checkpoint's.
  void clear_downstream();
  /// What the capture wants to be there before the first row.
  void prepare_downstream();
  /// After a restart of the server.
  void reconnect();
  mysql::Session& downstream() { return *session_; }
  fakes::MariadbServer& server() { return *server_; }
  const Capture& capture() const { return capture_; }
  const std::string& directory() const { return directory_.path(); }
  /// Of the simulator's first PD.
  const std::string& pd_address() const { return pd_address_; }
  /// Where the drainer listens; the same for all its starts.
  /// For a second drainer; written by the next write_config().
  void change_drainer_port();
  uint16_t drainer_port() const { return drainer_port_; }

  /// Looks again and again until `holds`, but not longer than the drainer runs and not beyond
  /// `limit`. Whether it held.
  bool wait_until(const std::function<bool()>& holds,
                  std::chrono::seconds limit = std::chrono::seconds(240));
  /// The body of the drainer's answer; empty when there is none. With `tls` by HTTPS.
  std::string ask_drainer(const std::string& method, const std::string& target,
                          const rpc::TlsContext* tls = nullptr) const;
  /// As the simulator's PUT /sim/fault; REQUIREs that it is understood.
  void apply_fault(const std::string& fault) const;
  /// The simulator's GET /sim/state.
  std::string upstream_state() const;
  /// Waits until the drainer has saved the capture's last DDL and applied its last change.
  bool wait_for_end_of_capture(const rpc::TlsContext* tls = nullptr);

 private:
  Capture capture_;
  fakes::TempDir directory_;
  fakes::MariadbServer* server_;
  std::unique_ptr<mysql::Session> session_;
  std::unique_ptr<fakes::Process> upstream_;
  std::unique_ptr<fakes::Process> drainer_;
  std::string pd_address_;
  std::string pd_urls_;
  std::string control_address_;
  uint16_t drainer_port_ = 0;
};

}  // namespace drainer::integration
