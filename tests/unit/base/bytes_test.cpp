#include "drainer/base/bytes.h"

#include <catch2/catch.hpp>

using namespace drainer;

TEST_CASE("bytes: hex goes there and back") {
  const Bytes bytes("\x00\x7f\xff", 3);
  CHECK(to_hex(bytes) == "007fff");
  CHECK(from_hex("00 7F ff") == bytes);
}

TEST_CASE("bytes: big-endian numbers keep their order") {
  Bytes out;
  append_be64(out, 0x0102030405060708);
  append_be32(out, 0xfffefdfc);
  CHECK(to_hex(out) == "0102030405060708fffefdfc");
  CHECK(load_be64(out.data()) == 0x0102030405060708);
  CHECK(load_be32(out.data() + 8) == 0xfffefdfc);
}
