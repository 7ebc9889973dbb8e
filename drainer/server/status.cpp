#include "drainer/server/status.h"

#include <fmt/format.h>

namespace drainer::server {

namespace {

constexpr int kOk = 200;
constexpr int kOtherError = 3;

// Length of the well-formed UTF-8 sequence at the start of `text`, or 0.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t length = byte(0) < 0x80                       ? 1
                        : byte(0) >= 0xc2 && byte(0) <= 0xdf ? 2
                        : (byte(0) & 0xf0) == 0xe0           ? 3
                        : byte(0) >= 0xf0 && byte(0) <= 0xf4 ? 4
                                                             : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool wrong = (byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xed && byte(1) > 0x9f) ||
                     (byte(0) == 0xf0 && byte(1) < 0x90) || (byte(0) == 0xf4 && byte(1) > 0x8f);
  return wrong ? 0 : length;
}

// A string as Go's encoding/json writes it: safe inside of HTML too.
std::string quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const char c = text[0];
    const auto byte = static_cast<unsigned char>(c);
    const size_t length = utf8_length(text);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
      out += fmt::format("\\u{:04x}", byte);
    } else if (length == 0) {
      out += "\\ufffd";
    } else if (text.starts_with("\u2028") || text.starts_with("\u2029")) {
      out += text.starts_with("\u2028") ? "\\u2028" : "\\u2029";
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out + '"';
}

std::string document(std::string_view message, int code, std::string_view data) {
  return fmt::format("{{\n  \"message\": {},\n  \"code\": {},\n  \"data\": {}\n}}\n",
                     quote(message), code, data);
}

}  // namespace

std::string status_document(const Status& status) {
  std::string positions = "null";
  if (status.pump_positions) {
    positions = "{";
    for (const auto& [pump, ts] : *status.pump_positions) {
      if (positions.size() > 1) positions += ',';
      positions += fmt::format("{}:{}", quote(pump), ts);
    }
    positions += '}';
  }
  // KEEP: the original's TsMap is never filled.
  std::string more;
  if (const auto& gc = status.gc_safe_point) {
    more = fmt::format(",\"GCSafePoint\":{{\"Held\":{},\"TS\":{},\"MinTS\":{},\"SecondsLeft\":{}}}",
                       gc->is_held, gc->wanted, gc->minimum, gc->seconds_left);
  }
  return fmt::format("{{\"PumpPos\":{},\"Synced\":{},\"LastTS\":{},\"TsMap\":\"\"{}}}\n", positions,
                     status.synced, status.last_ts, more);
}

std::string commit_ts_document(CommitTs checkpoint_ts) {
  return document("get drainer's latest ts success!", kOk,
                  fmt::format("{{\n    \"ts\": {}\n  }}", checkpoint_ts));
}

std::string action_document(std::string_view message, bool accepted) {
  return document(message, accepted ? kOk : kOtherError, "null");
}

}  // namespace drainer::server
