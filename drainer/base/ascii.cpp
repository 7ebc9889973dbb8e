#include "drainer/base/ascii.h"

#include <algorithm>

namespace drainer {
namespace {

char fold(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

std::string fold_case(std::string_view text) {
  std::string folded(text);
  std::ranges::transform(folded, folded.begin(), fold);
  return folded;
}

bool equals_folded(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, fold, fold);
}

}  // namespace drainer
