#include "syncer/kafka/json_text.h"

namespace drainer::kafka {

namespace {

constexpr std::string_view kHex = "0123456789abcdef";

// Length of the UTF-8 sequence at the start of `text`; 0 if there is none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto is_tail = [&](size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return is_tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!is_tail(1) || !is_tail(2)) return 0;
    const bool is_overlong = first == 0xe0 && byte(1) < 0xa0;
    const bool is_surrogate = first == 0xed && byte(1) > 0x9f;
    return is_overlong || is_surrogate ? 0 : 3;
  }
  if (first < 0xf0 || first > 0xf4 || !is_tail(1) || !is_tail(2) || !is_tail(3)) return 0;
  const bool is_overlong = first == 0xf0 && byte(1) < 0x90;
  const bool is_beyond = first == 0xf4 && byte(1) > 0x8f;
  return is_overlong || is_beyond ? 0 : 4;
}

void append_escape(std::string& out, uint32_t code) {
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
    } else if (character == "\xe2\x80\xa8" || character == "\xe2\x80\xa9") {
      append_escape(out, character[2] == '\xa8' ? 0x2028 : 0x2029);
    } else {
      out += character;
    }
    text.remove_prefix(character.size());
  }
  out += '"';
}

void append_json_latin1(std::string& out, ByteView bytes) {
  out += '"';
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      append_ascii(out, c);
    } else {
      out += static_cast<char>(0xc0 | byte >> 6);
      out += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  out += '"';
}

void append_json_base64(std::string& out, ByteView bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out += '"';
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      out += i + k > bytes.size() ? '=' : kDigits[group >> (18 - 6 * k) & 63];
    }
  }
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
