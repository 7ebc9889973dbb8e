// Any bytes as our schema store. The checksum is made right first, or nothing would get past it;
// what is accepted must be written again and read as the same.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "drainer/base/check.h"
#include "drainer/base/fnv1a.h"
#include "drainer/schema/schema.h"
#include "drainer/schema/schema_codec.h"

using namespace drainer;

namespace {

constexpr uint64_t kCluster = 1;

Result<schema::SchemaImage> decode(ByteView bytes) {
  return schema::decode_schema(kCluster, [&](char* buffer, size_t wanted) -> Result<size_t> {
    const size_t got = std::min(wanted, bytes.size());
    bytes.copy(buffer, got);
    bytes.remove_prefix(got);
    return got;
  });
}

Bytes encode(const schema::SchemaImage& image) {
  Bytes out;
  const Result<void> done =
      schema::encode_schema(image, kCluster, [&](ByteView bytes) -> Result<void> {
        out += bytes;
        return {};
      });
  CHECK(done.ok(), "encode: {}", done.error().to_string());
  return out;
}

// `records` between a good beginning and a good end.
Bytes as_store(ByteView records) {
  const Bytes empty = encode({});
  constexpr size_t kEndBytes = 13;
  constexpr size_t kHeadBytes = 12;
  // The header record stays; the rest is the input.
  const size_t header_bytes = 4 + load_le32(empty.data() + kHeadBytes);
  Bytes out = empty.substr(0, kHeadBytes + header_bytes);
  out += records;
  const uint64_t hash = fnv1a(out);
  Bytes end = empty.substr(empty.size() - kEndBytes);
  std::memcpy(end.data() + 5, &hash, sizeof hash);
  return out + end;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(reinterpret_cast<const char*>(data), size);
  (void)decode(bytes);
  const Result<schema::SchemaImage> image = decode(as_store(bytes));
  if (!image.ok()) return 0;
  const Bytes once = encode(*image);
  const Result<schema::SchemaImage> again = decode(once);
  CHECK(again.ok(), "read again: {}", again.error().to_string());
  CHECK(encode(*again) == once, "another image");
  schema::Schema schema;
  schema.restore(*image);
  (void)schema.find_table(TableId(1));
  return 0;
}
