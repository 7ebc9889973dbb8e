#include "drainer/base/percent.h"

#include "drainer/base/parse_number.h"

#include <fmt/format.h>

#include <cstdint>

namespace drainer {
namespace {

// The byte of the escape that `text` begins with.
std::optional<char> decode_escape(std::string_view text) {
  if (text.size() < 3 || text[0] != '%') return std::nullopt;
  const auto byte = parse_whole<uint8_t>(text.substr(1, 2), 16);
  return byte ? std::optional(static_cast<char>(*byte)) : std::nullopt;
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto escaped = decode_escape(text);
    if (!escaped && text[0] == '%') return std::nullopt;
    out += escaped.value_or(text[0]);
    text.remove_prefix(escaped ? 3 : 1);
  }
  return out;
}

std::string percent_decode_leniently(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto escaped = decode_escape(text);
    out += escaped.value_or(text[0]);
    text.remove_prefix(escaped ? 3 : 1);
  }
  return out;
}

void percent_encode(std::string& out, std::string_view text, std::string_view plain) {
  for (const char c : text) {
    if (is_alphanumeric(c) || plain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<uint8_t>(c));
    }
  }
}

}  // namespace drainer
