#include "drainer/tidb/json_binary.h"

#include "tests/unit/tidb/table_builder.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::tidb;

namespace {

/// The text of a document, or the error; the document lies in memory of exactly its size.
std::string print(ByteView document) {
  return with_exact_bounds(document, [](ByteView bytes) {
    std::string text = "before ";
    const auto printed = append_json(text, bytes);
    if (printed.ok()) return text.substr(7);
    CHECK(text == "before ");
    return "error: " + printed.error().to_string();
  });
}

std::string print_hex(std::string_view hex) {
  return print(from_hex(hex));
}

Bytes le32(uint64_t value) {
  Bytes out;
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(value >> shift));
  return out;
}

/// An array of one value of the type given, whose bytes lie behind the head.
Bytes array_of(char type, const Bytes& value) {
  return le32(1) + le32(13 + value.size()) + type + le32(13) + value;
}

/// Empty arrays inside each other.
Bytes nested_arrays(int depth) {
  Bytes value = le32(0) + le32(8);
  for (int i = 1; i < depth; ++i) value = array_of(3, value);
  return '\x03' + value;
}

}  // namespace

TEST_CASE("json: the documents of the specification") {
  CHECK(
      print_hex("01030000007e0000002900000001002a00000002002c0000000100032d000000096e0000000976000"
                "000616161620500000041000000040100000004000000000c210000000b23000000012b00000001780"
                "00000000000f83f01000000160000001300000001000c140000006b0176ffffffffffffffff0100000"
                "000000000") == R"({"a": [true, null, "x", 1.5, {"k": "v"}], "aa": -1, "b": 1})");
  CHECK(print_hex("0de90139") == R"("base64:type233:OQ==")");
  CHECK(print_hex("0de900") == R"("base64:type233:")");
  CHECK(print_hex("0de9026162") == R"("base64:type233:YWI=")");
}

TEST_CASE("json: doubles as encoding/json prints them") {
  struct Case {
    double value;
    std::string_view text;
  };
  for (const Case& c : {Case{1e-6, "0.000001"}, Case{9.99e-7, "9.99e-7"}, Case{1.5e300, "1.5e+300"},
                        Case{1e-10, "1e-10"}, Case{999999999999999999999.0, "1e+21"},
                        Case{18446744073709551616.0, "18446744073709552000"}, Case{1.0, "1"},
                        Case{-0.0, "-0"}, Case{0.0, "0"}, Case{-1e-7, "-1e-7"},
                        Case{999999999999999868928.0, "999999999999999900000"}}) {
    Bytes document = "\x0b";
    document.append(reinterpret_cast<const char*>(&c.value), 8);
    CHECK(print(document) == c.text);
  }
  CHECK(print_hex("0b000000000000f07f") ==
        "error: Invalid JSON bytes: number is not finite at offset 1");
}

TEST_CASE("json: strings escape what JSON and TiDB demand") {
  const auto print_string = [](const Bytes& text) {
    return print('\x0c' + Bytes(1, static_cast<char>(text.size())) + text);
  };
  CHECK(print_string("a\"b\\c\n\r\t") == R"("a\"b\\c\n\r\t")");
  CHECK(print_string(Bytes("\x00\x08\x0c\x1f", 4)) == R"("\u0000\u0008\u000c\u001f")");
  CHECK(print_string("/<>&\x7f") == "\"/<>&\x7f\"");
  CHECK(print_string("\u2027\u2028\u2029\u202a") == "\"\u2027\\u2028\\u2029\u202a\"");
  CHECK(print_string("\u00e9\u4e2d\U0001f600") == "\"\u00e9\u4e2d\U0001f600\"");
  for (const std::string_view bad : {"80", "c0af", "c1bf", "e08080", "eda080", "f0808080",
                                     "f4908080", "f5808080", "c3", "e4b8", "f09f98", "ff"}) {
    INFO(bad);
    std::string expected;
    for (size_t i = 0; i < bad.size() / 2; ++i) expected += "\\ufffd";
    CHECK(print_string(from_hex(bad)) == "\"" + expected + "\"");
    CHECK(print_string("x" + from_hex(bad) + "y") == "\"x" + expected + "y\"");
  }
}

