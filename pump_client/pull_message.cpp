#include "pump_client/pull_message.h"

#include <algorithm>

#include "drainer/base/wire_reader.h"

namespace drainer {

namespace {

constexpr uint32_t kEntityField = 1;
constexpr uint32_t kPayloadField = 2;

void append_varint(Bytes& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// The last field of that number; of no length when there is none.
Result<ByteView> find_bytes(ByteView message, uint32_t number, const char* origin) {
  ByteView found = message.substr(0, 0);
  FieldReader fields(message, origin);
  for (fields.next(); fields.field() != 0; fields.next()) {
    if (fields.field() == number && fields.wire_type() == WireType::kLengthDelimited) {
      found = fields.take_bytes();
    } else {
      fields.skip();
    }
  }
  if (!fields.ok()) return fields.fault().because("PullBinlogResp");
  return found;
}

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
  const char* const begin = message.data();
  ASSIGN_OR_RETURN(const ByteView entity, find_bytes(message, kEntityField, begin));
  ASSIGN_OR_RETURN(const ByteView payload, find_bytes(entity, kPayloadField, begin));
  return PayloadRange{static_cast<size_t>(payload.data() - begin), payload.size()};
}

}  // namespace drainer
