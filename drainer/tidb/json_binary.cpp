#include "drainer/tidb/json_binary.h"

#include "drainer/base/base64.h"
#include "drainer/base/utf8.h"
#include "drainer/tidb/codec.h"
#include "drainer/tidb/digits.h"
#include "drainer/tidb/float_text.h"
#include "drainer/tidb/time.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace drainer::tidb {
namespace {

enum class JsonType : uint8_t {
  kObject = 0x01,
  kArray = 0x03,
  kLiteral = 0x04,
  kInt64 = 0x09,
  kUint64 = 0x0a,
  kDouble = 0x0b,
  kString = 0x0c,
  kOpaque = 0x0d,
  kDate = 0x0e,
  kDatetime = 0x0f,
  kTimestamp = 0x10,
  kTime = 0x11,
};

constexpr uint64_t kHeaderBytes = 8;      ///< u32 count, u32 size
constexpr uint64_t kKeyEntryBytes = 6;    ///< u32 offset, u16 length
constexpr uint64_t kValueEntryBytes = 5;  ///< u8 type, u32 offset or literal

constexpr char kHexDigits[] = "0123456789abcdef";

/// Takes no escape: printable ASCII but quote and backslash, and 0x7f. A char may be unsigned.
bool is_plain(char c) {
  return static_cast<signed char>(c) >= ' ' && c != '"' && c != '\\';
}

void append_ascii_escape(std::string& out, char c) {
  out.push_back('\\');
  switch (c) {
    case '"':
    case '\\':
      out.push_back(c);
      return;
    case '\n':
      out.push_back('n');
      return;
    case '\r':
      out.push_back('r');
      return;
    case '\t':
      out.push_back('t');
      return;
    default:
      out.append("u00");
      out.push_back(kHexDigits[static_cast<uint8_t>(c) >> 4]);
      out.push_back(kHexDigits[c & 15]);
  }
}

void append_quoted(std::string& out, ByteView text) {
  out.push_back('"');
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const char* const run = p;
    while (p != end && is_plain(*p)) ++p;
    out.append(run, p);
    if (p == end) break;
    if (static_cast<uint8_t>(*p) < 0x80) {
      append_ascii_escape(out, *p++);
      continue;
    }
    const size_t length = utf8_length({p, end});
    const ByteView rune(p, length);
    if (length == 0) {
      out.append("\\ufffd");
      ++p;
      continue;
    }
    if (rune == "\u2028") {
      out.append("\\u2028");
    } else if (rune == "\u2029") {
      out.append("\\u2029");
    } else {
      out.append(rune);
    }
    p += length;
  }
  out.push_back('"');
}

/// Prints one document; remembers where the first fault was.
class Printer {
 public:
  Printer(std::string& out, ByteView document) : out_(out), begin_(document.data()) {}

  /// The value of this type at `p`; gives the byte after it, null on a fault.
  const char* print(JsonType type, const char* p, const char* end, uint32_t depth) {
    switch (type) {
      case JsonType::kObject:
        return print_container(p, end, depth, /*key_entry_bytes=*/kKeyEntryBytes);
      case JsonType::kArray:
        return print_container(p, end, depth, /*key_entry_bytes=*/0);
      case JsonType::kLiteral:
        return print_literal(p, end);
      case JsonType::kInt64:
      case JsonType::kUint64:
      case JsonType::kDouble:
      case JsonType::kDate:
      case JsonType::kDatetime:
      case JsonType::kTimestamp:
        if (end - p < 8) return fail(p, "number cut off");
        return print_eight_bytes(type, load_le64(p)) ? p + 8 : fail(p, "number is not finite");
      case JsonType::kTime:
        if (end - p < 12) return fail(p, "time cut off");
        out_.push_back('"');
        append_duration(out_, static_cast<int64_t>(load_le64(p)), 6);
        out_.push_back('"');
        return p + 12;
      case JsonType::kString:
      case JsonType::kOpaque:
        return print_bytes(type, p, end);
    }
    return fail(p, "unknown type code");
  }

  Error fault() const {
    return make_error(ErrorCode::kCorrupt, "Invalid JSON bytes: {} at offset {}", reason_,
                      fault_at_ - begin_);
  }

 private:
  const char* fail(const char* p, std::string_view reason) {
    reason_ = reason;
    fault_at_ = p;
    return nullptr;
  }

  const char* print_literal(const char* p, const char* end) {
    if (p == end) return fail(p, "literal cut off");
    switch (*p) {
      case 0:
        out_.append("null");
        return p + 1;
      case 1:
        out_.append("true");
        return p + 1;
      case 2:
        out_.append("false");
        return p + 1;
      default:
        return fail(p, "unknown literal");
    }
  }

  bool print_eight_bytes(JsonType type, uint64_t bits) {
    if (type == JsonType::kInt64) {
      append_integer(out_, static_cast<int64_t>(bits));
    } else if (type == JsonType::kUint64) {
      append_integer(out_, bits);
    } else if (type == JsonType::kDouble) {
      return print_double(std::bit_cast<double>(bits));
    } else {
      out_.push_back('"');
      if (type == JsonType::kDate) {
        append_date(out_, unpack_core_time(bits));
      } else {
        append_datetime(out_, unpack_core_time(bits), 6);
      }
      out_.push_back('"');
    }
    return true;
  }

