#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "drainer/server/server.h"

namespace drainer::test {

/// A server on a free port of this host, with its threads. It tells what Go's recorded one told.
/// One thread makes and destroys it.
class RunningServer {
 public:
  struct Options {
    std::shared_ptr<const rpc::TlsContext> tls = {};
    rpc::PortLimits limits = {};
    std::function<Result<void>(const StopToken&)> notify = [](const StopToken&) {
      return Result<void>();
    };
  };

  RunningServer() : RunningServer(Options()) {}
  explicit RunningServer(Options options);
  ~RunningServer();

  uint16_t port() const { return server_->port(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port()); }

  std::atomic<int> pauses = 0;
  std::atomic<int> closes = 0;

 private:
  SystemClock clock_;
  std::unique_ptr<server::Server> server_;
  ThreadGroup threads_;
};

}  // namespace drainer::test
