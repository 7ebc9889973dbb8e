#include "conf/go_text.h"

#include <cctype>
#include <cstring>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "drainer/base/parse_number.h"
#include "drainer/base/utf8.h"

namespace drainer::conf {

namespace {

char short_escape(char c) {
  switch (c) {
    case '\a':
      return 'a';
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\v':
      return 'v';
    case '\\':
      return '\\';
    case '"':
      return '"';
    default:
      return 0;
  }
}

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'z') return lower - 'a' + 10;
  return 36;
}

// Takes "0x", "0o", "0b" or the octal "0" off `digits`; the base.
int take_base(std::string_view& digits) {
  if (digits.size() < 2 || digits[0] != '0') return 10;
  const char mark = static_cast<char>(digits[1] | 0x20);
  const int base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  digits.remove_prefix(base == 0 ? 1 : 2);
  return base == 0 ? 8 : base;
}

Error parse_error() {
  return Error(ErrorCode::kInvalid, "parse error");
}

struct Unit {
  std::string_view name;
  uint64_t nanoseconds;
};
constexpr Unit kUnits[] = {
    {"ns", 1},       {"us", 1000},      {"µs", 1000},       {"μs", 1000},
    {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000},
};

// 2^63: one more than a positive duration can hold, just enough for the smallest negative one.
constexpr uint64_t kDurationLimit = uint64_t{1} << 63;

// Reads decimal digits off `text`. Nothing when they exceed the limit.
std::optional<uint64_t> take_digits(std::string_view& text) {
  uint64_t value = 0;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    if (value > kDurationLimit / 10) return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(text[0] - '0');
    if (value > kDurationLimit) return std::nullopt;
    text.remove_prefix(1);
  }
  return value;
}

// Reads the digits behind the point; those beyond the precision of 64 bits are dropped.
std::pair<uint64_t, double> take_fraction(std::string_view& text) {
  uint64_t value = 0;
  double scale = 1;
  bool full = false;
  for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1)) {
    full = full || value > (kDurationLimit - 10) / 10;
    if (full) continue;
    value = value * 10 + static_cast<uint64_t>(text[0] - '0');
    scale *= 10;
  }
  return {value, scale};
}

Error invalid_duration(std::string_view text) {
  return make_error(ErrorCode::kInvalid, "time: invalid duration {}", go_quote(text));
}

// One "1.5h" off `rest`, in nanoseconds.
Result<uint64_t> take_component(std::string_view& rest, std::string_view whole) {
  if (rest[0] != '.' && (rest[0] < '0' || rest[0] > '9')) return invalid_duration(whole);
  const size_t before_integer = rest.size();
  const std::optional<uint64_t> integer = take_digits(rest);
  if (!integer) return invalid_duration(whole);
  bool has_digits = rest.size() != before_integer;
  std::pair<uint64_t, double> fraction{0, 1};
  if (!rest.empty() && rest[0] == '.') {
    rest.remove_prefix(1);
    const size_t before_fraction = rest.size();
    fraction = take_fraction(rest);
    has_digits = has_digits || rest.size() != before_fraction;
  }
  if (!has_digits) return invalid_duration(whole);

  size_t unit_length = 0;
  while (unit_length < rest.size() && rest[unit_length] != '.' &&
         (rest[unit_length] < '0' || rest[unit_length] > '9')) {
    ++unit_length;
  }
  const std::string_view name = rest.substr(0, unit_length);
  if (name.empty()) {
    return make_error(ErrorCode::kInvalid, "time: missing unit in duration {}", go_quote(whole));
  }
  rest.remove_prefix(unit_length);
  for (const Unit& unit : kUnits) {
    if (unit.name != name) continue;
    if (*integer > kDurationLimit / unit.nanoseconds) return invalid_duration(whole);
    uint64_t value = *integer * unit.nanoseconds;
    value += static_cast<uint64_t>(static_cast<double>(fraction.first) *
                                   (static_cast<double>(unit.nanoseconds) / fraction.second));
    if (value > kDurationLimit) return invalid_duration(whole);
    return value;
  }
  return make_error(ErrorCode::kInvalid, "time: unknown unit {} in duration {}", go_quote(name),
                    go_quote(whole));
}

