#include "drainer/tidb/float_text.h"

#include <charconv>

namespace drainer::tidb {

ShortestDigits shortest_digits(double value) {
  char text[32];
  const char* const end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  ShortestDigits number{};
  const char* p = text;
  if (*p == '-') {
    number.is_negative = true;
    ++p;
  }
  for (; *p != 'e'; ++p) {
    if (*p != '.') number.digits[number.count++] = *p;
  }
  ++p;
  const bool is_small = *p++ == '-';
  int32_t exponent = 0;
  for (; p != end; ++p) exponent = exponent * 10 + (*p - '0');
  number.point = (is_small ? -exponent : exponent) + 1;
  return number;
}

void append_positional(std::string& out, const ShortestDigits& number) {
  if (number.is_negative) out.push_back('-');
  const auto count = static_cast<size_t>(number.count);
  if (number.point <= 0) {
    out.append("0.");
    out.append(static_cast<size_t>(-number.point), '0');
    out.append(number.digits, count);
    return;
  }
  const auto point = static_cast<size_t>(number.point);
  if (point >= count) {
    out.append(number.digits, count);
    out.append(point - count, '0');
    return;
  }
  out.append(number.digits, point);
  out.push_back('.');
  out.append(number.digits + point, count - point);
}

void append_scientific(std::string& out, const ShortestDigits& number, int32_t exponent_digits) {
  if (number.is_negative) out.push_back('-');
  out.push_back(number.digits[0]);
  if (number.count > 1) {
    out.push_back('.');
    out.append(number.digits + 1, static_cast<size_t>(number.count - 1));
  }
  out.push_back('e');
  int32_t exponent = number.point - 1;
  out.push_back(exponent < 0 ? '-' : '+');
  if (exponent < 0) exponent = -exponent;
  char text[8];
  const char* const end = std::to_chars(text, text + sizeof text, exponent).ptr;
  for (auto width = static_cast<int32_t>(end - text); width < exponent_digits; ++width) {
    out.push_back('0');
  }
  out.append(text, static_cast<size_t>(end - text));
}

}  // namespace drainer::tidb
