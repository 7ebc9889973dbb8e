#include "tests/upstream/memcomparable.h"

#include <algorithm>

namespace drainer::upstream {

namespace {

constexpr size_t kGroup = 8;

}  // namespace

void append_memcomparable(Bytes& out, ByteView raw) {
  for (size_t at = 0;; at += kGroup) {
    const ByteView group = raw.substr(at, kGroup);
    const size_t pad = kGroup - group.size();
    out.append(group);
    out.append(pad, '\0');
    out.push_back(static_cast<char>(0xff - pad));
    if (pad > 0) return;
  }
}

Bytes memcomparable(ByteView raw) {
  Bytes out;
  append_memcomparable(out, raw);
  return out;
}

Result<Bytes> take_memcomparable(ByteView& rest) {
  Bytes out;
  while (true) {
    if (rest.size() < kGroup + 1) return make_error(ErrorCode::kCorrupt, "encoded key is cut off");
    const size_t pad = 0xffu - static_cast<uint8_t>(rest[kGroup]);
    const ByteView group = rest.substr(0, kGroup);
    if (pad > kGroup || group.substr(kGroup - pad).find_first_not_of('\0') != ByteView::npos) {
      return make_error(ErrorCode::kCorrupt, "encoded key has a bad group");
    }
    out.append(group.substr(0, kGroup - pad));
    rest.remove_prefix(kGroup + 1);
    if (pad > 0) return out;
  }
}

}  // namespace drainer::upstream
