#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "drainer/base/bytes.h"

namespace drainer::file {

// Framing of the records in pb files (README.md; spec/kafka-and-file-sinks.md 3.3): magic, length,
// payload, CRC-32C. Pure.

inline constexpr uint32_t kRecordMagic = 0x1c1b0504;
inline constexpr size_t kRecordHeaderBytes = 12;
/// What a record is longer than its payload.
inline constexpr size_t kRecordFrameBytes = kRecordHeaderBytes + 4;

void append_record(Bytes& out, ByteView payload);
/// The part before and the part after the payload, for those who write it from where it lies.
Bytes record_header(ByteView payload);
Bytes record_trailer(ByteView payload);

/// A whole record in a file's content.
struct Record {
  uint64_t offset = 0;
  ByteView payload;

  uint64_t end() const { return offset + payload.size() + kRecordFrameBytes; }
};

/// Bytes that are no whole record where one should begin.
struct Damage {
  uint64_t offset = 0;
  std::string reason;
  ByteView payload;  ///< what is there of it, unchecked; may be empty
};

/// Walks through the records of a file's content, which must outlive it. One thread.
class RecordReader {
 public:
  /// From `begin` on, where a record begins.
  explicit RecordReader(ByteView content, uint64_t begin = 0) : content_(content), offset_(begin) {}

  /// The next record; nothing at the end of the content, and nothing at a damage.
  std::optional<Record> next();
  /// Why next() gave nothing before the end of the content.
  const std::optional<Damage>& damage() const { return damage_; }
  /// After a damage: the next() goes on at the first whole record behind its first byte. False if
  /// there is none.
  bool skip_damage();

 private:
  std::optional<Damage> inspect(uint64_t offset, Record& record) const;

  ByteView content_;
  uint64_t offset_;
  std::optional<Damage> damage_;
};

}  // namespace drainer::file
