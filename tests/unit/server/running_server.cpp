#include "tests/unit/server/running_server.h"

#include <catch2/catch.hpp>

namespace drainer::test {

RunningServer::RunningServer(Options options) {
  server::ServerCallbacks callbacks{
      .status =
          [] {
            return server::Status{.pump_positions = {{{"pump-B-1", CommitTs(470610850113126402)},
                                                      {"pump-B-2", CommitTs(470610850139078657)}}},
                                  .synced = false,
                                  .last_ts = CommitTs(470610849116979208)};
          },
      .commit_ts = [] { return CommitTs(470610849116979208); },
      .state = [this] { return pauses + closes == 0 ? "online" : "pausing"; },
      .on_pause = [this] { ++pauses; },
      .on_close = [this] { ++closes; },
      .notify = std::move(options.notify)};
  auto server = server::Server::open({.addr = "127.0.0.1:0",
                                      .node_id = "drainer-1",
                                      .tls = std::move(options.tls),
                                      .limits = options.limits},
                                     std::move(callbacks), clock_, StopToken());
  INFO((server.ok() ? std::string() : server.error().to_string()));
  REQUIRE(server.ok());
  server_ = std::move(server).value();
  REQUIRE(server_->start(threads_).ok());
}

RunningServer::~RunningServer() {
  threads_.request_stop();
  const Result<void> ended = threads_.wait();
  CHECK(ended.ok());
}

}  // namespace drainer::test
