// Any bytes as the body of a gRPC stream, in pieces of any size: the same messages come out, or the
// same error, however it is cut.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "drainer/base/check.h"
#include "drainer/rpc/grpc_message.h"

using namespace drainer;

namespace {

constexpr uint32_t kMessageBytesMax = 1000;

struct Outcome {
  std::vector<Bytes> messages;
  bool is_good = true;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome assemble(ByteView body, size_t piece) {
  rpc::MessageAssembler assembler(kMessageBytesMax);
  Outcome out;
  while (!body.empty() && out.is_good) {
    const size_t size = std::min(piece, body.size());
    out.is_good = assembler.append(body.substr(0, size)).ok();
    body.remove_prefix(size);
    while (auto message = assembler.take()) {
      CHECK(message->payload.size() <= kMessageBytesMax, "{} bytes", message->payload.size());
      out.messages.push_back(std::move(message->payload));
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView body(reinterpret_cast<const char*>(data), size);
  const Outcome whole = assemble(body, std::max<size_t>(size, 1));
  for (const size_t piece : {size_t{1}, size_t{3}, size_t{7}}) {
    CHECK(assemble(body, piece) == whole, "pieces of {}", piece);
  }
  return 0;
}
