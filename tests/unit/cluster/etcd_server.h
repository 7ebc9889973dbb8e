#pragma once

#include <memory>
#include <string>

#include "tests/fakes/process.h"

namespace drainer::fakes {

/// A real etcd with a private directory on a free port of 127.0.0.1. One thread.
class EtcdServer {
 public:
  /// False where the package etcd-server is absent: the test is to be skipped.
  static bool is_installed();

  EtcdServer();

  std::string url() const { return "http://127.0.0.1:" + std::to_string(client_port_); }
  /// Returns at once; the server answers a little later.
  void start();
  void kill();

 private:
  TempDir directory_{"etcd"};
  int client_port_ = free_port();
  int peer_port_ = free_port();
  std::unique_ptr<Process> process_;
};

}  // namespace drainer::fakes