TEST_CASE("json: sizes are told by the head alone") {
  CHECK(json_size(from_hex("0400")) == 2);
  CHECK(json_size(from_hex("04")) == 2);
  CHECK(json_size(from_hex("09")) == 9);
  CHECK(json_size(from_hex("11")) == 13);
  CHECK(json_size(from_hex("0c03616263")) == 5);
  CHECK(json_size(from_hex("0c03")) == 5);
  CHECK(json_size(from_hex("0de903616263")) == 6);
  CHECK(json_size(from_hex("010000000008000000")) == 9);
  for (const std::string_view bad :
       {"", "00", "02", "05", "12", "0c", "0c80", "0d", "0de9", "01", "0100000000080000",
        "010000000007000000", "0cffffffffffffffffff01"}) {
    INFO(bad);
    CHECK(json_size(from_hex(bad)) == 0);
  }
}

TEST_CASE("json: a document cut anywhere is an error") {
  for (
      const std::string_view hex :
      {"01030000007e0000002900000001002a00000002002c0000000100032d000000096e00000009760000006161616"
       "20500000041000000040100000004000000000c210000000b23000000012b0000000178000000000000f83f0100"
       "0000160000001300000001000c140000006b0176ffffffffffffffff0100000000000000",
       "0c03616263", "0de903616263", "0401", "0b000000000000f03f", "1140792a4e4edaffff03000000",
       "0e0000000000b89c1f"}) {
    for_each_prefix(from_hex(hex),
                    [](ByteView prefix) { CHECK(print(prefix).starts_with("error: ")); });
  }
}

TEST_CASE("json: offsets must stay inside their container") {
  CHECK(print('\x03' + array_of(9, Bytes(8, '\0'))) == "[0]");
  CHECK(print('\x03' + array_of(9, Bytes(7, '\0'))) ==
        "error: Invalid JSON bytes: number cut off at offset 14");
  // The value's offset lies beyond the end.
  CHECK(print_hex("03010000000d00000009ffffffff") ==
        "error: Invalid JSON bytes: value out of bounds at offset 9");
  // A size smaller than the head, and one larger than the document.
  CHECK(print_hex("03010000000c0000000400000000") ==
        "error: Invalid JSON bytes: container cut off at offset 1");
  CHECK(print_hex("03000000000a000000") ==
        "error: Invalid JSON bytes: container cut off at offset 1");
  // A count whose head does not fit 32 bits.
  CHECK(print_hex("03ffffffff08000000") ==
        "error: Invalid JSON bytes: container cut off at offset 1");
  // A key of 5 bytes where none are.
  CHECK(print_hex("01010000001300000013000000050004000000"
                  "00") == "error: Invalid JSON bytes: key out of bounds at offset 9");
  CHECK(print_hex("030100000010000000"
                  "0403000000"
                  "000000") == "error: Invalid JSON bytes: unknown literal at offset 10");
  CHECK(print_hex("030100000010000000"
                  "0700000000"
                  "000000") == "error: Invalid JSON bytes: unknown type code at offset 1");
}

TEST_CASE("json: values that share their bytes are refused") {
  // Thirty arrays, each naming the next one twice: two to the thirtieth lines of text otherwise.
  Bytes value = le32(0) + le32(8);
  for (int i = 0; i < 30; ++i) {
    value = le32(2) + le32(18 + value.size()) + '\x03' + le32(18) + '\x03' + le32(18) + value;
  }
  CHECK(print('\x03' + value).starts_with("error: Invalid JSON bytes: values overlap"));
}

TEST_CASE("json: nesting has a limit") {
  for (const uint32_t depth : {100u, 101u, kJsonDepthMax}) {
    CHECK(print(nested_arrays(depth)) == std::string(depth, '[') + std::string(depth, ']'));
  }
  CHECK(print(nested_arrays(kJsonDepthMax + 1))
            .starts_with("error: Invalid JSON bytes: nested too deeply"));
}
