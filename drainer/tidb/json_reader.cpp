#include "drainer/tidb/json_reader.h"

#include "drainer/base/base64.h"
#include "drainer/base/parse_number.h"

#include <array>
#include <bitset>

namespace drainer::tidb {

namespace {

// Go stops at 10,000; TiDB's documents nest about ten levels.
constexpr uint32_t kDepthMax = 512;

// What ends a run of bytes that skip() need not look at, and a string's run of plain ones.
struct ByteSet {
  std::array<bool, 256> has{};
  constexpr explicit ByteSet(std::string_view bytes) {
    for (const char c : bytes) has[static_cast<unsigned char>(c)] = true;
  }
  // The next byte of the set, or the end.
  size_t find(std::string_view text, size_t at) const {
    while (at < text.size() && !has[static_cast<unsigned char>(text[at])]) ++at;
    return at;
  }
};
constexpr ByteSet kStructure("{}[]\"");
constexpr ByteSet kStringEnd("\"\\");

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The code unit of "XXXX" at `at`, or -1.
int32_t hex_unit(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return -1;
  int32_t unit = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const int digit = hex_value(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

void append_utf8(std::string& out, uint32_t rune) {
  const auto byte = [&](uint32_t bits) { out.push_back(static_cast<char>(bits)); };
  if (rune < 0x80) return byte(rune);
  if (rune < 0x800) {
    byte(0xC0 | rune >> 6);
  } else {
    if (rune < 0x10000) {
      byte(0xE0 | rune >> 12);
    } else {
      byte(0xF0 | rune >> 18);
      byte(0x80 | (rune >> 12 & 0x3F));
    }
    byte(0x80 | (rune >> 6 & 0x3F));
  }
  byte(0x80 | (rune & 0x3F));
}

}  // namespace

void JsonReader::fail(std::string_view problem) {
  if (!error_) error_ = make_error(ErrorCode::kCorrupt, "{}: {} at byte {}", what_, problem, at_);
  at_ = text_.size();
}

Result<void> JsonReader::finish() {
  skip_blanks();
  if (!error_ && at_ != text_.size()) fail("text behind the document");
  if (error_) return *error_;
  return {};
}

void JsonReader::skip_blanks() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
    ++at_;
  }
}

char JsonReader::peek() {
  skip_blanks();
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonReader::read_word(std::string_view word) {
  peek();
  if (text_.substr(at_, word.size()) != word) return false;
  at_ += word.size();
  return true;
}

bool JsonReader::read_null() {
  return read_word("null");
}

bool JsonReader::enter(char bracket) {
  if (read_null()) return false;
  if (peek() != bracket) {
    fail(bracket == '{' ? "an object is expected" : "an array is expected");
    return false;
  }
  if (++depth_ > kDepthMax) {
    fail("too many levels");
    return false;
  }
  ++at_;
  return true;
}

void JsonReader::leave() {
  --depth_;
}

bool JsonReader::next_member(bool is_first, std::string_view& key, std::string& unescaped) {
  char c = peek();
  if (c == '}') {
    ++at_;
    return false;
  }
  if (!is_first) {
    if (c != ',') return fail("',' or '}' is expected"), false;
    ++at_;
    c = peek();
  }
  if (c != '"') return fail("a key is expected"), false;
  bool has_escapes = false;
  key = scan_string(has_escapes);
  if (has_escapes) {
    unescaped.clear();
    unescape(key, unescaped);
    key = unescaped;
  }
  if (peek() != ':') return fail("':' is expected"), false;
  ++at_;
  return !error_;
}

bool JsonReader::next_element(bool is_first) {
  const char c = peek();
  if (c == ']') {
    ++at_;
    return false;
  }
  if (!is_first) {
    if (c != ',') return fail("',' or ']' is expected"), false;
    ++at_;
    if (peek() == ']') return fail("a value is expected"), false;
  }
  if (at_ == text_.size()) fail("a value is expected");
  return !error_;
}

std::string_view JsonReader::scan_number() {
  peek();
  const size_t begin = at_;
  while (at_ < text_.size() && (hex_value(text_[at_]) >= 0 || text_[at_] == '-' ||
                                text_[at_] == '+' || text_[at_] == '.')) {
    ++at_;
  }
  return text_.substr(begin, at_ - begin);
}

int64_t JsonReader::read_int64() {
  if (read_null()) return 0;
  const auto value = parse_whole<int64_t>(scan_number());
  if (!value) fail("an integer is expected");
  return value.value_or(0);
}

uint64_t JsonReader::read_uint64() {
  if (read_null()) return 0;
  const auto value = parse_whole<uint64_t>(scan_number());
  if (!value) fail("a positive integer is expected");
  return value.value_or(0);
}

double JsonReader::read_double() {
  if (read_null()) return 0;
  const auto value = parse_whole<double>(scan_number());
  if (!value) fail("a number is expected");
  return value.value_or(0);
}

bool JsonReader::read_bool() {
  if (read_word("true")) return true;
  if (!read_word("false") && !read_null()) fail("a boolean is expected");
  return false;
}

std::string_view JsonReader::scan_string(bool& has_escapes) {
  if (peek() != '"') {
    fail("a string is expected");
    return {};
  }
  const size_t begin = ++at_;
  while (true) {
    at_ = kStringEnd.find(text_, at_);
    if (at_ >= text_.size()) break;
    if (text_[at_] == '"') return text_.substr(begin, at_++ - begin);
    has_escapes = true;
    at_ += 2;
  }
  at_ = begin - 1;
  fail("a string does not end");
  return {};
}

void JsonReader::unescape(std::string_view escaped, std::string& out) {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  for (size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '\\') {
      out.push_back(escaped[i]);
      continue;
    }
    const char letter = escaped[++i];  // scan_string() has seen a byte behind each backslash
    if (letter != 'u') {
      const size_t index = kLetters.find(letter);
      if (index == std::string_view::npos) return fail("an unknown escape in a string");
      out.push_back(kMeanings[index]);
      continue;
    }
    const int32_t unit = hex_unit(escaped, i + 1);
    if (unit < 0) return fail("a bad \\u escape in a string");
    i += 4;
    auto rune = static_cast<uint32_t>(unit);
    if ((unit & 0xF800) == 0xD800) {
      // Go: a half of a surrogate pair becomes U+FFFD.
      rune = 0xFFFD;
      const bool has_second = unit < 0xDC00 && escaped.substr(i + 1).starts_with("\\u");
      const int32_t second = has_second ? hex_unit(escaped, i + 3) : -1;
      if (second >= 0xDC00 && second < 0xE000) {
        rune = 0x10000U + ((static_cast<uint32_t>(unit) & 0x3FFU) << 10) +
               (static_cast<uint32_t>(second) & 0x3FFU);
        i += 6;
      }
    }
    append_utf8(out, rune);
  }
}

std::string JsonReader::read_string() {
  if (read_null()) return {};
  bool has_escapes = false;
  const std::string_view escaped = scan_string(has_escapes);
  if (!has_escapes) return std::string(escaped);
  std::string out;
  out.reserve(escaped.size());
  unescape(escaped, out);
  return out;
}

std::string JsonReader::read_ci_string() {
  if (peek() == '"') return read_string();
  std::string original;
  read_object([&](std::string_view key) {
    if (key == "O") {
      original = read_string();
    } else {
      skip();
    }
  });
  return original;
}

std::optional<Bytes> JsonReader::read_base64() {
  if (read_null()) return std::nullopt;
  Bytes out;
  if (decode_base64(read_string(), out)) fail("base64 is expected");
  return out;
}

void JsonReader::skip() {
  std::bitset<kDepthMax> is_object;
  size_t depth = 0;
  // Within containers only brackets and strings matter: what stands between them is not looked at.
  do {
    const char c = peek();
    bool has_escapes = false;
    if (c == '{' || c == '[') {
      if (depth_ + depth >= kDepthMax) return fail("too many levels");
      is_object[depth++] = c == '{';
      ++at_;
    } else if (c == '}' || c == ']') {
      if (depth == 0 || is_object[--depth] != (c == '}')) return fail("a stray bracket");
      ++at_;
    } else if (c == '"') {
      scan_string(has_escapes);
    } else if (depth == 0) {
      const bool is_word = read_word("null") || read_word("true") || read_word("false");
      if (!is_word && scan_number().empty()) return fail("a value is expected");
    } else {
      at_ = kStructure.find(text_, at_);
      if (at_ == text_.size()) return fail("the document ends too early");
    }
  } while (depth > 0);
}

ByteView JsonReader::read_raw() {
  if (read_null()) return {};
  peek();
  const size_t begin = at_;
  skip();
  return error_ ? ByteView() : text_.substr(begin, at_ - begin);
}

}  // namespace drainer::tidb
