#pragma once

#include <memory>
#include <string>

#include "drainer/base/threads.h"
#include "drainer/rpc/port.h"
#include "drainer/server/handlers.h"

namespace drainer::server {

/// The drainer's own port: status, actions and metrics over HTTP/1, Notify over gRPC, on one TCP
/// port with or without TLS (spec/drainer-process.md 6).
///
/// Two threads, in the group that start() is given; they end with the group. One thread.
class Server {
 public:
  struct Options {
    std::string addr;  ///< host:port to listen on; port 0: any
    std::string node_id;
    std::shared_ptr<const rpc::TlsContext> tls;  ///< null: plain text
    rpc::PortLimits limits = {};
  };

  /// Binds the port, so that a clash shows before anything else has begun; connections are refused
  /// until start(). Errors: `fail to start tcp on <host:port>: listen tcp …`.
  static Result<std::unique_ptr<Server>> open(Options options, ServerCallbacks callbacks,
                                              Clock& clock, const StopToken& stop);

  /// Listens and serves. The server must outlive the threads of the group. Errors as of open().
  Result<void> start(ThreadGroup& threads);

  uint16_t port() const { return port_->port(); }

 private:
  Server(std::string addr, std::unique_ptr<Handlers> handlers, std::unique_ptr<rpc::Port> port)
      : addr_(std::move(addr)), handlers_(std::move(handlers)), port_(std::move(port)) {}

  const std::string addr_;
  const std::unique_ptr<Handlers> handlers_;
  const std::unique_ptr<rpc::Port> port_;
};

}  // namespace drainer::server
