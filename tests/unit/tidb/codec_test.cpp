#include "drainer/tidb/codec.h"

#include "drainer/tidb/decimal.h"
#include "drainer/tidb/value_text.h"
#include "tests/unit/tidb/table_builder.h"

#include <catch2/catch.hpp>

#include <limits>

using namespace drainer;
using namespace drainer::tidb;

namespace {

/// The value of a datum, followed by other bytes or not.
Value decode(std::string_view hex) {
  Value with_more;
  const Bytes longer = from_hex(hex) + "more, and more after it";
  const char* const more_end = longer.data() + longer.size();
  const char* const after_more = decode_datum(longer.data(), more_end, with_more);
  return with_exact_bounds(from_hex(hex), [&](ByteView bytes) {
    Value value;
    const char* const end = bytes.data() + bytes.size();
    CHECK(decode_datum(bytes.data(), end, value) == end);
    CHECK(skip_datum(bytes.data(), end) == end);
    CHECK(after_more == longer.data() + bytes.size());
    CHECK(with_more.kind == value.kind);
    CHECK_FALSE(cut_fault(bytes));
    CHECK_FALSE(decode_fault(bytes));
    return value;
  });
}

std::string text_of_decimal(std::string_view hex) {
  std::string text;
  const auto appended = append_decimal(text, from_hex(hex).substr(1));
  return appended.ok() ? text : appended.error().text();
}

std::string fault_text(const std::optional<Error>& fault) {
  return fault ? fault->text() : "ok";
}

}  // namespace

TEST_CASE("codec: integers in both forms") {
  struct Case {
    int64_t value;
    std::string_view comparable;
    std::string_view compact;
  };
  for (const Case& c :
       {Case{0, "038000000000000000", "0800"}, Case{1, "038000000000000001", "0802"},
        Case{-1, "037fffffffffffffff", "0801"}, Case{63, "03800000000000003f", "087e"},
        Case{64, "038000000000000040", "088001"}, Case{-64, "037fffffffffffffc0", "087f"},
        Case{-65, "037fffffffffffffbf", "088101"}, Case{300, "03800000000000012c", "08d804"},
        Case{std::numeric_limits<int64_t>::max(), "03ffffffffffffffff", "08feffffffffffffffff01"},
        Case{std::numeric_limits<int64_t>::min(), "030000000000000000",
             "08ffffffffffffffffff01"}}) {
    INFO(c.value);
    for (const auto hex : {c.comparable, c.compact}) {
      const Value value = decode(hex);
      CHECK(value.kind == ValueKind::kInt);
      CHECK(value.i == c.value);
    }
  }
}

TEST_CASE("codec: unsigned integers in both forms") {
  struct Case {
    uint64_t value;
    std::string_view comparable;
    std::string_view compact;
  };
  for (const Case& c :
       {Case{127, "04000000000000007f", "097f"}, Case{128, "040000000000000080", "098001"},
        Case{~uint64_t{0}, "04ffffffffffffffff", "09ffffffffffffffffff01"}}) {
    for (const auto hex : {c.comparable, c.compact}) {
      const Value value = decode(hex);
      CHECK(value.kind == ValueKind::kUint);
      CHECK(value.u == c.value);
    }
  }
}

TEST_CASE("codec: base-128 numbers of every length, with and without bytes behind them") {
  for (int bits = 0; bits <= 64; ++bits) {
    for (const uint64_t pattern : {~uint64_t{0}, uint64_t{0x5123456789abcdef}}) {
      const uint64_t value = bits == 0 ? 0 : pattern >> (64 - bits);
      Bytes encoded;
      for (uint64_t rest = value;; rest >>= 7) {
        encoded.push_back(static_cast<char>(rest < 0x80 ? rest : (rest & 0x7f) | 0x80));
        if (rest < 0x80) break;
      }
      INFO(to_hex(encoded));
      for (size_t padding : {0u, 1u, 9u}) {
        const Bytes padded = encoded + Bytes(padding, '\xff');
        with_exact_bounds(padded, [&](ByteView bytes) {
          uint64_t read = 0;
          const char* const end = bytes.data() + bytes.size();
          CHECK(read_uvarint(bytes.data(), end, read) == bytes.data() + encoded.size());
          CHECK(read == value);
          CHECK(read_uvarint(bytes.data(), bytes.data() + encoded.size() - 1, read) == nullptr);
        });
      }
    }
  }
}

