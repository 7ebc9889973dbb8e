#include "tests/unit/cluster/etcd_server.h"

#include <unistd.h>

namespace drainer::fakes {

namespace {

constexpr const char* kProgram = "/usr/bin/etcd";

}  // namespace

bool EtcdServer::is_installed() {
  return access(kProgram, X_OK) == 0;
}

EtcdServer::EtcdServer() {
  start();
}

void EtcdServer::start() {
  const std::string peer_url = "http://127.0.0.1:" + std::to_string(peer_port_);
  process_ =
      Process::start({kProgram, "--name=test", "--data-dir=" + directory_.path() + "/data",
                      "--listen-client-urls=" + url(), "--advertise-client-urls=" + url(),
                      "--listen-peer-urls=" + peer_url, "--initial-advertise-peer-urls=" + peer_url,
                      "--initial-cluster=test=" + peer_url},
                     directory_.path() + "/log");
}

void EtcdServer::kill() {
  process_.reset();
}

}  // namespace drainer::fakes
