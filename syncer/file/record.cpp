#include "syncer/file/record.h"

#include <fmt/format.h>

#include "drainer/base/crc32c.h"

namespace drainer::file {

namespace {

void append_le(Bytes& out, uint64_t value, size_t bytes) {
  out.append(reinterpret_cast<const char*>(&value), bytes);
}

constexpr std::string_view kMagicBytes("\x04\x05\x1b\x1c", 4);

}  // namespace

Bytes record_header(ByteView payload) {
  Bytes out;
  append_le(out, kRecordMagic, 4);
  append_le(out, payload.size(), 8);
  return out;
}

Bytes record_trailer(ByteView payload) {
  Bytes out;
  append_le(out, crc32c(payload), 4);
  return out;
}

void append_record(Bytes& out, ByteView payload) {
  append_le(out, kRecordMagic, 4);
  append_le(out, payload.size(), 8);
  out.append(payload);
  append_le(out, crc32c(payload), 4);
}

std::optional<Damage> RecordReader::inspect(uint64_t offset, Record& record) const {
  const ByteView rest = content_.substr(offset);
  if (rest.size() < kRecordHeaderBytes) {
    return Damage{offset, fmt::format("{} bytes are too few for a record", rest.size()), {}};
  }
  if (const uint32_t magic = load_le32(rest.data()); magic != kRecordMagic) {
    return Damage{offset, fmt::format("magic mismatch: {:#010x}", magic), {}};
  }
  const uint64_t length = load_le64(rest.data() + 4);
  const ByteView body = rest.substr(kRecordHeaderBytes);
  if (body.size() < 4 || length > body.size() - 4) {
    return Damage{
        offset, fmt::format("record with a payload of {} bytes ends after {}", length, rest.size()),
        body};
  }
  record = Record{offset, body.substr(0, length)};
  const uint32_t stored = load_le32(body.data() + length);
  if (const uint32_t computed = crc32c(record.payload); computed != stored) {
    return Damage{offset,
                  fmt::format("crc mismatch: stored {:08x}, computed {:08x}", stored, computed),
                  record.payload};
  }
  return std::nullopt;
}

std::optional<Record> RecordReader::next() {
  if (damage_ || offset_ >= content_.size()) return std::nullopt;
  Record record;
  damage_ = inspect(offset_, record);
  if (damage_) return std::nullopt;
  offset_ = record.end();
  return record;
}

bool RecordReader::skip_damage() {
  if (!damage_) return false;
  size_t candidate = damage_->offset + 1;
  while ((candidate = content_.find(kMagicBytes, candidate)) != ByteView::npos) {
    Record record;
    if (!inspect(candidate, record)) {
      damage_.reset();
      offset_ = candidate;
      return true;
    }
    ++candidate;
  }
  return false;
}

}  // namespace drainer::file
