#include "drainer/base/threads.h"
#include "drainer/rpc/grpc_client.h"
#include "drainer/rpc/gzip.h"

#include "event.h"
#include "scripted_server.h"

#include <catch2/catch.hpp>

namespace drainer::rpc {

namespace {

using std::chrono::seconds;
using Script = ScriptedServer::Script;

constexpr std::string_view kMethod = "/binlog.Pump/PullBinlogs";

Bytes settings() {
  return to_bytes({kSettings, 0, 0, {}});
}
Bytes settings_ack() {
  return to_bytes({kSettings, kAck, 0, {}});
}
Bytes goaway(uint32_t last_stream_id, uint32_t code, ByteView reason = "") {
  Bytes payload;
  append_be32(payload, last_stream_id);
  append_be32(payload, code);
  payload.append(reason);
  return to_bytes({kGoaway, 0, 0, payload});
}
Bytes reset_stream(uint32_t code) {
  Bytes payload;
  append_be32(payload, code);
  return to_bytes({kResetStream, 0, 1, payload});
}
Bytes good_answer(ByteView message) {
  return answer_headers() + answer_message(message) + answer_trailers("0");
}

/// Reads the request up to the end of its side.
void read_request(RawPeer& peer) {
  if (!peer.read_preface()) return;
  while (true) {
    const Frame frame = peer.read_frame();
    if (frame.type == 0xff || (frame.type == kData && (frame.flags & kEndStream) != 0)) return;
  }
}

/// A server that reads one unary request and answers with these bytes.
Script answer_with(Bytes bytes) {
  return [bytes = std::move(bytes)](RawPeer& peer) {
    read_request(peer);
    peer.write(settings() + settings_ack() + bytes);
  };
}

Result<Bytes> call(const ScriptedServer& server) {
  SystemClock clock;
  return GrpcChannel::create(server.target(), clock)
      ->unary(kMethod, "request", seconds(20), StopToken());
}

}  // namespace

TEST_CASE("peculiar peer: no SETTINGS before our HEADERS") {
  Frame headers;
  bool is_preface = false;
  ScriptedServer server({[&](RawPeer& peer) {
    is_preface = peer.read_preface();
    headers = peer.read_frame(kHeaders);
    (void)peer.read_frame(kData);
    peer.write(settings() + settings_ack() + good_answer("hello"));
  }});
  const auto answer = call(server);
  REQUIRE(answer.ok());
  CHECK(*answer == "hello");
  server.join();
  CHECK(is_preface);
  CHECK(headers.stream_id == 1);
}

TEST_CASE("peculiar peer: no SETTINGS at all before its own answer is an error, not a hang") {
  ScriptedServer server({[](RawPeer& peer) {
    read_request(peer);
    peer.write(good_answer("hello"));
  }});
  const auto answer = call(server);
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code() == ErrorCode::kInternal);
}

TEST_CASE("peculiar peer: SETTINGS twice, as pumps send them") {
  ScriptedServer server({[](RawPeer& peer) {
    (void)peer.read_preface();
    peer.write(settings());
    (void)peer.read_frame(kHeaders);
    (void)peer.read_frame(kData);
    peer.write(settings() + settings_ack() + good_answer("hello"));
  }});
  const auto answer = call(server);
  REQUIRE(answer.ok());
  CHECK(*answer == "hello");
}

TEST_CASE("peculiar peer: PING is answered, none is sent") {
  Bytes pong;
  bool pinged = false;
  ScriptedServer server({[&](RawPeer& peer) {
    (void)peer.read_preface();
    peer.write(settings() + to_bytes({kPing, 0, 0, "12345678"}));
    while (pong.empty()) {
      const Frame frame = peer.read_frame();
      if (frame.type == 0xff) return;
      if (frame.type != kPing) continue;
      if ((frame.flags & kAck) != 0) {
        pong = frame.payload;
      } else {
        pinged = true;
      }
    }
    peer.write(settings_ack() + good_answer(""));
  }});
  CHECK(call(server).ok());
  server.join();
  CHECK(pong == "12345678");
  CHECK_FALSE(pinged);
}

