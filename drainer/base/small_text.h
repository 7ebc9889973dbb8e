#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <fmt/core.h>

namespace drainer {

/// A text that is set once and of which there are very many, such as names of columns: 16 bytes, up
/// to 15 of text without a heap block. Reads like a string_view. Plain value.
class SmallText {
 public:
  SmallText() { bytes_[kInline] = 0; }
  SmallText(std::string_view text) {  // NOLINT: meant to convert
    if (text.size() <= kInline) {
      if (!text.empty()) std::memcpy(bytes_, text.data(), text.size());
      bytes_[kInline] = static_cast<char>(text.size());
      return;
    }
    char* const block = new char[text.size()];
    std::memcpy(block, text.data(), text.size());
    const auto size = static_cast<uint32_t>(text.size());
    std::memcpy(bytes_, &block, sizeof block);
    std::memcpy(bytes_ + sizeof block, &size, sizeof size);
    bytes_[kInline] = kHeap;
  }
  SmallText(const std::string& text) : SmallText(std::string_view(text)) {}  // NOLINT
  SmallText(const char* text) : SmallText(std::string_view(text)) {}         // NOLINT
  SmallText(const SmallText& other) : SmallText(other.view()) {}
  SmallText(SmallText&& other) noexcept { take(other); }
  SmallText& operator=(SmallText other) noexcept {
    if (bytes_[kInline] == kHeap) delete[] view().data();
    take(other);
    return *this;
  }
  ~SmallText() {
    if (bytes_[kInline] == kHeap) delete[] view().data();
  }

  std::string_view view() const {
    if (bytes_[kInline] != kHeap) return {bytes_, static_cast<size_t>(bytes_[kInline])};
    const char* block;
    uint32_t size;
    std::memcpy(&block, bytes_, sizeof block);
    std::memcpy(&size, bytes_ + sizeof block, sizeof size);
    return {block, size};
  }
  operator std::string_view() const { return view(); }  // NOLINT: meant to convert
  std::string str() const { return std::string(view()); }
  size_t size() const { return view().size(); }

  template <std::convertible_to<std::string_view> T>
  friend bool operator==(const SmallText& a, const T& b) {
    return a.view() == std::string_view(b);
  }
  template <std::convertible_to<std::string_view> T>
  friend auto operator<=>(const SmallText& a, const T& b) {
    return a.view() <=> std::string_view(b);
  }

 private:
  static constexpr size_t kInline = 15;
  static constexpr char kHeap = 127;

  void take(SmallText& other) noexcept {
    std::memcpy(bytes_, other.bytes_, sizeof bytes_);
    other.bytes_[kInline] = 0;
  }

  char bytes_[kInline + 1];
};
static_assert(sizeof(SmallText) == 16);

}  // namespace drainer

template <>
struct fmt::formatter<drainer::SmallText> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const drainer::SmallText& text, Context& context) const {
    return fmt::formatter<std::string_view>::format(text.view(), context);
  }
};
