#include "drainer/server/metrics_push.h"

#include "drainer/base/drainer_metrics.h"
#include "drainer/base/threads.h"
#include "drainer/rpc/port.h"

#include <atomic>

#include <catch2/catch.hpp>

namespace drainer::server {

namespace {

// What a gateway has got; it answers as the test says. Filled by the thread of its port.
struct Gateway {
  explicit Gateway(std::string answer) : reply(std::move(answer)) {
    auto opened = rpc::Port::open({.address = "127.0.0.1:0",
                                   .tls = {},
                                   .make_http1 = [this] { return session(); },
                                   .methods = {}},
                                  clock, StopToken());
    REQUIRE(opened.ok());
    port = std::move(opened).value();
    REQUIRE(port->listen().ok());
    threads.start("gateway", [this](const StopToken& stop) { return port->run(stop); });
  }
  ~Gateway() {
    threads.request_stop();
    CHECK(threads.wait().ok());
  }
  std::unique_ptr<rpc::PortSession> session();
  std::string address() const { return "127.0.0.1:" + std::to_string(port->port()); }

  SystemClock clock;
  const std::string reply;
  std::string request;
  std::atomic<int> requests = 0;
  std::unique_ptr<rpc::Port> port;
  ThreadGroup threads;
};

class GatewaySession final : public rpc::PortSession {
 public:
  explicit GatewaySession(Gateway& gateway) : gateway_(gateway) { gateway_.request.clear(); }
  Result<void> receive(ByteView bytes) override {
    gateway_.request += bytes;
    return {};
  }
  Bytes take_output() override {
    const std::string& text = gateway_.request;
    const size_t end = text.find("\r\n\r\n");
    const size_t length = text.find("Content-Length: ");
    if (finished_ || end == std::string::npos || length == std::string::npos) return {};
    if (text.size() < end + 4 + std::stoul(text.substr(length + 16))) return {};
    finished_ = true;
    ++gateway_.requests;
    gateway_.requests.notify_all();
    return gateway_.reply;
  }
  Turn turn() const override { return Turn::kPeer; }
  uint64_t answered() const override { return 0; }
  bool finished() const override { return finished_; }

 private:
  Gateway& gateway_;
  bool finished_ = false;
};

std::unique_ptr<rpc::PortSession> Gateway::session() {
  return std::make_unique<GatewaySession>(*this);
}

std::string outcome(const std::string& address, const std::string& node_id = "node-1:8249") {
  SystemClock clock;
  MetricsPusher pusher({.address = address, .node_id = node_id, .interval = {}}, clock);
  const Result<void> pushed = pusher.push(StopToken());
  return pushed.ok() ? "" : pushed.error().to_string();
}

}  // namespace

TEST_CASE("metrics push: the path names the node") {
  CHECK(push_path("node-1:8249") == "/metrics/job/binlog/instance/node-1%3A8249");
  CHECK(push_path("a b_c.d~e+f%ü") == "/metrics/job/binlog/instance/a+b_c.d~e%2Bf%25%C3%BC");
  CHECK(push_path("a/b") == "/metrics/job/binlog/instance@base64/YS9i");
  CHECK(push_path("a/bc") == "/metrics/job/binlog/instance@base64/YS9iYw");
  CHECK(push_path("?/\xff\xfe") == "/metrics/job/binlog/instance@base64/Py___g");
}

TEST_CASE("metrics push: all metrics are posted as text") {
  metric::checkpoint_tso().set(42);
  for (const char* prefix : {"", "http://"}) {
    Gateway gateway("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    CHECK(outcome(prefix + gateway.address() + "/base/").empty());
    CHECK(gateway.requests == 1);
    CHECK(gateway.request.starts_with(
        "POST /base/metrics/job/binlog/instance/node-1%3A8249 HTTP/1.1\r\nHost: " +
        gateway.address() + "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    CHECK(gateway.request.find("\nbinlog_drainer_checkpoint_tso 42\n") != std::string::npos);
    CHECK(gateway.request.find("\nprocess_open_fds ") != std::string::npos);
  }
}

TEST_CASE("metrics push: user and password of the address are sent as Go sends them") {
  const std::pair<const char*, const char*> cases[] = {
      {"user:pass@", "dXNlcjpwYXNz"},              // user:pass
      {"user@", "dXNlcjo="},                       // user:
      {"@", "Og=="},                               // :
      {"us%40er:p%3a:%ff+@", "dXNAZXI6cDo6/ys="},  // us@er:p::\xff+
  };
  for (const auto& [user, expected] : cases) {
    INFO(user);
    Gateway gateway("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    CHECK(outcome("http://" + (user + gateway.address())).empty());
    CHECK(gateway.request.find("\r\nHost: " + gateway.address() + "\r\nAuthorization: Basic " +
                               expected + "\r\n") != std::string::npos);
  }
  CHECK(outcome("u:hush%4@a:1") == "push gateway address \"a:1\" is no URL");
}

TEST_CASE("metrics push: what goes wrong is told") {
  {
    Gateway gateway("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    CHECK(outcome(gateway.address()) ==
          "unexpected status code 400 while pushing to " + gateway.address());
  }
  {
    Gateway gateway("hello\r\n");
    CHECK(outcome(gateway.address()) == "push gateway does not speak HTTP/1");
  }
  CHECK(outcome("ftp://a:1") == "push gateway address \"ftp://a:1\" is no URL");
  CHECK(outcome("a:x") == "push gateway address \"a:x\" is no URL");
  CHECK(outcome("127.0.0.1:1").find("refused") != std::string::npos);
}

TEST_CASE("metrics push: it goes on in intervals until the stop, whatever the gateway says") {
  Gateway gateway("HTTP/1.1 500 Internal Server Error\r\n\r\n");
  SystemClock clock;
  MetricsPusher pusher(
      {.address = gateway.address(), .node_id = "n", .interval = std::chrono::milliseconds(1)},
      clock);
  ThreadGroup threads;
  threads.start("push", [&](const StopToken& stop) { return pusher.run(stop); });
  for (int seen = 0; seen < 3; seen = gateway.requests) gateway.requests.wait(seen);
  threads.request_stop();
  CHECK(threads.wait().ok());
}

}  // namespace drainer::server
