#pragma once

#include <cstdint>

#include "drainer/base/bytes.h"

namespace drainer::upstream {

/// One field of a protobuf message as it lies on the wire.
struct WireField {
  uint32_t number = 0;
  uint64_t value = 0;  ///< of varint fields
  ByteView bytes{};    ///< of length-delimited fields; a view of the message
  bool is_bytes = false;
  ByteView raw{};  ///< key and value together, to copy a field unchanged
};

/// Walks over the fields of a protobuf message without copying. One thread.
///
/// Fixed-size fields are passed over as numbers; groups end the walk as broken.
class WireReader {
 public:
  explicit WireReader(ByteView message) : rest_(message) {}

  /// The next field; false at the end or when the bytes are no message (see ok()).
  bool next(WireField& field);
  bool ok() const { return ok_; }

 private:
  ByteView rest_;
  bool ok_ = true;
};

/// Reads a varint from the front of `bytes`. False when there is none.
bool read_varint(ByteView& bytes, uint64_t& value);
void append_varint(Bytes& out, uint64_t value);
void append_varint_field(Bytes& out, uint32_t number, uint64_t value);
void append_bytes_field(Bytes& out, uint32_t number, ByteView value);

}  // namespace drainer::upstream
