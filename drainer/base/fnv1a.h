#pragma once

#include <cstdint>
#include <string_view>

namespace drainer {

inline constexpr uint64_t kFnv1aBegin = 0xcbf29ce484222325;

/// FNV-1a, 64 bits: the same number in all builds, to be stored or compared with another process'.
/// Goes on from `hash`, that of the bytes before. Pure.
constexpr uint64_t fnv1a(std::string_view bytes, uint64_t hash = kFnv1aBegin) {
  for (const char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace drainer
