#include "drainer/server/server.h"

#include <utility>

#include "drainer/server/cistern.h"
#include "drainer/server/routes.h"

namespace drainer::server {

Result<std::unique_ptr<Server>> Server::open(Options options, ServerCallbacks callbacks,
                                             Clock& clock, const StopToken& stop) {
  rpc::GrpcMethods methods = cistern_methods(callbacks.notify);
  auto handlers = std::make_unique<Handlers>(options.node_id, std::move(callbacks));
  const auto make_http1 = [&clock, &handlers = *handlers] {
    return open_http1_session(handlers, clock, Http1Limits());
  };
  auto port = rpc::Port::open({.address = options.addr,
                               .tls = std::move(options.tls),
                               .make_http1 = make_http1,
                               .methods = std::move(methods),
                               .limits = options.limits},
                              clock, stop);
  if (!port.ok()) {
    return std::move(port).error().because("fail to start tcp on {}", options.addr);
  }
  return std::unique_ptr<Server>(
      new Server(options.addr, std::move(handlers), std::move(port).value()));  // NOLINT: private
}

Result<void> Server::start(ThreadGroup& threads) {
  if (auto listens = port_->listen(); !listens.ok()) {
    return std::move(listens).error().because("fail to start tcp on {}", addr_);
  }
  threads.start("port", [this](const StopToken& stop) { return port_->run(stop); });
  threads.start("port-calls", [this](const StopToken& stop) { return port_->run_calls(stop); });
  return {};
}

}  // namespace drainer::server
