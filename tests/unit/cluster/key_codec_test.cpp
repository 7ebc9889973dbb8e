#include "drainer/cluster/key_codec.h"

#include <catch2/catch.hpp>

#include <vector>

namespace drainer::cluster {
namespace {

std::string encoded_hex(std::string_view raw_hex) {
  Bytes out;
  append_memcomparable(out, from_hex(raw_hex));
  return to_hex(out);
}

struct Vector {
  std::string raw;
  std::string encoded;
};

const std::vector<Vector> kVectors = {
    {"", "0000000000000000f7"},
    {"61", "6100000000000000f8"},
    {"010203", "0102030000000000fa"},
    {"01020300", "0102030000000000fb"},
    {"0102030405060708", "0102030405060708ff0000000000000000f7"},
};

TEST_CASE("key codec: the documented vectors go both ways") {
  for (const Vector& vector : kVectors) {
    CAPTURE(vector.raw);
    CHECK(encoded_hex(vector.raw) == vector.encoded);
    const Result<Bytes> decoded = decode_memcomparable(from_hex(vector.encoded));
    REQUIRE(decoded.ok());
    CHECK(to_hex(*decoded) == vector.raw);
  }
}

TEST_CASE("key codec: the order of encoded keys is the order of raw keys, at every length") {
  Bytes previous;
  append_memcomparable(previous, "");
  for (size_t length = 1; length <= 40; ++length) {
    Bytes current;
    append_memcomparable(current, Bytes(length, '\0'));
    CHECK(previous < current);
    CHECK(decode_memcomparable(current).value() == Bytes(length, '\0'));
    previous = current;
  }
}

TEST_CASE("key codec: damaged encodings are refused") {
  const std::vector<std::string> damaged = {
      "",                                      // nothing at all
      "0000000000000000",                      // marker cut off
      "0102030000000000fa00",                  // something follows
      "0102030405060708ff",                    // last group missing
      "0102030000000000f6",                    // nine pad bytes
      "0102030000000000f9",                    // more pads than there are zeros
      "0102030000000001fa",                    // pad byte is not zero
      "0102030405060708ff00000000000000f7",    // one byte short
      "0102030405060708fe0000000000000000f7",  // ends early, then more
  };
  for (const std::string& hex : damaged) {
    CAPTURE(hex);
    const Result<Bytes> decoded = decode_memcomparable(from_hex(hex));
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.error().code() == ErrorCode::kCorrupt);
  }
}

TEST_CASE("key codec: metadata keys are the bytes of TiDB") {
  const Bytes history = meta_key("DDLJobHistory", MetaFlag::kHash);
  CHECK(to_hex(history) == "6d44444c4a6f624869ff73746f7279000000fc0000000000000068");
  CHECK(to_hex(prefix_end(history)) == "6d44444c4a6f624869ff73746f7279000000fc0000000000000069");
  const Bytes job = hash_field_key("DDLJobHistory", from_hex("000000000000002a"));
  CHECK(to_hex(job) ==
        "6d44444c4a6f624869ff73746f7279000000fc0000000000000068000000000000002aff"
        "0000000000000000f7");
  CHECK(encoded_hex(to_hex(job)) ==
        "6d44444c4a6f6248ff69ff73746f727900ff0000fc0000000000ff0000680000000000ff"
        "00002aff00000000ff00000000f7000000fc");
  CHECK(to_hex(meta_key("DBs", MetaFlag::kHash)) == "6d4442730000000000fa0000000000000068");
  CHECK(to_hex(prefix_end(meta_key("DBs", MetaFlag::kHash))) ==
        "6d4442730000000000fa0000000000000069");
  CHECK(to_hex(hash_field_key("DBs", "DB:1")) ==
        "6d4442730000000000fa000000000000006844423a3100000000fb");
  CHECK(to_hex(meta_key("DB:1", MetaFlag::kHash)) == "6d44423a3100000000fb0000000000000068");
  CHECK(to_hex(prefix_end(meta_key("DB:1", MetaFlag::kHash))) ==
        "6d44423a3100000000fb0000000000000069");
  CHECK(to_hex(hash_field_key("DB:1", "Table:45")) ==
        "6d44423a3100000000fb00000000000000685461626c653a3435ff0000000000000000f7");
  CHECK(to_hex(hash_field_key("DB:1", "TID:45")) ==
        "6d44423a3100000000fb00000000000000685449443a34350000fd");
  CHECK(to_hex(meta_key("SchemaVersionKey", MetaFlag::kString)) ==
        "6d536368656d615665ff7273696f6e4b6579ff0000000000000000f70000000000000073");
  CHECK(to_hex(meta_key("DDLJobList", MetaFlag::kListMeta)) ==
        "6d44444c4a6f624c69ff7374000000000000f9000000000000004c");
  Bytes first_item = meta_key("DDLJobList", MetaFlag::kList);
  append_be64(first_item, uint64_t{1} << 63);
  CHECK(to_hex(first_item) ==
        "6d44444c4a6f624c69ff7374000000000000f9000000000000006c8000000000000000");
}

TEST_CASE("key codec: fields come back out of full keys") {
  const Bytes prefix = meta_key("DB:1", MetaFlag::kHash);
  CHECK(parse_hash_field(prefix, hash_field_key("DB:1", "Table:45")).value() == "Table:45");
  CHECK(parse_hash_field(prefix, prefix).error().code() == ErrorCode::kCorrupt);
  CHECK(parse_hash_field(prefix, hash_field_key("DB:2", "Table:45")).error().code() ==
        ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace drainer::cluster
