#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string_view>

#include "drainer/base/check.h"

namespace drainer::rpc {

// What the client's and the server's side do alike with nghttp2. Only for those two files: the
// library stays behind them.

/// nghttp2 fails where this is used only for lack of memory or by a wrong use of it.
inline void check_call(std::string_view what, int64_t result) {
  CHECK(result >= 0, "{}: {}", what, nghttp2_strerror(static_cast<int>(result)));
}

/// Borrows both, until the header is submitted: nghttp2 copies them and writes to neither.
inline nghttp2_nv to_nv(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  return {.name = bytes(name),
          .value = bytes(value),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NONE};
}

inline std::string_view to_view(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace drainer::rpc
