#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/fakes/process.h"

namespace drainer::fakes {

/// A private MariaDB server of a test: own data directory, free port on 127.0.0.1, user root
/// without password, certificates made on the spot; killed and removed with the object. One thread.
class MariadbServer {
 public:
  /// Whether the programs are installed.
  static bool is_present();

  /// The server that all tests of the program share, started on first use.
  static MariadbServer& shared();

  /// A server of its own; `arguments` go to mariadbd. CHECKs that it comes up.
  explicit MariadbServer(std::vector<std::string> arguments = {});
  ~MariadbServer();

  uint16_t port() const { return port_; }
  std::string data_dir() const { return directory_.path() + "/data"; }
  /// Certificate of the authority that signed the server's certificate for 127.0.0.1.
  std::string ca_file() const { return directory_.path() + "/ca.pem"; }
  /// An authority that has signed nothing.
  std::string other_ca_file() const { return directory_.path() + "/other-ca.pem"; }

  /// Ends the server as a power cut would (SIGKILL).
  void crash();
  /// Starts it again with the same data and port.
  void restart();

 private:
  void make_certificates();
  void start();

  TempDir directory_;
  std::vector<std::string> arguments_;
  uint16_t port_;
  std::unique_ptr<Process> process_;
};

}  // namespace drainer::fakes
