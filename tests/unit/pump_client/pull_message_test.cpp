#include "pump_client/pull_message.h"

#include <catch2/catch.hpp>

#include "tests/fakes/binlogs.h"

using namespace drainer;

// spec/upstream-protocols.md 2.1
TEST_CASE("pull message: the request has the bytes of the original") {
  CHECK(to_hex(encode_pull_request(12345, CommitTs(100))) == "08b96012021064");
  CHECK(to_hex(encode_pull_request(12345, CommitTs(-7))) == "08b96012021000");
}

TEST_CASE("pull message: the payload is found where it lies") {
  const Bytes response = from_hex(
      "0a340a00121a08021085808080a0b787e9051885808080a0b787e9053800400022140885808080a0b787e90510"
      "85808080a0b787e905");
  const PayloadRange range = find_payload(response).value();
  CHECK(to_hex(ByteView(response).substr(range.offset, range.length)) ==
        "08021085808080a0b787e9051885808080a0b787e90538004000");
}

TEST_CASE("pull message: a cut response is an error, at every length") {
  const Bytes response = fakes::pull_response(fakes::dml_payload(100, "some prewrite value"));
  const size_t whole = find_payload(response).value().length;
  for (size_t length = 1; length < response.size(); ++length) {
    const Result<PayloadRange> cut = find_payload(ByteView(response).substr(0, length));
    INFO("length " << length);
    CHECK_FALSE((cut.ok() && cut->length == whole));
  }
  CHECK(find_payload("").value().length == 0);
}

TEST_CASE("pull message: what is none is told with its byte") {
  struct Case {
    std::string_view hex;
    std::string_view text;
  };
  for (const Case& c : {
           Case{"0b", "PullBinlogResp: protobuf: group at byte 1"},
           Case{"0a80", "PullBinlogResp: protobuf: number cut off at byte 1"},
           Case{"0a041202", "PullBinlogResp: protobuf: field cut off at byte 2"},
           Case{"0a021205", "PullBinlogResp: protobuf: field cut off at byte 4"},
       }) {
    INFO(c.hex);
    CHECK(find_payload(from_hex(c.hex)).error().to_string() == c.text);
  }
}
