#include "drainer/rpc/grpc_message.h"

#include <algorithm>
#include <utility>

#include "drainer/rpc/grpc_client.h"

namespace drainer::rpc {

namespace {

/// A length is believed up to here; beyond it memory grows with the bytes that really come.
constexpr size_t kTrustedBytes = 64 << 20;
constexpr size_t kGrowth = 4;

}  // namespace

std::array<char, kMessagePrefixBytes> message_prefix(bool compressed, uint32_t payload_bytes) {
  std::array<char, kMessagePrefixBytes> prefix{static_cast<char>(compressed)};
  for (size_t i = 0; i < 4; ++i) prefix[1 + i] = static_cast<char>(payload_bytes >> (24 - 8 * i));
  return prefix;
}

Result<void> MessageAssembler::append(ByteView data) {
  while (!data.empty()) {
    const bool in_prefix = prefix_size_ < kMessagePrefixBytes;
    const size_t used = in_prefix ? append_prefix(data) : append_payload(data);
    data.remove_prefix(used);
    partial_.body_bytes += used;
    if (prefix_size_ < kMessagePrefixBytes) continue;
    if (in_prefix) TRY(start_payload());
    if (partial_.payload.size() < payload_bytes_) continue;
    complete_.push_back(std::exchange(partial_, {}));
    prefix_size_ = 0;
  }
  return {};
}

size_t MessageAssembler::append_prefix(ByteView data) {
  const size_t size = std::min(data.size(), kMessagePrefixBytes - prefix_size_);
  std::copy_n(data.data(), size, prefix_.data() + prefix_size_);
  prefix_size_ += size;
  return size;
}

Result<void> MessageAssembler::start_payload() {
  const auto flag = static_cast<uint8_t>(prefix_[0]);
  if (flag > 1) return make_error(ErrorCode::kInternal, "message with unknown flag {}", flag);
  partial_.compressed = flag == 1;
  payload_bytes_ = load_be32(prefix_.data() + 1);
  if (payload_bytes_ > message_bytes_max_) {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("received message larger than max ({} vs. {})", payload_bytes_,
                             message_bytes_max_),
                 static_cast<int32_t>(GrpcStatus::kResourceExhausted));
  }
  partial_.payload.reserve(std::min<size_t>(payload_bytes_, kTrustedBytes));
  return {};
}

size_t MessageAssembler::append_payload(ByteView data) {
  Bytes& payload = partial_.payload;
  const size_t size = std::min(data.size(), payload_bytes_ - payload.size());
  if (payload.size() + size > payload.capacity()) {
    payload.reserve(std::min<size_t>(payload_bytes_, kGrowth * payload.capacity()));
  }
  payload.append(data.data(), size);
  return size;
}

std::optional<MessageAssembler::Message> MessageAssembler::take() {
  if (complete_.empty()) return std::nullopt;
  Message message = std::move(complete_.front());
  complete_.pop_front();
  return message;
}

size_t MessageAssembler::take_partial_bytes() {
  return std::exchange(partial_.body_bytes, 0);
}

}  // namespace drainer::rpc
