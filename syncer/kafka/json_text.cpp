#include "syncer/kafka/json_text.h"

#include <charconv>

#include "drainer/base/base64.h"

namespace drainer::kafka {

void append_json_latin1(std::string& out, ByteView bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xc0 | byte >> 6);
      text += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  append_json_string(out, text);
}

void append_json_base64(std::string& out, ByteView bytes) {
  out += '"';
  append_base64(out, bytes);
  out += '"';
}

void append_plain_double(std::string& out, double value, bool is_single) {
  char digits[400];
  char* const end = digits + sizeof digits;
  const auto written =
      is_single ? std::to_chars(digits, end, static_cast<float>(value), std::chars_format::fixed)
                : std::to_chars(digits, end, value, std::chars_format::fixed);
  out.append(digits, written.ptr);
}

}  // namespace drainer::kafka
