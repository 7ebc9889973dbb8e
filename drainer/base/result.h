#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "drainer/base/check.h"
#include "drainer/base/error.h"

namespace drainer {

/// A value or an Error. Every function that can fail outside our control returns one.
///
/// Reading the wrong half is a CHECK. As movable as T. One thread.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit
  template <class U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::decay_t<U>, T> &&
             !std::is_same_v<std::decay_t<U>, Error> && !std::is_same_v<std::decay_t<U>, Result>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT: implicit

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return checked(); }
  const T& operator*() const& { return const_cast<Result*>(this)->checked(); }
  T&& operator*() && { return std::move(checked()); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &const_cast<Result*>(this)->checked(); }

  const Error& error() const& { return const_cast<Result*>(this)->checked_error(); }
  Error&& error() && { return std::move(checked_error()); }

 private:
  T& checked() {
    CHECK(ok(), "value of a failed result: {}", std::get_if<1>(&state_)->to_string());
    return *std::get_if<0>(&state_);
  }
  Error& checked_error() {
    CHECK(!ok(), "error of a result that is well");
    return *std::get_if<1>(&state_);
  }

  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return const_cast<Result*>(this)->checked_error(); }
  Error&& error() && { return std::move(checked_error()); }

 private:
  Error& checked_error() {
    CHECK(!ok(), "error of a result that is well");
    return *error_;
  }

  std::optional<Error> error_;
};

}  // namespace drainer

#define DRAINER_CONCAT_INNER(a, b) a##b
#define DRAINER_CONCAT(a, b) DRAINER_CONCAT_INNER(a, b)

/// Evaluates a Result<void> (or Result<T> whose value is not needed); returns its error upwards. A
/// Result that has a name keeps what it holds.
#define TRY(expression)                                                              \
  do {                                                                               \
    auto&& drainer_try_result = (expression);                                        \
    if (!drainer_try_result.ok()) [[unlikely]]                                       \
      return std::forward<decltype(drainer_try_result)>(drainer_try_result).error(); \
  } while (false)

#define ASSIGN_OR_RETURN_INNER(temporary, target, expression) \
  auto temporary = (expression);                              \
  if (!temporary.ok()) [[unlikely]]                           \
    return std::move(temporary).error();                      \
  target = std::move(temporary).value()

/// ASSIGN_OR_RETURN(auto x, f()): x = the value of f(), or returns f()'s error upwards.
#define ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_INNER(DRAINER_CONCAT(drainer_result_, __COUNTER__), target, expression)