TEST_CASE("peculiar peer: unusual endings of a call") {
  struct Case {
    std::string name;
    Bytes bytes;
    ErrorCode code;
    int32_t detail;
    std::string text;
  };
  const Bytes page = to_bytes({kData, kEndStream, 1, "<html>"});
  const auto http = [&](const std::string& status) {
    const Fields fields = {{":status", status}, {"content-type", "text/html"}};
    return to_bytes({kHeaders, kEndHeaders, 1, header_block(fields)}) + page;
  };
  const Fields trailers_only = {{":status", "200"},
                                {"content-type", "application/grpc"},
                                {"grpc-status", "12"},
                                {"grpc-message", "unknown%20m%C3%A9thode 100%"}};
  const Case cases[] = {
      {"trailers only",
       to_bytes({kHeaders, kEndHeaders | kEndStream, 1, header_block(trailers_only)}),
       ErrorCode::kUnsupported, 12, "rpc error: code = Unimplemented desc = unknown méthode 100%"},
      {"HTTP 404", http("404"), ErrorCode::kUnsupported, 12,
       "rpc error: code = Unimplemented desc = unexpected HTTP status 404"},
      {"HTTP 503", http("503"), ErrorCode::kUnavailable, 14,
       "rpc error: code = Unavailable desc = unexpected HTTP status 503"},
      {"HTTP 403", http("403"), ErrorCode::kDenied, 7,
       "rpc error: code = PermissionDenied desc = unexpected HTTP status 403"},
      {"HTTP 200 that is not gRPC", http("200"), ErrorCode::kInternal, 2,
       "rpc error: code = Unknown desc = unexpected content-type \"text/html\""},
      {"no status", answer_headers() + to_bytes({kData, kEndStream, 1, ""}),
       ErrorCode::kUnavailable, 0, "peer ended the call without a status"},
      {"status that is no number", answer_headers() + answer_trailers("x"), ErrorCode::kInternal, 2,
       "rpc error: code = Unknown desc = "},
      {"unknown status", answer_headers() + answer_trailers("99"), ErrorCode::kInternal, 99,
       "rpc error: code = Code(99) desc = "},
      {"cut within a message",
       answer_headers() + to_bytes({kData, 0, 1, Bytes("\0\0\0\0\5ab", 7)}) + answer_trailers("0"),
       ErrorCode::kInternal, 0, "peer ended the call within a message"},
      {"cut within a prefix",
       answer_headers() + to_bytes({kData, 0, 1, Bytes("\0\0", 2)}) + answer_trailers("0"),
       ErrorCode::kInternal, 0, "peer ended the call within a message"},
      {"bad flag", answer_headers() + answer_message("x", 2) + answer_trailers("0"),
       ErrorCode::kInternal, 0, "message with unknown flag 2"},
      {"compressed without an encoding",
       answer_headers() + answer_message("x", 1) + answer_trailers("0"), ErrorCode::kInternal, 0,
       "compressed message without grpc-encoding"},
      {"unknown encoding",
       answer_headers({{"grpc-encoding", "snappy"}}) + answer_message("x", 1) +
           answer_trailers("0"),
       ErrorCode::kUnsupported, 0, "unknown grpc-encoding \"snappy\""},
      {"bad gzip",
       answer_headers({{"grpc-encoding", "gzip"}}) + answer_message("x", 1) + answer_trailers("0"),
       ErrorCode::kCorrupt, 0, "bad gzip data: unexpected end"},
      {"RST_STREAM", answer_headers() + reset_stream(7), ErrorCode::kUnavailable, 0,
       "stream reset: REFUSED_STREAM"},
      {"GOAWAY without our stream", goaway(0, 11, "too_many_pings"), ErrorCode::kUnavailable, 0,
       "stream reset: REFUSED_STREAM: going away, ENHANCE_YOUR_CALM \"too_many_pings\""},
      {"closed", answer_headers(), ErrorCode::kUnavailable, 0, "connection closed by peer"},
      {"closed after GOAWAY", goaway(1, 0, "bye"), ErrorCode::kUnavailable, 0,
       "connection closed by peer: going away, NO_ERROR \"bye\""},
      {"closed within a frame", answer_headers().substr(0, 12), ErrorCode::kUnavailable, 0,
       "connection closed by peer"},
  };
  for (const Case& expected : cases) {
    ScriptedServer server({answer_with(expected.bytes)});
    const auto answer = call(server);
    INFO(expected.name);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().code() == expected.code);
    CHECK(answer.error().detail() == expected.detail);
    CHECK(answer.error().text() == expected.text);
  }
}

TEST_CASE("peculiar peer: what is not HTTP/2 is an error") {
  for (const std::string& garbage :
       {std::string("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
        std::string("\x15\x03\x01\x00\x02\x02\x46\x00\x00\x00", 10), std::string(1000, '\xff')}) {
    ScriptedServer server({[&](RawPeer& peer) {
      (void)peer.read_preface();
      (void)peer.read_frame(kData);
      peer.write(garbage);
      // The client must give up by itself.
      (void)peer.read_frame(kGoaway);
    }});
    const auto answer = call(server);
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.error().code() == ErrorCode::kInternal);
  }
}

