#pragma once

#include <cstdint>
#include <string>

namespace drainer::tidb {

/// The shortest decimal digits that read back as the same double: 0.d1d2d3… * 10^point.
/// Plain data.
struct ShortestDigits {
  char digits[20];
  int32_t count;
  int32_t point;  ///< digits before the decimal point, may be negative
  bool is_negative;
};

/// Of a finite number; zero has the one digit 0 and point 1.
ShortestDigits shortest_digits(double value);

/// Without exponent: 123, 0.00012, 1500.
void append_positional(std::string& out, const ShortestDigits& number);

/// With exponent: 1.5e+300, 1e-07; the exponent has a sign and at least `exponent_digits` digits.
void append_scientific(std::string& out, const ShortestDigits& number, int32_t exponent_digits);

}  // namespace drainer::tidb