TEST_CASE("codec: floats") {
  struct Case {
    double value;
    std::string_view hex;
  };
  for (const Case& c : {Case{0, "058000000000000000"}, Case{1, "05bff0000000000000"},
                        Case{-1, "05400fffffffffffff"}, Case{3.14, "05c0091eb851eb851f"},
                        Case{double{1.1f}, "05bff19999a0000000"}}) {
    const Value value = decode(c.hex);
    CHECK(value.kind == ValueKind::kDouble);
    CHECK(value.d == c.value);
  }
}

TEST_CASE("codec: durations and NULL") {
  const Value value = decode("07800025b1b1d586c0");
  CHECK(value.kind == ValueKind::kDuration);
  CHECK(value.fsp == 6);
  CHECK(value.i == 41'445'123'000'000);
  CHECK(decode("00").is_null());
}

TEST_CASE("codec: bytes in both forms") {
  struct Case {
    std::string_view value;
    std::string_view comparable;
    std::string_view compact;
  };
  for (const Case& c :
       {Case{"", "010000000000000000f7", "0200"}, Case{"abc", "016162630000000000fa", "0206616263"},
        Case{"12345678", "013132333435363738ff0000000000000000f7", "02103132333435363738"}}) {
    INFO(c.value);
    for (const auto hex : {c.comparable, c.compact}) {
      const Bytes owner = from_hex(hex);
      Value value;
      REQUIRE(decode_datum(owner.data(), owner.data() + owner.size(), value) != nullptr);
      CHECK(value.kind == ValueKind::kBinary);
      CHECK(value.bytes() == c.value);
      decode(hex);
    }
  }
  const Bytes long_bytes = from_hex("028001") + Bytes(64, 'x');
  Value value;
  REQUIRE(decode_datum(long_bytes.data(), long_bytes.data() + long_bytes.size(), value) != nullptr);
  CHECK(value.bytes() == Bytes(64, 'x'));
}

TEST_CASE("codec: comparable bytes of many groups can be put together, not borrowed") {
  const Bytes encoded = from_hex("013132333435363738ff3900000000000000f8") + "rest";
  ByteView in = encoded;
  Bytes out;
  REQUIRE(decode_comparable_bytes(in, out).ok());
  CHECK(out == "123456789");
  CHECK(in == "rest");
  Value value;
  const char* const end = encoded.data() + encoded.size();
  CHECK(decode_datum(encoded.data(), end, value) == nullptr);
  CHECK(skip_datum(encoded.data(), end) == end - 4);
  CHECK(decode_fault(encoded)->code() == ErrorCode::kUnsupported);
  for_each_prefix(ByteView(encoded).substr(0, encoded.size() - 4), [](ByteView bytes) {
    Bytes ignored;
    CHECK_FALSE(decode_comparable_bytes(bytes, ignored).ok());
    CHECK(skip_datum(bytes.data(), bytes.data() + bytes.size()) == nullptr);
  });
}

