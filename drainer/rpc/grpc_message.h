#pragma once

#include <array>
#include <deque>
#include <optional>

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"

namespace drainer::rpc {

// Message = Flag Length Payload
// Flag    = u8, 0: Payload is the message, 1: Payload is the message in the call's grpc-encoding
// Length  = u32, big endian, of Payload
inline constexpr size_t kMessagePrefixBytes = 5;

/// The prefix of a message with `payload_bytes`.
std::array<char, kMessagePrefixBytes> message_prefix(bool compressed, uint32_t payload_bytes);

/// Cuts the body of an answer into messages. One thread.
class MessageAssembler {
 public:
  struct Message {
    Bytes payload;
    bool compressed = false;
    /// Bytes of the body which it took and take_partial_bytes() has not reported.
    size_t body_bytes = 0;
  };

  explicit MessageAssembler(uint32_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

  /// The next bytes of the body. An error (bad flag, too long) is final.
  Result<void> append(ByteView data);

  /// The next complete message.
  std::optional<Message> take();
  bool has_message() const { return !complete_.empty(); }
  /// Body bytes of the incomplete message that came since the last call.
  size_t take_partial_bytes();
  /// Whether the body ended between messages.
  bool between_messages() const { return prefix_size_ == 0; }

 private:
  size_t append_prefix(ByteView data);
  Result<void> start_payload();
  size_t append_payload(ByteView data);

  const uint32_t message_bytes_max_;
  std::deque<Message> complete_;
  Message partial_;
  uint32_t payload_bytes_ = 0;  ///< of `partial_`, once its prefix is complete
  std::array<char, kMessagePrefixBytes> prefix_{};
  size_t prefix_size_ = 0;
};

}  // namespace drainer::rpc
