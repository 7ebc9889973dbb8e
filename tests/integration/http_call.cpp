#include "tests/integration/http_call.h"

#include <array>

#include "drainer/base/clock.h"
#include "drainer/rpc/socket.h"

namespace drainer::integration {

namespace {

constexpr Duration kLimit = std::chrono::seconds(60);

Result<std::string> try_call(uint16_t port, const std::string& request,
                             const rpc::TlsContext* tls) {
  SystemClock clock;
  const rpc::IoLimits limits{.clock = clock, .deadline = clock.now() + kLimit, .stop = {}};
  ASSIGN_OR_RETURN(const auto socket,
                   rpc::Socket::connect({.host = "127.0.0.1", .port = port, .tls = tls}, limits));
  for (std::string_view rest = request; !rest.empty();) {
    ASSIGN_OR_RETURN(const rpc::IoStep step, socket->try_write(rest));
    rest.remove_prefix(step.bytes);
    if (step.wait_for != 0) TRY(socket->wait(/*for_write=*/true, limits));
  }
  std::string answer;
  std::array<char, 65536> buffer;
  while (true) {
    const auto step = socket->try_read(buffer);
    // A server that has closed may show up as a reset.
    if (!step.ok() || step->ended()) return answer;
    answer.append(buffer.data(), step->bytes);
    if (step->wait_for != 0) TRY(socket->wait(/*for_write=*/false, limits));
  }
}

}  // namespace

std::string http_call(uint16_t port, const std::string& method, const std::string& target,
                      const rpc::TlsContext* tls) {
  auto answer = try_call(
      port, method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", tls);
  return answer.ok() ? std::move(answer).value() : std::string();
}

std::string http_body(const std::string& answer) {
  const size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? std::string() : answer.substr(end + 4);
}

}  // namespace drainer::integration