// "1.5" out of 1500000000 with 9 digits behind the point, without trailing zeros.
std::string decimal(uint64_t value, uint64_t scale) {
  std::string out = std::to_string(value / scale);
  std::string fraction;
  for (uint64_t rest = value % scale, unit = scale / 10; rest != 0; unit /= 10) {
    fraction += static_cast<char>('0' + rest / unit);
    rest %= unit;
  }
  return fraction.empty() ? out : out + "." + fraction;
}

}  // namespace

std::string go_quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const char c = text[0];
    const auto byte = static_cast<unsigned char>(c);
    const size_t length = utf8_length(text);
    if (const char escape = short_escape(c); escape != 0) {
      out += '\\';
      out += escape;
    } else if (length == 0 || byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out + "\"";
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  for (size_t end = 0; end != std::string_view::npos; text.remove_prefix(end + 1)) {
    end = text.find(separator);
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
  }
  return out;
}

Result<int64_t> parse_go_integer(std::string_view text) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty()) return parse_error();
  const bool prefixed = digits.size() > 1 && digits[0] == '0';
  const auto base = static_cast<uint64_t>(take_base(digits));
  if (digits.empty()) return parse_error();

  const uint64_t limit = negative ? uint64_t{1} << 63 : (uint64_t{1} << 63) - 1;
  uint64_t value = 0;
  bool too_large = false;
  // An underscore stands only between digits, or between the base prefix and a digit.
  bool after_digit = prefixed;
  for (const char c : digits) {
    if (c == '_') {
      if (!after_digit) return parse_error();
      after_digit = false;
      continue;
    }
    const auto digit = static_cast<uint64_t>(digit_value(c));
    if (digit >= base) return parse_error();
    after_digit = true;
    too_large = too_large || value > (limit - digit) / base;
    if (!too_large) value = value * base + digit;
  }
  if (!after_digit) return parse_error();
  if (too_large) return Error(ErrorCode::kInvalid, "value out of range");
  return static_cast<int64_t>(negative ? ~value + 1 : value);
}

Result<bool> parse_go_boolean(std::string_view text) {
  for (const std::string_view word : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == word) return true;
  }
  for (const std::string_view word : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == word) return false;
  }
  return parse_error();
}

Result<std::chrono::nanoseconds> parse_go_duration(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds(0);
  if (rest.empty()) return invalid_duration(text);
  uint64_t total = 0;
  while (!rest.empty()) {
    ASSIGN_OR_RETURN(const uint64_t part, take_component(rest, text));
    if (part > kDurationLimit - total) return invalid_duration(text);
    total += part;
  }
  if (!negative && total == kDurationLimit) return invalid_duration(text);
  return std::chrono::nanoseconds(static_cast<int64_t>(negative ? ~total + 1 : total));
}

Result<std::chrono::nanoseconds> parse_day_duration(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return parse_go_duration(text);
  }
  constexpr std::chrono::nanoseconds kDay = std::chrono::hours(24);
  const auto days = parse_whole<int64_t>(text);
  if (!days || *days > std::chrono::nanoseconds::max() / kDay) {
    return make_error(ErrorCode::kInvalid, "time: invalid duration {}", go_quote(text));
  }
  return *days * kDay;
}

std::string format_go_duration(std::chrono::nanoseconds duration) {
  const bool negative = duration.count() < 0;
  const auto magnitude = static_cast<uint64_t>(duration.count());
  const uint64_t total = negative ? ~magnitude + 1 : magnitude;
  std::string out = negative ? "-" : "";
  if (total == 0) return "0s";
  if (total < 1000) return out + std::to_string(total) + "ns";
  if (total < 1000000) return out + decimal(total, 1000) + "µs";
  if (total < 1000000000) return out + decimal(total, 1000000) + "ms";
  constexpr uint64_t kMinute = 60000000000;
  const uint64_t minutes = total / kMinute;
  if (minutes >= 60) out += std::to_string(minutes / 60) + "h";
  if (minutes > 0) out += std::to_string(minutes % 60) + "m";
  return out + decimal(total % kMinute, 1000000000) + "s";
}

std::string system_error_text(int error_number) {
  char buffer[128];
  std::string text = ::strerror_r(error_number, buffer, sizeof buffer);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace drainer::conf
