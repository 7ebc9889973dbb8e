#include "drainer/rpc/grpc_client.h"

#include "stock_server.h"

#include <catch2/catch.hpp>

namespace drainer::rpc {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ServerStatus echo(const std::string&, ServerCall& call) {
  while (auto message = call.read()) {
    if (!call.write(*message)) break;
  }
  return {};
}

}  // namespace

TEST_CASE("unary: the answer is the server's message") {
  StockServer server(echo);
  SystemClock clock;
  const auto channel = GrpcChannel::create(server.target(), clock);
  for (const Bytes& request : {Bytes("hello"), Bytes(), Bytes("\0\1\2", 3), Bytes(5 << 20, 'x')}) {
    auto answer = channel->unary("/test.Echo/Echo", request, seconds(20), StopToken());
    if (!answer.ok()) FAIL(answer.error().to_string());
    CHECK(*answer == request);
  }
}

}  // namespace drainer::rpc
