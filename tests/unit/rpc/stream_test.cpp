#include <atomic>

#include "drainer/base/threads.h"
#include "drainer/rpc/grpc_client.h"

#include "event.h"
#include "stock_server.h"

#include <catch2/catch.hpp>

namespace drainer::rpc {

namespace {

using std::chrono::seconds;

constexpr std::string_view kMethod = "/binlog.Pump/PullBinlogs";

/// A message of `size_bytes` that no other of the test equals.
Bytes make_message(size_t number, size_t size_bytes) {
  Bytes message = fmt::format("{}:", number);
  message.resize(size_bytes, static_cast<char>('a' + number % 26));
  return message;
}

std::unique_ptr<GrpcStream> open(const StockServer& server, Clock& clock,
                                 std::optional<ByteView> first_message, bool gzip = false) {
  auto stream = GrpcChannel::create(server.target(), clock)
                    ->open_stream(kMethod, first_message, {.gzip = gzip}, StopToken());
  if (!stream.ok()) FAIL(stream.error().to_string());
  return std::move(stream).value();
}

/// The next message; fails the test if there is none.
Bytes receive(GrpcStream& stream) {
  auto message = stream.receive(StopToken());
  if (!message.ok()) FAIL(message.error().to_string());
  REQUIRE(message->has_value());
  return std::move(**message);
}

}  // namespace

TEST_CASE("stream: all messages come in order, whatever their size") {
  const size_t sizes[] = {0,     1,      4,       5,           100, 16379, 16384,   100'000,
                          65535, 65'536, 1 << 20, 100'000'000, 3,   0,     20 << 20};
  const StockServer server([&](const std::string&, ServerCall& call) -> ServerStatus {
    if (call.read() != "from 7") return {.code = 3, .message = "wrong request"};
    size_t number = 0;
    for (const size_t size : sizes) (void)call.write(make_message(number++, size));
    return {};
  });
  SystemClock clock;
  const auto stream = open(server, clock, "from 7");
  size_t number = 0;
  for (const size_t size : sizes) {
    CHECK((receive(*stream) == make_message(number++, size)));
  }
  const auto end = stream->receive(StopToken());
  REQUIRE(end.ok());
  CHECK_FALSE(end->has_value());
}

TEST_CASE("stream: twenty thousand small messages come in order") {
  constexpr size_t kCount = 20'000;
  const StockServer server([&](const std::string&, ServerCall& call) -> ServerStatus {
    for (size_t i = 0; i < kCount; ++i) (void)call.write(make_message(i, i % 300));
    return {};
  });
  SystemClock clock;
  const auto stream = open(server, clock, std::nullopt);
  size_t good = 0;
  for (size_t i = 0; i < kCount; ++i) {
    if (receive(*stream) == make_message(i, i % 300)) ++good;
  }
  CHECK(good == kCount);
}

TEST_CASE("stream: messages go back and forth") {
  const StockServer server([](const std::string&, ServerCall& call) -> ServerStatus {
    while (auto message = call.read()) (void)call.write("re: " + *message);
    return {};
  });
  SystemClock clock;
  const auto stream = open(server, clock, std::nullopt);
  for (int i = 0; i < 300; ++i) {
    const std::string request = std::to_string(i);
    REQUIRE(stream->send(request, StopToken()).ok());
    REQUIRE(receive(*stream) == "re: " + request);
  }
  REQUIRE(stream->finish_sending(StopToken()).ok());
  const auto end = stream->receive(StopToken());
  REQUIRE(end.ok());
  CHECK_FALSE(end->has_value());
}

TEST_CASE("stream: gzip works in both directions") {
  const StockServer server(
      [&](const std::string&, ServerCall& call) -> ServerStatus {
        while (auto message = call.read()) (void)call.write(*message);
        return {};
      },
      {.gzip = true});
  SystemClock clock;
  const auto stream = open(server, clock, std::nullopt, /*gzip=*/true);
  size_t number = 0;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{32'768}, size_t{5'000'000}}) {
    const Bytes message = make_message(number++, size);
    REQUIRE(stream->send(message, StopToken()).ok());
    CHECK((receive(*stream) == message));
  }
}

TEST_CASE("stream: a plain answer to a gzip request is accepted") {
  const StockServer server([](const std::string&, ServerCall& call) -> ServerStatus {
    while (auto message = call.read()) (void)call.write(*message);
    return {};
  });
  SystemClock clock;
  const auto stream = open(server, clock, make_message(1, 10'000), /*gzip=*/true);
  CHECK((receive(*stream) == make_message(1, 10'000)));
}

TEST_CASE("stream: an error status follows the messages") {
  const StockServer server([](const std::string&, ServerCall& call) -> ServerStatus {
    (void)call.write("one");
    return {.code = 14, .message = "pausing"};
  });
  SystemClock clock;
  const auto stream = open(server, clock, "");
  CHECK(receive(*stream) == "one");
  for (int i = 0; i < 2; ++i) {
    const auto end = stream->receive(StopToken());
    REQUIRE_FALSE(end.ok());
    CHECK(end.error().code() == ErrorCode::kUnavailable);
    CHECK(end.error().detail() == 14);
    CHECK(end.error().text() == "rpc error: code = Unavailable desc = pausing");
  }
  CHECK_FALSE(stream->send("late", StopToken()).ok());
}

TEST_CASE("stream: a stop request wakes a receiver, and the stream goes on") {
  Event opened;
  Event go_on;
  const StockServer server([&](const std::string&, ServerCall& call) -> ServerStatus {
    opened.set();
    (void)go_on.wait();
    (void)call.write("later");
    return {};
  });
  SystemClock clock;
  const auto stream = open(server, clock, "");
  REQUIRE(opened.wait());
  StopSource stop;
  ThreadGroup threads;
  threads.start("stopper", [&](StopToken) -> Result<void> {
    stop.request_stop();
    return {};
  });
  const auto message = stream->receive(stop.get_token());
  REQUIRE_FALSE(message.ok());
  CHECK(message.error().code() == ErrorCode::kStopped);
  go_on.set();
  CHECK(receive(*stream) == "later");
}

TEST_CASE("stream: destruction cancels the call") {
  Event opened;
  Event cancelled;
  const StockServer server([&](const std::string&, ServerCall& call) -> ServerStatus {
    opened.set();
    call.wait_cancelled();
    cancelled.set();
    return {};
  });
  SystemClock clock;
  auto stream = open(server, clock, "");
  REQUIRE(opened.wait());
  stream.reset();
  REQUIRE(cancelled.wait());
}

TEST_CASE("stream: the end of the server is unavailable") {
  Event opened;
  SystemClock clock;
  auto server =
      std::make_unique<StockServer>([&](const std::string&, ServerCall& call) -> ServerStatus {
        opened.set();
        call.wait_cancelled();
        return {};
      });
  const auto stream = open(*server, clock, "");
  REQUIRE(opened.wait());
  ThreadGroup threads;
  threads.start("end", [&](StopToken) -> Result<void> {
    server.reset();
    return {};
  });
  const auto end = stream->receive(StopToken());
  REQUIRE_FALSE(end.ok());
  CHECK(end.error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("stream: a server cannot send more than the window ahead of the reader") {
  constexpr size_t kCount = 10'000;
  constexpr size_t kMessageBytes = 10'000;
  constexpr size_t kWindowBytes = 100'000;
  // The window, and what the server's own library holds back.
  constexpr size_t kAheadMax = (kWindowBytes + 500'000) / kMessageBytes;
  std::atomic<size_t> written = 0;
  Event window_used;
  const StockServer server([&](const std::string& method, ServerCall& call) -> ServerStatus {
    if (method == "/test/Ping") {
      (void)call.write("");
      return {};
    }
    for (size_t i = 0; i < kCount && call.write(make_message(i, kMessageBytes)); ++i) {
      if (++written >= kWindowBytes / kMessageBytes - 1) window_used.set();
    }
    return {};
  });
  SystemClock clock;
  GrpcTarget target = server.target();
  target.window_bytes = kWindowBytes;
  const auto channel = GrpcChannel::create(target, clock);
  auto opened = channel->open_stream(kMethod, "", {}, StopToken());
  REQUIRE(opened.ok());
  GrpcStream& stream = **opened;
  REQUIRE(receive(stream) == make_message(0, kMessageBytes));
  REQUIRE(window_used.wait());
  // While other calls go through, the stream stands still.
  for (int i = 0; i < 200; ++i) {
    REQUIRE(channel->unary("/test/Ping", "", seconds(20), StopToken()).ok());
  }
  CHECK(written <= kAheadMax);
  size_t good = 1;
  for (size_t i = 1; i < kCount; ++i) {
    if (receive(stream) == make_message(i, kMessageBytes)) ++good;
    if (written > i + 1 + kAheadMax) FAIL("too far ahead: " << written << " at " << i);
  }
  CHECK(good == kCount);
}

TEST_CASE("stream: a message above the limit is refused") {
  const StockServer server([](const std::string&, ServerCall& call) -> ServerStatus {
    (void)call.write(Bytes(1000, 'x'));
    (void)call.write(Bytes(1001, 'x'));
    return {};
  });
  SystemClock clock;
  GrpcTarget target = server.target();
  target.message_bytes_max = 1000;
  auto stream = GrpcChannel::create(target, clock)->open_stream(kMethod, "", {}, StopToken());
  REQUIRE(stream.ok());
  CHECK(receive(**stream).size() == 1000);
  const auto refused = (*stream)->receive(StopToken());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == ErrorCode::kUnsupported);
  CHECK(refused.error().detail() == 8);
}

TEST_CASE("stream: sending waits for a slow reader") {
  Event may_read;
  std::atomic<size_t> bytes_read = 0;
  const StockServer server([&](const std::string&, ServerCall& call) -> ServerStatus {
    (void)may_read.wait();
    while (auto message = call.read()) bytes_read += message->size();
    return {};
  });
  SystemClock clock;
  const auto stream = open(server, clock, "");
  // More than sockets and windows take: the first attempt is given up, its bytes stay queued.
  const Bytes message(64 << 20, 'x');
  StopSource stop;
  ThreadGroup threads;
  threads.start("stopper", [&](StopToken) -> Result<void> {
    stop.request_stop();
    return {};
  });
  const auto blocked = stream->send(message, stop.get_token());
  REQUIRE_FALSE(blocked.ok());
  CHECK(blocked.error().code() == ErrorCode::kStopped);
  may_read.set();
  REQUIRE(stream->finish_sending(StopToken()).ok());
  const auto end = stream->receive(StopToken());
  REQUIRE(end.ok());
  CHECK(bytes_read == message.size());
}

}  // namespace drainer::rpc
