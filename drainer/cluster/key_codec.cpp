#include "drainer/cluster/key_codec.h"

#include <algorithm>

namespace drainer::cluster {

namespace {

constexpr size_t kGroupBytes = 8;
constexpr uint8_t kFullGroup = 0xff;

}  // namespace

void append_memcomparable(Bytes& out, ByteView raw) {
  // A length that is a multiple of 8 gets one more group, of pads only.
  for (size_t at = 0; at <= raw.size(); at += kGroupBytes) {
    const ByteView group = raw.substr(at, kGroupBytes);
    const size_t pads = kGroupBytes - group.size();
    out.append(group);
    out.append(pads, '\0');
    out.push_back(static_cast<char>(kFullGroup - pads));
  }
}

Result<Bytes> decode_memcomparable(ByteView encoded) {
  Bytes raw;
  for (ByteView rest = encoded; rest.size() > kGroupBytes; rest.remove_prefix(kGroupBytes + 1)) {
    const ByteView group = rest.substr(0, kGroupBytes);
    const auto pads = static_cast<size_t>(kFullGroup - static_cast<uint8_t>(rest[kGroupBytes]));
    if (pads == 0) {
      raw.append(group);
      continue;
    }
    const bool is_last = rest.size() == kGroupBytes + 1;
    if (pads > kGroupBytes || !is_last) break;
    const ByteView padding = group.substr(kGroupBytes - pads);
    if (std::any_of(padding.begin(), padding.end(), [](char c) { return c != '\0'; })) break;
    raw.append(group.substr(0, kGroupBytes - pads));
    return raw;
  }
  return make_error(ErrorCode::kCorrupt, "key {} is not memcomparable", to_hex(encoded));
}

Bytes meta_key(ByteView key, MetaFlag flag) {
  Bytes out = "m";
  append_memcomparable(out, key);
  append_be64(out, static_cast<uint64_t>(flag));
  return out;
}

Bytes prefix_end(Bytes prefix) {
  CHECK(!prefix.empty() && static_cast<uint8_t>(prefix.back()) < 0xff, "prefix {}", to_hex(prefix));
  ++prefix.back();
  return prefix;
}

Bytes hash_field_key(ByteView key, ByteView field) {
  Bytes out = meta_key(key, MetaFlag::kHash);
  append_memcomparable(out, field);
  return out;
}

Result<Bytes> parse_hash_field(ByteView prefix, ByteView full_key) {
  if (!full_key.starts_with(prefix)) {
    return make_error(ErrorCode::kCorrupt, "key {} does not start with {}", to_hex(full_key),
                      to_hex(prefix));
  }
  return decode_memcomparable(full_key.substr(prefix.size()));
}

}  // namespace drainer::cluster