TEST_CASE("peculiar peer: a connection that closes at once is unavailable") {
  ScriptedServer server({[](RawPeer&) {}});
  const auto answer = call(server);
  REQUIRE_FALSE(answer.ok());
  CHECK(answer.error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("peculiar peer: a connection found closed is replaced") {
  Event closed;
  ScriptedServer server({[&](RawPeer& peer) {
                           answer_with(good_answer("1"))(peer);
                           peer.close();
                           closed.set();
                         },
                         answer_with(good_answer("2"))});
  SystemClock clock;
  const auto channel = GrpcChannel::create(server.target(), clock);
  for (const std::string_view expected : {"1", "2"}) {
    const auto answer = channel->unary(kMethod, "", seconds(20), StopToken());
    if (!answer.ok()) FAIL(answer.error().to_string());
    CHECK(*answer == expected);
    (void)closed.wait();
  }
}

TEST_CASE("peculiar peer: after GOAWAY the call is finished and the next one connects anew") {
  ScriptedServer server({[&](RawPeer& peer) {
                           read_request(peer);
                           peer.write(settings() + settings_ack() + goaway(1, 0) +
                                      good_answer("1"));
                           // Stays open, as a server that goes gracefully does.
                           (void)peer.read_frame(kGoaway);
                         },
                         answer_with(good_answer("2"))});
  SystemClock clock;
  const auto channel = GrpcChannel::create(server.target(), clock);
  for (const std::string_view expected : {"1", "2"}) {
    const auto answer = channel->unary(kMethod, "", seconds(20), StopToken());
    if (!answer.ok()) FAIL(answer.error().to_string());
    CHECK(*answer == expected);
  }
}

TEST_CASE("peculiar peer: gzip members and plain messages in one stream") {
  Frame headers;
  Bytes request;
  ScriptedServer server({[&](RawPeer& peer) {
    (void)peer.read_preface();
    headers = peer.read_frame(kHeaders);
    request = peer.read_frame(kData).payload;
    peer.write(settings() + settings_ack() + answer_headers({{"grpc-encoding", "gzip"}}) +
               answer_message(gzip("one"), 1) + answer_message("two") +
               answer_message(gzip("three ") + gzip("four"), 1) + answer_message(gzip(""), 1) +
               answer_trailers("0"));
  }});
  SystemClock clock;
  auto stream = GrpcChannel::create(server.target(), clock)
                    ->open_stream(kMethod, "zero", {.gzip = true}, StopToken());
  REQUIRE(stream.ok());
  for (const std::string_view expected : {"one", "two", "three four", ""}) {
    const auto message = (*stream)->receive(StopToken());
    REQUIRE(message.ok());
    CHECK(message->value() == expected);
  }
  REQUIRE((*stream)->receive(StopToken()).ok());
  stream->reset();
  server.join();
  REQUIRE(request.size() > 5);
  CHECK(request[0] == 1);
  const auto plain = gunzip(ByteView(request).substr(5), 100);
  REQUIRE(plain.ok());
  CHECK(*plain == "zero");
}

TEST_CASE("peculiar peer: a gzip bomb is refused") {
  const Bytes bomb = gzip(Bytes(10 << 20, '\0'));
  ScriptedServer server({[&](RawPeer& peer) {
    (void)peer.read_preface();
    (void)peer.read_frame(kData);
    peer.write(settings() + settings_ack() + answer_headers({{"grpc-encoding", "gzip"}}) +
               answer_message(bomb, 1));
  }});
  SystemClock clock;
  GrpcTarget target = server.target();
  target.message_bytes_max = (10 << 20) - 1;
  auto stream = GrpcChannel::create(target, clock)->open_stream(kMethod, "", {}, StopToken());
  REQUIRE(stream.ok());
  const auto message = (*stream)->receive(StopToken());
  REQUIRE_FALSE(message.ok());
  CHECK(message.error().code() == ErrorCode::kUnsupported);
}

TEST_CASE("peculiar peer: a length that lies costs no memory") {
  ScriptedServer server({[&](RawPeer& peer) {
    (void)peer.read_preface();
    (void)peer.read_frame(kData);
    peer.write(settings() + settings_ack() + answer_headers() +
               to_bytes({kData, 0, 1, Bytes("\0\x7f\xff\xff\xff", 5) + Bytes(1000, 'x')}));
  }});
  SystemClock clock;
  auto stream =
      GrpcChannel::create(server.target(), clock)->open_stream(kMethod, "", {}, StopToken());
  REQUIRE(stream.ok());
  const auto message = (*stream)->receive(StopToken());
  REQUIRE_FALSE(message.ok());
  CHECK(message.error().code() == ErrorCode::kUnavailable);
}

TEST_CASE("peculiar peer: the window opens by what the caller takes") {
  // The window is 64 KiB - 1: 60 messages fit, and half of it must be taken before it reopens.
  constexpr size_t kCount = 60;
  const Bytes message(1000, 'm');
  uint32_t opened_before = 0;
  uint32_t opened_after = 0;
  ScriptedServer server({[&](RawPeer& peer) {
    (void)peer.read_preface();
    (void)peer.read_frame(kData);
    Bytes bytes = settings() + settings_ack() + answer_headers();
    for (size_t i = 0; i < kCount; ++i) bytes += answer_message(message);
    peer.write(bytes);
    const auto window_until_data = [&peer] {
      uint32_t opened = 0;
      while (true) {
        const Frame frame = peer.read_frame();
        if (frame.type == kData || frame.type == 0xff) return opened;
        if (frame.type == kWindowUpdate && frame.stream_id == 1) {
          opened += load_be32(frame.payload.data());
        }
      }
    };
    opened_before = window_until_data();
    opened_after = window_until_data();
  }});
  SystemClock clock;
  GrpcTarget target = server.target();
  target.window_bytes = 65535;
  auto opened = GrpcChannel::create(target, clock)->open_stream(kMethod, "", {}, StopToken());
  REQUIRE(opened.ok());
  GrpcStream& stream = **opened;
  const auto take = [&](size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const auto taken = stream.receive(StopToken());
      REQUIRE(taken.ok());
      REQUIRE(taken->value() == message);
    }
  };
  take(20);
  REQUIRE(stream.send("taken 20", StopToken()).ok());
  take(kCount - 20);
  REQUIRE(stream.send("taken all", StopToken()).ok());
  opened->reset();
  server.join();
  CHECK(opened_before == 0);
  CHECK(opened_after >= 32'767);
  CHECK(opened_after <= kCount * 1005);
}

TEST_CASE("peculiar peer: the headers are those that a pump looks for") {
  std::vector<Frame> headers;
  const Script keep_headers = [&](RawPeer& peer) {
    (void)peer.read_preface();
    headers.push_back(peer.read_frame(kHeaders));
    peer.write(settings() + settings_ack() + good_answer(""));
  };
  ScriptedServer server({keep_headers, keep_headers});
  Fields expected = {{":method", "POST"},
                     {":scheme", "http"},
                     {":path", std::string(kMethod)},
                     {":authority", server.target().address()},
                     {"content-type", "application/grpc"},
                     {"user-agent", "drainer-cpp/0.1"},
                     {"te", "trailers"}};
  SystemClock clock;
  REQUIRE(call(server).ok());
  {
    auto stream = GrpcChannel::create(server.target(), clock)
                      ->open_stream(kMethod, "", {.gzip = true}, StopToken());
    REQUIRE(stream.ok());
    REQUIRE((*stream)->receive(StopToken()).ok());
  }
  server.join();
  REQUIRE(headers.size() == 2);
  CHECK(headers[0].flags == kEndHeaders);

  Fields unary = parse_header_block(headers[0].payload);
  REQUIRE_FALSE(unary.empty());
  CHECK(unary.back().first == "grpc-timeout");
  const std::string timeout = unary.back().second;
  CHECK(timeout.back() == 'm');
  CHECK(std::stoi(timeout) <= 20'000);
  CHECK(std::stoi(timeout) > 10'000);
  unary.pop_back();
  CHECK(unary == expected);

  expected.emplace_back("grpc-encoding", "gzip");
  expected.emplace_back("grpc-accept-encoding", "gzip");
  CHECK(parse_header_block(headers[1].payload) == expected);
}

TEST_CASE("peculiar peer: IPv6") {
  ScriptedServer server({answer_with(good_answer("six"))}, {.ipv6 = true});
  CHECK(server.target().address() == fmt::format("[::1]:{}", server.target().port));
  const auto answer = call(server);
  if (!answer.ok()) FAIL(answer.error().to_string());
  CHECK(*answer == "six");
}

}  // namespace drainer::rpc