  /// As encoding/json of Go: positional from 1e-6 to below 1e21. KEEP: 1.0 is printed as 1.
  bool print_double(double value) {
    if (!std::isfinite(value)) return false;
    const ShortestDigits number = shortest_digits(value);
    if (value == 0 || (number.point > -6 && number.point <= 21)) {
      append_positional(out_, number);
    } else {
      append_scientific(out_, number, 1);
    }
    return true;
  }

  const char* print_bytes(JsonType type, const char* p, const char* end) {
    uint8_t opaque_type = 0;
    if (type == JsonType::kOpaque) {
      if (p == end) return fail(p, "opaque value cut off");
      opaque_type = static_cast<uint8_t>(*p++);
    }
    uint64_t size;
    const char* const text = read_uvarint(p, end, size);
    if (text == nullptr || size > static_cast<uint64_t>(end - text)) {
      return fail(p, "string cut off");
    }
    if (type == JsonType::kString) {
      append_quoted(out_, {text, size});
    } else {
      out_.append("\"base64:type");
      append_integer(out_, uint32_t{opaque_type});
      out_.push_back(':');
      append_base64(out_, {text, size});
      out_.push_back('"');
    }
    return text + size;
  }

  /// Keys and values of a well-formed container do not overlap. So what they take together is
  /// limited by its size, which keeps hostile offsets from multiplying the output.
  const char* print_container(const char* p, const char* end, uint32_t depth,
                              uint64_t key_entry_bytes) {
    if (depth >= kJsonDepthMax) return fail(p, "nested too deeply");
    if (end - p < static_cast<ptrdiff_t>(kHeaderBytes)) return fail(p, "container cut off");
    const uint64_t count = load_le32(p);
    const uint64_t size = load_le32(p + 4);
    const uint64_t head = kHeaderBytes + count * (key_entry_bytes + kValueEntryBytes);
    if (size > static_cast<uint64_t>(end - p) || head > size) return fail(p, "container cut off");
    const bool is_object = key_entry_bytes != 0;
    uint64_t left = size - head;
    const char* key_entry = p + kHeaderBytes;
    const char* value_entry = key_entry + count * key_entry_bytes;
    out_.push_back(is_object ? '{' : '[');
    for (uint64_t i = 0; i < count; ++i, value_entry += kValueEntryBytes) {
      if (i != 0) out_.append(", ");
      if (is_object) {
        const uint64_t offset = load_le32(key_entry);
        const uint64_t length = load_le16(key_entry + 4);
        if (offset + length > size || length > left) return fail(key_entry, "key out of bounds");
        left -= length;
        append_quoted(out_, {p + offset, length});
        out_.append(": ");
        key_entry += kKeyEntryBytes;
      }
      const auto type = static_cast<JsonType>(*value_entry);
      if (type == JsonType::kLiteral) {
        if (print_literal(value_entry + 1, value_entry + 2) == nullptr) return nullptr;
        continue;
      }
      const uint64_t offset = load_le32(value_entry + 1);
      if (offset > size) return fail(value_entry, "value out of bounds");
      const char* const after = print(type, p + offset, p + size, depth + 1);
      if (after == nullptr) return nullptr;
      const auto used = static_cast<uint64_t>(after - (p + offset));
      if (used > left) return fail(value_entry, "values overlap");
      left -= used;
    }
    out_.push_back(is_object ? '}' : ']');
    return p + size;
  }

  std::string& out_;
  const char* begin_;
  const char* fault_at_ = nullptr;
  std::string_view reason_;
};

/// Bytes of a string's length and content at the start of `in`, 0 if malformed.
uint64_t counted_size(ByteView in) {
  uint64_t size;
  const char* const text = read_uvarint(in.data(), in.data() + in.size(), size);
  if (text == nullptr || size > UINT32_MAX) return 0;
  return static_cast<uint64_t>(text - in.data()) + size;
}

}  // namespace

uint64_t json_size(ByteView in) {
  if (in.empty()) return 0;
  const ByteView value = in.substr(1);
  uint64_t size = 0;
  switch (static_cast<JsonType>(in[0])) {
    case JsonType::kObject:
    case JsonType::kArray:
      if (value.size() < kHeaderBytes) return 0;
      size = load_le32(value.data() + 4);
      return size < kHeaderBytes ? 0 : 1 + size;
    case JsonType::kLiteral:
      return 2;
    case JsonType::kInt64:
    case JsonType::kUint64:
    case JsonType::kDouble:
    case JsonType::kDate:
    case JsonType::kDatetime:
    case JsonType::kTimestamp:
      return 9;
    case JsonType::kTime:
      return 13;
    case JsonType::kString:
      size = counted_size(value);
      return size == 0 ? 0 : 1 + size;
    case JsonType::kOpaque:
      size = value.empty() ? 0 : counted_size(value.substr(1));
      return size == 0 ? 0 : 2 + size;
  }
  return 0;
}

Result<void> append_json(std::string& out, ByteView document) {
  if (document.empty()) return make_error(ErrorCode::kCorrupt, "Cant peek from empty bytes");
  const size_t size_before = out.size();
  Printer printer(out, document);
  const char* const begin = document.data();
  if (printer.print(static_cast<JsonType>(*begin), begin + 1, begin + document.size(), 0) ==
      nullptr) {
    out.resize(size_before);
    return printer.fault();
  }
  return {};
}

}  // namespace drainer::tidb
