#include "syncer/mysql/session/literal.h"

#include <array>

#include "drainer/tidb/digits.h"
#include "drainer/tidb/value_text.h"

namespace drainer::mysql {
namespace {

using tidb::Value;
using tidb::ValueKind;

/// For each byte the letter that follows the backslash, or 0 when it goes out as it is.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> escapes{};
  escapes[0x00] = '0';
  escapes[0x0a] = 'n';
  escapes[0x0d] = 'r';
  escapes[0x1a] = 'Z';
  escapes[static_cast<unsigned char>('\'')] = '\'';
  escapes[static_cast<unsigned char>('"')] = '"';
  escapes[static_cast<unsigned char>('\\')] = '\\';
  return escapes;
}
constexpr std::array<char, 256> kEscapes = make_escapes();

char escape_of(char c, QuoteStyle style) {
  if (style.no_backslash_escapes) return c == '\'' ? '\'' : '\0';
  return kEscapes[static_cast<unsigned char>(c)];
}

/// Escapes out[from, end) in place, growing `out` once.
void escape_tail(std::string& out, size_t from, QuoteStyle style) {
  size_t extra = 0;
  for (size_t i = from; i < out.size(); ++i) extra += escape_of(out[i], style) != '\0';
  if (extra == 0) return;
  size_t read = out.size();
  out.resize(out.size() + extra);
  size_t write = out.size();
  while (read != write) {
    const char c = out[--read];
    const char escape = escape_of(c, style);
    if (escape == '\0') {
      out[--write] = c;
      continue;
    }
    out[--write] = escape;
    out[--write] = style.no_backslash_escapes ? '\'' : '\\';
  }
}

Result<void> append_quoted_text(std::string& out, const Value& value, QuoteStyle style) {
  out.push_back('\'');
  const size_t from = out.size();
  TRY(tidb::append_text(out, value));
  escape_tail(out, from, style);
  out.push_back('\'');
  return {};
}

}  // namespace

void append_identifier(std::string& out, std::string_view name) {
  out.push_back('`');
  for (const char c : name) {
    if (c == '`') out.push_back('`');
    out.push_back(c);
  }
  out.push_back('`');
}

void append_table_name(std::string& out, std::string_view schema, std::string_view table) {
  append_identifier(out, schema);
  out.push_back('.');
  append_identifier(out, table);
}

void append_quoted(std::string& out, ByteView bytes, QuoteStyle style) {
  out.push_back('\'');
  const size_t from = out.size();
  out.append(bytes);
  escape_tail(out, from, style);
  out.push_back('\'');
}

void append_variable_value(std::string& out, std::string_view value, QuoteStyle style) {
  const bool is_number = !value.empty() && value.find_first_not_of("0123456789") == value.npos;
  if (is_number) {
    out += value;
  } else {
    append_quoted(out, value, style);
  }
}

Result<void> append_literal(std::string& out, const Value& value, QuoteStyle style,
                            bool is_binary_column) {
  switch (value.kind) {
    case ValueKind::kAbsent:
    case ValueKind::kTimestampUtc:
      CHECK(false, "value of kind {} reached the output", static_cast<int>(value.kind));
      return {};
    case ValueKind::kNull:
      out += "NULL";
      return {};
    case ValueKind::kInt:
      tidb::append_integer(out, value.i);
      return {};
    case ValueKind::kUint:
    case ValueKind::kEnum:
    case ValueKind::kSet:
    case ValueKind::kBit:
      tidb::append_integer(out, value.u);
      return {};
    case ValueKind::kFloat:
    case ValueKind::kDouble:
      tidb::append_double(out, value.d);
      return {};
    case ValueKind::kDecimal:
    case ValueKind::kDate:
    case ValueKind::kDatetime:
    case ValueKind::kDuration:
    case ValueKind::kJson:
      return append_quoted_text(out, value, style);
    case ValueKind::kBinary:
      out += "_binary";
      append_quoted(out, value.bytes(), style);
      return {};
    case ValueKind::kString:
      append_quoted(out, value.bytes(), style);
      return {};
    case ValueKind::kText:
      if (is_binary_column) out += "_binary";
      append_quoted(out, value.bytes(), style);
      return {};
  }
  return {};
}

}  // namespace drainer::mysql
