#include "syncer/file/record.h"

#include <catch2/catch.hpp>

#include "drainer/base/crc32c.h"

using namespace drainer;
using file::Record;
using file::RecordReader;

namespace {

Bytes records(std::initializer_list<std::string> payloads) {
  Bytes out;
  for (const std::string& payload : payloads) file::append_record(out, payload);
  return out;
}

std::vector<std::string> payloads_of(RecordReader& reader) {
  std::vector<std::string> out;
  while (const std::optional<Record> record = reader.next()) out.emplace_back(record->payload);
  return out;
}

}  // namespace

TEST_CASE("crc32c: the known check value, in both implementations and in pieces") {
  CHECK(crc32c("123456789") == 0xe3069283);
  CHECK(crc32c_portable("123456789") == 0xe3069283);
  CHECK(crc32c("") == 0);
  Bytes bytes;
  for (int i = 0; i < 1000; ++i) {
    bytes.push_back(static_cast<char>(i * 7));
    CHECK(crc32c(bytes) == crc32c_portable(bytes));
    const size_t half = bytes.size() / 2;
    CHECK(crc32c(ByteView(bytes).substr(half), crc32c(ByteView(bytes).substr(0, half))) ==
          crc32c(bytes));
  }
}

TEST_CASE("record: the specification's frames come out to the byte") {
  CHECK(to_hex(records({"payload"})) == "04051b1c07000000000000007061796c6f61647069e3f4");
  CHECK(to_hex(records({"binlogtest"})) == "04051b1c0a0000000000000062696e6c6f67746573741e0b0549");
  CHECK(file::record_header("payload") + "payload" + file::record_trailer("payload") ==
        records({"payload"}));
}

TEST_CASE("record: whole records are read back with their offsets") {
  const Bytes content = records({"a", "", "ccc"});
  RecordReader reader(content);
  CHECK(reader.next()->offset == 0);
  CHECK(reader.next()->offset == 17);
  const Record last = reader.next().value();
  CHECK(last.offset == 33);
  CHECK(last.payload == "ccc");
  CHECK(last.end() == content.size());
  CHECK_FALSE(reader.next());
  CHECK_FALSE(reader.damage());
}

TEST_CASE("record: every torn tail is found, and nothing before it is lost") {
  const Bytes content = records({"first", "second record"});
  const size_t begin = file::kRecordFrameBytes + 5;
  for (size_t size = begin + 1; size < content.size(); ++size) {
    INFO(size);
    RecordReader reader(ByteView(content).substr(0, size));
    CHECK(payloads_of(reader) == std::vector<std::string>{"first"});
    REQUIRE(reader.damage());
    CHECK(reader.damage()->offset == begin);
    CHECK_FALSE(reader.skip_damage());
  }
}

TEST_CASE("record: any changed byte is found, and the records behind it can be reached") {
  const Bytes content = records({"first", "second", "third"});
  const size_t begin = file::kRecordFrameBytes + 5;
  const size_t end = begin + file::kRecordFrameBytes + 6;
  for (size_t at = begin; at < end; ++at) {
    INFO(at);
    Bytes changed = content;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    RecordReader reader(changed);
    CHECK(payloads_of(reader) == std::vector<std::string>{"first"});
    REQUIRE(reader.damage());
    CHECK(reader.damage()->offset == begin);
    REQUIRE(reader.skip_damage());
    CHECK(payloads_of(reader) == std::vector<std::string>{"third"});
  }
}

TEST_CASE("record: damage says what is wrong") {
  const auto reason = [](const Bytes& content) {
    RecordReader reader(content);
    (void)reader.next();
    return reader.damage() ? reader.damage()->reason : "";
  };
  CHECK(reason("abc") == "3 bytes are too few for a record");
  CHECK(reason(Bytes(20, '\0')) == "magic mismatch: 0x00000000");
  Bytes wrong = records({"payload"});
  CHECK(reason(wrong.substr(0, 20)) == "record with a payload of 7 bytes ends after 20");
  wrong.back() = 0;
  CHECK(reason(wrong) == "crc mismatch: stored 00e36970, computed f4e36970");
  Bytes endless = records({"payload"});
  for (size_t i = 4; i < 12; ++i) endless[i] = static_cast<char>(0xff);
  CHECK(reason(endless) == "record with a payload of 18446744073709551615 bytes ends after 23");
}

TEST_CASE("record: a torn record may hold the image of a whole one") {
  const Bytes inner = records({"inner"});
  Bytes content = records({"first " + inner + " and more"});
  content.resize(content.size() - 1);
  RecordReader reader(content);
  CHECK(payloads_of(reader).empty());
  REQUIRE(reader.skip_damage());
  CHECK(payloads_of(reader) == std::vector<std::string>{"inner"});
  CHECK(reader.damage());
}