TEST_CASE("codec: decimals print all their digits") {
  struct Case {
    std::string_view hex;
    std::string_view text;
  };
  const std::string nines(65, '9');
  const std::string long_fraction = "-" + nines.substr(0, 35) + "." + nines.substr(0, 30);
  for (const Case& c : {
           Case{"06010080", "0"},
           Case{"06010081", "1"},
           Case{"0601007e", "-1"},
           Case{"060e04810dfb38d204d2", "1234567890.1234"},
           Case{"060e047ef204c72dfb2d", "-1234567890.1234"},
           Case{"06040275c8", "-10.55"},
           Case{"0606048b26ac", "11.9900"},
           Case{"060a03800030390000", "12345.000"},
           Case{"06140a7fffffff84e52d8b7fff", "-123.4500000000"},
           Case{"0602028a", "0.10"},
           Case{"06090980000001", "0.000000001"},
           Case{"060a028000000000", "0.00"},
           Case{"060a028000000132", "1.50"},
           Case{"060a027ffffffecd", "-1.50"},
           Case{"0614008c149aa4350dfb38d2", "12345678901234567890"},
           Case{"064100e33b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff", nines},
           Case{"06411e7a0a1f00c4653600c4653600c4653600c4653600c4653600c4653600fc18",
                long_fraction},
           // A negative zero: without fraction it is plain.
           Case{"0601007f", "0"},
           Case{"060a027fffffffff", "-0.00"},
       }) {
    INFO(c.hex);
    decode(c.hex);
    CHECK(text_of_decimal(c.hex) == c.text);
    for_each_prefix(from_hex(c.hex), [](ByteView bytes) {
      Value value;
      CHECK(decode_datum(bytes.data(), bytes.data() + bytes.size(), value) == nullptr);
      std::string text;
      if (!bytes.empty()) CHECK_FALSE(append_decimal(text, bytes.substr(1)).ok());
      CHECK(text.empty());
    });
  }
}

TEST_CASE("codec: malformed decimals are bad numbers") {
  CHECK(text_of_decimal("060509010203") == "Bad Number");    // more fraction than digits
  CHECK(text_of_decimal("060100") == "Bad Number");          // no body
  CHECK(text_of_decimal("060900bb9aca00") == "Bad Number");  // group of 1000000000
  CHECK(text_of_decimal("0601018a") == "Bad Number");        // trailing digit 10
  CHECK(text_of_decimal("060100e4") == "Bad Number");        // leading digit 100
  CHECK(text_of_decimal("06ff00" + std::string(80, '0')) == "Bad Number");  // 255 digits
  CHECK(text_of_decimal("065201" + std::string("80") + std::string(78, '0')) == "Data Truncated");
}

TEST_CASE("codec: malformed datums get the words of the original") {
  struct Case {
    std::string_view hex;
    std::string_view cut;
    std::string_view decode;
  };
  const std::string_view kInsufficient = "insufficient bytes to decode value";
  for (const Case& c : {
           Case{"", "invalid encoded key", "invalid encoded key"},
           Case{"0b", "invalid encoded key flag 11", "invalid encoded key flag 11"},
           Case{"fa", "invalid encoded key flag 250", "invalid encoded key flag 250"},
           Case{"80", "invalid encoded key flag 128", "invalid encoded key flag 128"},
           Case{"14010000000000803f", "invalid encoded key flag 20", "invalid encoded key flag 20"},
           Case{"08", "ok", kInsufficient},
           Case{"0880", "ok", kInsufficient},
           Case{"09", "ok", kInsufficient},
           Case{"0301", "invalid encoded key, expected length: 9, actual length: 2", kInsufficient},
           Case{"020461", "insufficient bytes to decode value, expected length: 1",
                "insufficient bytes to decode value, expected length: 2"},
           Case{"02", kInsufficient, kInsufficient},
           Case{"060509010203", "Bad Number", "Bad Number"},
           Case{"0605", "Bad Number", "Bad Number"},
           Case{"0a", "Cant peek from empty bytes", "Cant peek from empty bytes"},
           Case{"0a01", "Invalid JSON bytes", "Invalid JSON bytes"},
           Case{"0a0200", "Invalid JSON bytes", "Invalid JSON bytes"},
           Case{"09ffffffffffffffffff02", "value larger than 64 bits", "value larger than 64 bits"},
           Case{"0801ffff", "ok", "ok"},
           Case{"016100000000000001f8", "ok",
                "invalid padding byte, group bytes \"a\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\xf8\""},
           Case{"016100000000000000f0", "ok",
                "invalid marker byte, group bytes \"a\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xf0\""},
           Case{"0161", kInsufficient, kInsufficient},
       }) {
    INFO(c.hex);
    const Bytes bytes = from_hex(c.hex);
    CHECK(fault_text(cut_fault(bytes)) == c.cut);
    CHECK(fault_text(decode_fault(bytes)) == c.decode);
    Value value;
    const bool is_read = decode_datum(bytes.data(), bytes.data() + bytes.size(), value) != nullptr;
    CHECK(is_read == (c.decode == "ok"));
  }
}
