#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>

#include "drainer/base/file_descriptor.h"
#include "drainer/base/threads.h"
#include "drainer/rpc/grpc_client.h"

#include "event.h"
#include "stock_server.h"

#include <catch2/catch.hpp>

namespace drainer::rpc {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kMethod = "/test.Echo/Echo";

ServerStatus echo(const std::string&, ServerCall& call) {
  if (auto message = call.read()) (void)call.write(*message);
  return {};
}

/// A port that accepts no more connections: its queue is full and nobody takes from it.
class FullPort {
 public:
  FullPort() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    CHECK(::bind(listener_.get(), name(), size) == 0);
    CHECK(::getsockname(listener_.get(), name(), &size) == 0);
    CHECK(::listen(listener_.get(), 0) == 0);
    for (FileDescriptor& filler : fillers_) {
      filler = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      (void)::connect(filler.get(), name(), size);
    }
  }

  GrpcTarget target() const {
    GrpcTarget target;
    target.host = "127.0.0.1";
    target.port = ntohs(address_.sin_port);
    return target;
  }

 private:
  sockaddr* name() { return reinterpret_cast<sockaddr*>(&address_); }

  sockaddr_in address_{};
  FileDescriptor listener_;
  FileDescriptor fillers_[4];
};

}  // namespace

TEST_CASE("unary: the answer is the server's message") {
  const StockServer server(echo);
  SystemClock clock;
  const auto channel = GrpcChannel::create(server.target(), clock);
  for (const Bytes& request : {Bytes("hello"), Bytes(), Bytes("\0\1\2", 3), Bytes(50 << 20, 'x')}) {
    const auto answer = channel->unary(kMethod, request, seconds(60), StopToken());
    REQUIRE(answer.ok());
    CHECK((*answer == request));
  }
}

TEST_CASE("unary: calls reach the method that was named") {
  std::string called;
  const StockServer server([&](const std::string& method, ServerCall& call) {
    called = method;
    return echo(method, call);
  });
  SystemClock clock;
  const auto channel = GrpcChannel::create(server.target(), clock);
  REQUIRE(channel->unary("/pdpb.PD/GetMembers", "", seconds(20), StopToken()).ok());
  CHECK(called == "/pdpb.PD/GetMembers");
}

TEST_CASE("unary: a status is an error with its code, its number and its message") {
  struct Case {
    int status;
    ErrorCode code;
    std::string name;
  };
  const Case cases[] = {
      {1, ErrorCode::kUnavailable, "Canceled"},
      {2, ErrorCode::kInternal, "Unknown"},
      {3, ErrorCode::kInvalid, "InvalidArgument"},
      {4, ErrorCode::kTimeout, "DeadlineExceeded"},
      {5, ErrorCode::kNotFound, "NotFound"},
      {6, ErrorCode::kConflict, "AlreadyExists"},
      {7, ErrorCode::kDenied, "PermissionDenied"},
      {8, ErrorCode::kUnavailable, "ResourceExhausted"},
      {9, ErrorCode::kConflict, "FailedPrecondition"},
      {10, ErrorCode::kConflict, "Aborted"},
      {11, ErrorCode::kInvalid, "OutOfRange"},
      {12, ErrorCode::kUnsupported, "Unimplemented"},
      {13, ErrorCode::kInternal, "Internal"},
      {14, ErrorCode::kUnavailable, "Unavailable"},
      {15, ErrorCode::kCorrupt, "DataLoss"},
      {16, ErrorCode::kDenied, "Unauthenticated"},
  };
  const std::string message = "cluster ID are mismatch, 1 vs 2: 100% \"é\"\n";
  const StockServer server([&](const std::string&, ServerCall& call) -> ServerStatus {
    const auto wanted = call.read();
    return {.code = std::stoi(wanted.value_or("0")), .message = message};
  });
  SystemClock clock;
  const auto channel = GrpcChannel::create(server.target(), clock);
  for (const Case& expected : cases) {
    const auto answer =
        channel->unary(kMethod, std::to_string(expected.status), seconds(20), StopToken());
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().code() == expected.code);
    CHECK(answer.error().detail() == expected.status);
    CHECK(answer.error().text() ==
          fmt::format("rpc error: code = {} desc = {}", expected.name, message));
  }
}

TEST_CASE("unary: an answer of no message or of two is refused") {
  const StockServer server([](const std::string&, ServerCall& call) -> ServerStatus {
    const int count = std::stoi(call.read().value_or("0"));
    for (int i = 0; i < count; ++i) (void)call.write("x");
    return {};
  });
  SystemClock clock;
  const auto channel = GrpcChannel::create(server.target(), clock);
  CHECK(channel->unary(kMethod, "1", seconds(20), StopToken()).ok());
  for (const std::string_view count : {"0", "2"}) {
    const auto answer = channel->unary(kMethod, count, seconds(20), StopToken());
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().code() == ErrorCode::kInternal);
  }
  CHECK(channel->unary(kMethod, "1", seconds(20), StopToken()).ok());
}

TEST_CASE("unary: a call ends at its deadline, and the next one works") {
  const StockServer server([](const std::string& method, ServerCall& call) {
    if (method == "/test.Echo/Never") call.wait_cancelled();
    return echo(method, call);
  });
  SystemClock clock;
  const auto channel = GrpcChannel::create(server.target(), clock);
  const auto late = channel->unary("/test.Echo/Never", "x", milliseconds(50), StopToken());
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code() == ErrorCode::kTimeout);
  CHECK(channel->unary(kMethod, "x", seconds(20), StopToken()).ok());
}

