#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <type_traits>

namespace drainer {

/// The number that the whole text is, without blanks or '+'; nothing for other texts and where it
/// does not fit. `base` is for integers.
template <class Number>
std::optional<Number> parse_whole(std::string_view text, int base = 10) {
  Number number{};
  const char* const end = text.data() + text.size();
  std::from_chars_result parsed{};
  if constexpr (std::is_floating_point_v<Number>) {
    parsed = std::from_chars(text.data(), end, number);
  } else {
    parsed = std::from_chars(text.data(), end, number, base);
  }
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

}  // namespace drainer
