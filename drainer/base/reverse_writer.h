#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "drainer/base/bytes.h"

namespace drainer {

/// Bytes in a buffer of their own, not necessarily at its beginning. Move only; one thread.
class OwnedBytes {
 public:
  OwnedBytes() = default;
  OwnedBytes(std::unique_ptr<char[]> buffer, size_t offset, size_t size)
      : buffer_(std::move(buffer)), offset_(offset), size_(size) {}

  ByteView view() const { return {buffer_.get() + offset_, size_}; }
  size_t size() const { return size_; }

 private:
  std::unique_ptr<char[]> buffer_;
  size_t offset_ = 0;
  size_t size_ = 0;
};

/// Writes protobuf messages from their last byte to their first.
///
/// A message's length stands before it; written backwards it is known when its turn comes, so one
/// pass does and nothing is moved. What a message holds is put in reverse order of its fields: of
/// each field the value, then the key. Keys are those of fields below 16: one byte. One thread.
class ReverseWriter {
 public:
  /// Bytes written since the last clear() or take().
  size_t size() const { return capacity_ - head_; }
  ByteView view() const { return {buffer_.get() + head_, size()}; }

  void put_byte(uint8_t byte) {
    make_room(1);
    buffer_[--head_] = static_cast<char>(byte);
  }

  /// The bytes in their own order.
  void put_bytes(ByteView bytes) {
    if (bytes.empty()) return;
    make_room(bytes.size());
    head_ -= bytes.size();
    std::memcpy(buffer_.get() + head_, bytes.data(), bytes.size());
  }

  void put_varint(uint64_t value) {
    const size_t length = static_cast<size_t>(std::bit_width(value | 1) + 6) / 7;
    make_room(length);
    head_ -= length;
    char* out = buffer_.get() + head_;
    for (; value >= 0x80; value >>= 7) *out++ = static_cast<char>(value | 0x80);
    *out = static_cast<char>(value);
  }

  void put_varint_field(uint8_t key, uint64_t value) {
    put_varint(value);
    put_byte(key);
  }
  void put_bytes_field(uint8_t key, ByteView bytes) {
    put_bytes(bytes);
    put_varint(bytes.size());
    put_byte(key);
  }
  /// Ends the message field whose content began when size() was `mark`.
  void put_header(uint8_t key, size_t mark) {
    put_varint(size() - mark);
    put_byte(key);
  }

  /// Forgets what was written; an unusually large buffer is given back.
  void clear() {
    if (capacity_ > kKeptBytesMax) {
      buffer_.reset();
      capacity_ = 0;
    }
    head_ = capacity_;
  }

  /// What was written, in memory not much larger than it; the writer is clear afterwards.
  OwnedBytes take() {
    const size_t written = size();
    OwnedBytes out;
    if (written < capacity_ / 2) {
      auto copy = std::make_unique_for_overwrite<char[]>(written);
      std::memcpy(copy.get(), buffer_.get() + head_, written);
      out = OwnedBytes(std::move(copy), 0, written);
    } else {
      out = OwnedBytes(std::move(buffer_), head_, written);
      capacity_ = 0;
    }
    clear();
    return out;
  }

 private:
  static constexpr size_t kFirstBytes = 4096;
  static constexpr size_t kKeptBytesMax = 4 << 20;

  void make_room(size_t bytes) {
    if (head_ < bytes) [[unlikely]]
      grow(bytes);
  }

  void grow(size_t bytes) {
    const size_t written = size();
    const size_t larger = std::max({kFirstBytes, capacity_ + capacity_ / 2, written + bytes});
    auto buffer = std::make_unique_for_overwrite<char[]>(larger);
    if (written > 0) {
      std::memcpy(buffer.get() + larger - written, buffer_.get() + head_, written);
    }
    buffer_ = std::move(buffer);
    capacity_ = larger;
    head_ = larger - written;
  }

  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  size_t head_ = 0;  ///< the written bytes are [head_, capacity_)
};

}  // namespace drainer
