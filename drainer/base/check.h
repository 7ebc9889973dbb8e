#pragma once

#include <string>

#include <fmt/core.h>

namespace drainer::internal {

[[noreturn]] void check_failed(const char* condition, const char* file, int line,
                               const std::string& text);

}  // namespace drainer::internal

/// Logs the formatted values, on standard error too, and aborts when one of our own promises is
/// broken. On in every build; never for input. CHECK(a < b, "a {} b {}", a, b).
#define CHECK(condition, ...)                                                                      \
  do {                                                                                             \
    if (!(condition)) [[unlikely]] {                                                               \
      ::drainer::internal::check_failed(#condition, __FILE__, __LINE__, fmt::format(__VA_ARGS__)); \
    }                                                                                              \
  } while (false)