TEST_CASE("unary: a stop request wakes the caller and those who wait for their turn") {
  Event called;
  const StockServer server([&](const std::string&, ServerCall& call) -> ServerStatus {
    called.set();
    call.wait_cancelled();
    return {};
  });
  SystemClock clock;
  const auto channel = GrpcChannel::create(server.target(), clock);
  StopSource stop;
  ThreadGroup threads;
  std::atomic<int> stopped = 0;
  for (int i = 0; i < 3; ++i) {
    threads.start("caller", [&](StopToken) -> Result<void> {
      const auto answer = channel->unary(kMethod, "x", seconds(600), stop.get_token());
      if (!answer.ok() && answer.error().code() == ErrorCode::kStopped) ++stopped;
      return {};
    });
  }
  REQUIRE(called.wait());
  stop.request_stop();
  REQUIRE(threads.wait().ok());
  CHECK(stopped == 3);
}

TEST_CASE("unary: calls of many threads share the channel") {
  const StockServer server(echo);
  SystemClock clock;
  const auto channel = GrpcChannel::create(server.target(), clock);
  ThreadGroup threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i) {
    threads.start("caller", [&, i](StopToken stop) -> Result<void> {
      for (int n = 0; n < 50; ++n) {
        const std::string request = fmt::format("{} {}", i, n);
        ASSIGN_OR_RETURN(const Bytes answer, channel->unary(kMethod, request, seconds(60), stop));
        if (answer == request) ++good;
      }
      return {};
    });
  }
  const auto result = threads.wait();
  INFO((result.ok() ? "" : result.error().to_string()));
  CHECK(good == 400);
}

TEST_CASE("unary: who waits for a turn gives up at the deadline") {
  Event called;
  const StockServer server([&](const std::string& method, ServerCall& call) {
    called.set();
    call.wait_cancelled();
    return echo(method, call);
  });
  SystemClock clock;
  const auto channel = GrpcChannel::create(server.target(), clock);
  StopSource stop;
  ThreadGroup threads;
  threads.start("caller", [&](StopToken) -> Result<void> {
    (void)channel->unary(kMethod, "x", seconds(600), stop.get_token());
    return {};
  });
  REQUIRE(called.wait());
  const auto answer = channel->unary(kMethod, "x", milliseconds(20), StopToken());
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code() == ErrorCode::kTimeout);
  stop.request_stop();
}

TEST_CASE("unary: the channel outlives a server") {
  SystemClock clock;
  auto server = std::make_unique<StockServer>(echo);
  const uint16_t port = server->port();
  const auto channel = GrpcChannel::create(server->target(), clock);
  REQUIRE(channel->unary(kMethod, "1", seconds(20), StopToken()).ok());
  server.reset();
  const auto lost = channel->unary(kMethod, "2", seconds(20), StopToken());
  REQUIRE_FALSE(lost.ok());
  CHECK(lost.error().code() == ErrorCode::kUnavailable);
  server = std::make_unique<StockServer>(echo, StockServer::Options{.port = port});
  CHECK(channel->unary(kMethod, "3", seconds(20), StopToken()).ok());
}

TEST_CASE("unary: a refused connection is unavailable") {
  SystemClock clock;
  GrpcTarget target;
  {
    const StockServer server(echo);
    target = server.target();
  }
  const auto answer =
      GrpcChannel::create(target, clock)->unary(kMethod, "", seconds(20), StopToken());
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code() == ErrorCode::kUnavailable);
  CHECK(answer.error().to_string() ==
        fmt::format("/test.Echo/Echo at {}: connect: tcp: Connection refused", target.address()));
}

TEST_CASE("unary: a server that accepts no connection is unavailable") {
  const FullPort port;
  SystemClock clock;
  GrpcTarget target = port.target();
  target.connect_timeout = milliseconds(50);
  const auto channel = GrpcChannel::create(target, clock);
  const auto answer = channel->unary(kMethod, "", seconds(20), StopToken());
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code() == ErrorCode::kUnavailable);
  const auto stream = channel->open_stream(kMethod, std::nullopt, {}, StopToken());
  REQUIRE_FALSE(stream.ok());
  CHECK(stream.error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("unary: a stop request ends connecting") {
  const FullPort port;
  SystemClock clock;
  GrpcTarget target = port.target();
  target.connect_timeout = seconds(600);
  const auto channel = GrpcChannel::create(target, clock);
  StopSource stop;
  ThreadGroup threads;
  threads.start("stopper", [&](StopToken) -> Result<void> {
    stop.request_stop();
    return {};
  });
  const auto answer = channel->unary(kMethod, "", seconds(600), stop.get_token());
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code() == ErrorCode::kStopped);
}

TEST_CASE("unary: a host may be a name") {
  const StockServer server(echo);
  SystemClock clock;
  GrpcTarget target = server.target();
  target.host = "localhost";
  CHECK(GrpcChannel::create(target, clock)->unary(kMethod, "", seconds(20), StopToken()).ok());
}

TEST_CASE("unary: an unknown host is unavailable") {
  SystemClock clock;
  GrpcTarget target;
  target.host = "no-such-host.invalid";
  target.port = 1;
  const auto answer =
      GrpcChannel::create(target, clock)->unary(kMethod, "", seconds(20), StopToken());
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code() == ErrorCode::kUnavailable);
}

}  // namespace drainer::rpc
