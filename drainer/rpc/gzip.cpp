#include "drainer/rpc/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

namespace drainer::rpc {

namespace {

/// zlib's way to ask for gzip instead of its own format.
constexpr int kGzipWindowBits = MAX_WBITS + 16;
constexpr size_t kChunkBytes = 32 << 10;
/// zlib counts input in 32 bits.
constexpr size_t kInputBytesMax = std::numeric_limits<uInt>::max();

/// Hands the next piece of the input to zlib.
void refill(z_stream& stream, ByteView& rest) {
  if (stream.avail_in != 0 || rest.empty()) return;
  const size_t size = std::min(rest.size(), kInputBytesMax);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
  stream.avail_in = static_cast<uInt>(size);
  rest.remove_prefix(size);
}

}  // namespace

Bytes gzip(ByteView plain) {
  z_stream stream{};
  const int started = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindowBits,
                                   /*memLevel=*/8, Z_DEFAULT_STRATEGY);
  CHECK(started == Z_OK, "deflateInit2: {}", started);
  Bytes packed;
  std::array<char, kChunkBytes> chunk;
  int state = Z_OK;
  while (state != Z_STREAM_END) {
    refill(stream, plain);
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = kChunkBytes;
    state = deflate(&stream, plain.empty() ? Z_FINISH : Z_NO_FLUSH);
    packed.append(chunk.data(), kChunkBytes - stream.avail_out);
  }
  deflateEnd(&stream);
  return packed;
}

Result<Bytes> gunzip(ByteView packed, size_t size_bytes_max) {
  z_stream stream{};
  const int started = inflateInit2(&stream, kGzipWindowBits);
  CHECK(started == Z_OK, "inflateInit2: {}", started);
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, inflateEnd);
  Bytes plain;
  std::array<char, kChunkBytes> chunk;
  while (true) {
    refill(stream, packed);
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = kChunkBytes;
    const int state = inflate(&stream, Z_NO_FLUSH);
    const size_t size = kChunkBytes - stream.avail_out;
    if (size > size_bytes_max - plain.size()) {
      return make_error(ErrorCode::kUnsupported, "message is larger than {} bytes when unpacked",
                        size_bytes_max);
    }
    plain.append(chunk.data(), size);
    if (state == Z_STREAM_END) {
      if (stream.avail_in == 0 && packed.empty()) return plain;
      inflateReset(&stream);
    } else if (state != Z_OK) {
      return make_error(ErrorCode::kCorrupt, "bad gzip data: {}",
                        stream.msg != nullptr ? stream.msg : "unexpected end");
    }
  }
}

}  // namespace drainer::rpc
