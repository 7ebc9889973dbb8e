#include "drainer/base/go_json.h"

#include "drainer/base/utf8.h"

namespace drainer {

namespace {

void append_escape(std::string& out, uint32_t code) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[code >> shift & 15];
}

void append_ascii(std::string& out, char c) {
  switch (c) {
    case '"':
    case '\\':
      out += '\\';
      out += c;
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '<':
    case '>':
    case '&':
      append_escape(out, static_cast<uint8_t>(c));
      return;
    default:
      break;
  }
  if (static_cast<uint8_t>(c) < 0x20) {
    append_escape(out, static_cast<uint8_t>(c));
  } else {
    out += c;
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    if (length == 1) {
      append_ascii(out, text[0]);
    } else if (length == 0) {
      out += "\\ufffd";
    } else if (character == "\u2028" || character == "\u2029") {
      append_escape(out, character == "\u2028" ? 0x2028 : 0x2029);
    } else {
      out += character;
    }
    text.remove_prefix(character.size());
  }
  out += '"';
}

}  // namespace drainer
