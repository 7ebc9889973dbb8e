// Printing any bytes as JSON: stays in bounds, in time, and gives valid UTF-8 with balanced quotes.

#include "drainer/base/check.h"
#include "drainer/tidb/json_binary.h"

#include <cstdint>
#include <string>

using namespace drainer;
using namespace drainer::tidb;

namespace {

/// Strings closed, containers balanced, no control characters.
bool is_balanced(const std::string& text) {
  bool is_in_string = false;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) < 0x20) return false;
    if (is_in_string) {
      if (c == '\\') ++i;
      if (c == '"') is_in_string = false;
    } else if (c == '"') {
      is_in_string = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return !is_in_string && depth == 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteView bytes(reinterpret_cast<const char*>(data), size);
  std::string text;
  const auto printed = append_json(text, bytes);
  if (!printed.ok()) {
    CHECK(text.empty(), "text left by a failure");
    return 0;
  }
  const uint64_t head_size = json_size(bytes);
  CHECK(head_size != 0 && head_size <= size, "printed {} of {} bytes", head_size, size);
  CHECK(!text.empty() && is_balanced(text), "not JSON: {}", text);
  std::string alone;
  CHECK(append_json(alone, bytes.substr(0, head_size)).ok() && alone == text,
        "text depends on what follows");
  return 0;
}
