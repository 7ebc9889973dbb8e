#include "drainer/rpc/grpc_client.h"
#include "drainer/rpc/grpc_message.h"
#include "drainer/rpc/grpc_status.h"
#include "drainer/rpc/gzip.h"

#include <catch2/catch.hpp>

namespace drainer::rpc {

TEST_CASE("target: addresses that are understood") {
  struct Case {
    std::string text;
    std::string host;
    uint16_t port;
    std::string address;
  };
  const Case cases[] = {
      {"127.0.0.1:8250", "127.0.0.1", 8250, "127.0.0.1:8250"},
      {"pump-0.pump:1", "pump-0.pump", 1, "pump-0.pump:1"},
      {"http://pd:2379", "pd", 2379, "pd:2379"},
      {"https://pd:65535", "pd", 65535, "pd:65535"},
      {"[::1]:20160", "::1", 20160, "[::1]:20160"},
      {"https://[fe80::1]:80", "fe80::1", 80, "[fe80::1]:80"},
  };
  for (const Case& expected : cases) {
    const auto target = parse_target(expected.text);
    INFO(expected.text);
    REQUIRE(target.ok());
    CHECK(target->host == expected.host);
    CHECK(target->port == expected.port);
    CHECK(target->address() == expected.address);
  }
}

TEST_CASE("target: addresses that are refused") {
  const std::pair<std::string, std::string> cases[] = {
      {"", "port is missing"},
      {"pd", "port is missing"},
      {"pd:", "bad port"},
      {"pd:0", "bad port"},
      {"pd:65536", "bad port"},
      {"pd:-1", "bad port"},
      {"pd:+1", "bad port"},
      {"pd:80x", "bad port"},
      {":80", "host is missing"},
      {"[]:80", "host is missing"},
      {"::1:80", "an IPv6 address needs brackets"},
      {"http://pd:80/", "path is not allowed"},
      {"http://pd:80/pd/api", "path is not allowed"},
      {"ftp://pd:80", "scheme is neither http nor https"},
      {"unix:///tmp/pd", "unix sockets are not supported"},
      {"unixs://pd:80", "unix sockets are not supported"},
  };
  for (const auto& [text, reason] : cases) {
    const auto target = parse_target(text);
    INFO(text);
    REQUIRE_FALSE(target.ok());
    CHECK(target.error().code() == ErrorCode::kInvalid);
    CHECK(target.error().text() == fmt::format("address \"{}\": {}", text, reason));
  }
}

TEST_CASE("message: the cuts of the body do not matter") {
  const Bytes payloads[] = {"", "a", Bytes(), "hello", Bytes(300, 'x')};
  Bytes body;
  for (const Bytes& payload : payloads) {
    const auto prefix = message_prefix(/*compressed=*/false, static_cast<uint32_t>(payload.size()));
    body.append(prefix.data(), prefix.size()).append(payload);
  }
  for (size_t piece = 1; piece <= body.size(); ++piece) {
    MessageAssembler assembler(1000);
    size_t bytes = 0;
    std::vector<Bytes> taken;
    for (size_t at = 0; at < body.size(); at += piece) {
      REQUIRE(assembler.append(ByteView(body).substr(at, piece)).ok());
      while (auto message = assembler.take()) {
        CHECK_FALSE(message->compressed);
        bytes += message->body_bytes;
        taken.push_back(std::move(message->payload));
      }
      bytes += assembler.take_partial_bytes();
      // All that came has been given back to the window.
      REQUIRE(bytes == std::min(at + piece, body.size()));
    }
    CHECK(taken == std::vector<Bytes>(std::begin(payloads), std::end(payloads)));
    CHECK(assembler.between_messages());
  }
}

TEST_CASE("message: the prefix is a flag and a big-endian length") {
  const auto prefix = message_prefix(/*compressed=*/true, 0x01020304);
  CHECK(ByteView(prefix.data(), prefix.size()) == ByteView("\1\1\2\3\4", 5));
  MessageAssembler assembler(0x7fffffff);
  REQUIRE(assembler.append(ByteView("\1\0\0\0\2ab", 7)).ok());
  const auto message = assembler.take();
  REQUIRE(message);
  CHECK(message->compressed);
  CHECK(message->payload == "ab");
}

TEST_CASE("message: bad flags and lengths are refused") {
  CHECK_FALSE(MessageAssembler(100).append(ByteView("\2\0\0\0\0", 5)).ok());
  CHECK(MessageAssembler(100).append(ByteView("\0\0\0\0\144", 5)).ok());
  CHECK_FALSE(MessageAssembler(100).append(ByteView("\0\0\0\0\145", 5)).ok());
  CHECK_FALSE(MessageAssembler(0x7fffffff).append(ByteView("\0\x80\0\0\0", 5)).ok());
}

TEST_CASE("status: grpc-message is percent-encoded") {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},     {"plain", "plain"}, {"a%20b", "a b"}, {"%e4%BD%a0", "你"}, {"100%", "100%"},
      {"%2", "%2"}, {"%zz%41", "%zzA"}, {"%%41", "%A"},   {"%-1", "%-1"},
  };
  for (const auto& [encoded, decoded] : cases) CHECK(decode_message(encoded) == decoded);
}

TEST_CASE("gzip: there and back") {
  Bytes text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i * 7919);
  for (const Bytes& plain : {Bytes(), Bytes("x"), Bytes(100'000, '\0'), text}) {
    const auto back = gunzip(gzip(plain), plain.size());
    REQUIRE(back.ok());
    CHECK((*back == plain));
  }
}

TEST_CASE("gzip: limits and damage") {
  const Bytes packed = gzip("hello");
  CHECK(gunzip(packed, 5).ok());
  CHECK(gunzip(packed, 4).error().code() == ErrorCode::kUnsupported);
  for (size_t size = 0; size < packed.size(); ++size) {
    const auto cut = gunzip(ByteView(packed).substr(0, size), 100);
    REQUIRE_FALSE(cut.ok());
    CHECK(cut.error().code() == ErrorCode::kCorrupt);
  }
  CHECK_FALSE(gunzip(packed + "garbage", 100).ok());
  Bytes damaged = packed;
  damaged[damaged.size() - 5] ^= 1;
  CHECK_FALSE(gunzip(damaged, 100).ok());
}

}  // namespace drainer::rpc
