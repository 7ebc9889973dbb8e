#include "conf/number_ranges.h"

#include <fmt/format.h>

#include "conf/go_text.h"

namespace drainer::conf {

namespace {

// A value as a number, nothing if it is none.
struct NumberOf {
  std::optional<int64_t> operator()(int64_t value) const { return value; }
  std::optional<int64_t> operator()(std::chrono::nanoseconds value) const { return value.count(); }
  std::optional<int64_t> operator()(const DayDuration& value) const { return value.value.count(); }
  std::optional<int64_t> operator()(const auto&) const { return std::nullopt; }
};

std::string number_text(const Key<Draft>& key, int64_t value) {
  const bool is_integer = std::holds_alternative<int64_t& (*)(Draft&)>(key.field) ||
                          std::holds_alternative<int32_t& (*)(Draft&)>(key.field);
  return is_integer ? fmt::format("{}", value)
                    : format_go_duration(std::chrono::nanoseconds(value));
}

}  // namespace

void check_numbers(Draft& draft, Problems& problems) {
  for (const Key<Draft>& key : keys()) {
    const auto number = std::visit([&](auto field) { return NumberOf{}(field(draft)); }, key.field);
    const Range& range = key.traits.range;
    if (!number || (*number >= range.least && *number <= range.largest)) continue;
    problems.add("invalid {}: must be from {} to {}, got {}", full_name(key),
                 number_text(key, range.least), number_text(key, range.largest),
                 number_text(key, *number));
  }
}

}  // namespace drainer::conf
