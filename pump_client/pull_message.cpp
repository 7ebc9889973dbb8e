#include "pump_client/pull_message.h"

#include <algorithm>

namespace drainer {

namespace {

constexpr uint64_t kEntityTag = 1 << 3 | 2;
constexpr uint64_t kPayloadTag = 2 << 3 | 2;

void append_varint(Bytes& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// Walks over the fields of one message within `bytes[begin, end)`.
class Fields {
 public:
  Fields(ByteView bytes, PayloadRange range)
      : bytes_(bytes), at_(range.offset), end_(range.offset + range.length) {}

  // The range of the last field with `tag` (length-delimited); empty when there is none.
  Result<PayloadRange> find(uint64_t tag) {
    PayloadRange found{at_, 0};
    while (at_ < end_) {
      ASSIGN_OR_RETURN(const uint64_t seen, varint());
      ASSIGN_OR_RETURN(const PayloadRange value, skip(seen & 7));
      if (seen == tag) found = value;
    }
    return found;
  }

 private:
  Result<uint64_t> varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && at_ < end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return make_error(ErrorCode::kCorrupt, "PullBinlogResp is cut or damaged at offset {}", at_);
  }

  Result<PayloadRange> skip(uint64_t wire_type) {
    uint64_t length = 0;
    if (wire_type == 0) {
      TRY(varint());
      return PayloadRange{at_, 0};
    }
    if (wire_type == 1) {
      length = 8;
    } else if (wire_type == 2) {
      ASSIGN_OR_RETURN(length, varint());
    } else if (wire_type == 5) {
      length = 4;
    } else {
      return make_error(ErrorCode::kCorrupt, "PullBinlogResp has wire type {} at offset {}",
                        wire_type, at_);
    }
    if (length > end_ - at_) {
      return make_error(ErrorCode::kCorrupt, "PullBinlogResp has {} bytes at offset {}, wants {}",
                        end_ - at_, at_, length);
    }
    const PayloadRange range{at_, static_cast<size_t>(length)};
    at_ += range.length;
    return range;
  }

  ByteView bytes_;
  size_t at_;
  size_t end_;
};

}  // namespace

Bytes encode_pull_request(uint64_t cluster_id, CommitTs after) {
  Bytes position;
  position.push_back(2 << 3);
  append_varint(position, static_cast<uint64_t>(std::max<int64_t>(after.value, 0)));
  Bytes out;
  out.push_back(1 << 3);
  append_varint(out, cluster_id);
  out.push_back(2 << 3 | 2);
  append_varint(out, position.size());
  out += position;
  return out;
}

Result<PayloadRange> find_payload(ByteView message) {
  ASSIGN_OR_RETURN(const PayloadRange entity,
                   Fields(message, {0, message.size()}).find(kEntityTag));
  return Fields(message, entity).find(kPayloadTag);
}

}  // namespace drainer
