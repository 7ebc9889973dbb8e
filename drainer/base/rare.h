#pragma once

#include <memory>
#include <utility>

namespace drainer {

/// A T that most owners do not have: one pointer while it equals T(). Copies are deep. Reads like a
/// `const T&`, is written by assignment. Plain value.
template <class T>
class Rare {
 public:
  Rare() = default;
  Rare(T value) { *this = std::move(value); }  // NOLINT: meant to convert
  Rare(const Rare& other) { *this = other; }
  Rare(Rare&&) noexcept = default;
  Rare& operator=(Rare&&) noexcept = default;
  Rare& operator=(const Rare& other) {
    if (this != &other) value_ = other.value_ ? std::make_unique<const T>(*other.value_) : nullptr;
    return *this;
  }
  Rare& operator=(T value) {
    value_ = value == T() ? nullptr : std::make_unique<const T>(std::move(value));
    return *this;
  }
  ~Rare() = default;

  const T& operator*() const { return value_ ? *value_ : empty(); }
  const T* operator->() const { return &**this; }
  friend bool operator==(const Rare& a, const T& b) { return *a == b; }

 private:
  static const T& empty() {
    static const T kEmpty{};
    return kEmpty;
  }

  std::unique_ptr<const T> value_;
};

}  // namespace drainer
