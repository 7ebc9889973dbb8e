#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "conf/go_text.h"

namespace drainer::conf {

/// The texts that a key takes, and what they mean.
template <class Enum>
using Choices = std::vector<std::pair<std::string_view, Enum>>;

/// Sets `out` to the choice called `text`; if there is none, adds the problem.
template <class Enum>
void choose(std::string_view key, const std::string& text, const Choices<Enum>& choices, Enum& out,
            std::vector<std::string>& problems) {
  std::string names;
  for (size_t i = 0; i < choices.size(); ++i) {
    if (choices[i].first == text) {
      out = choices[i].second;
      return;
    }
    if (i > 0) names += i + 1 == choices.size() ? " or " : ", ";
    names += choices[i].first;
  }
  problems.push_back(fmt::format("invalid {}: must be {}, got {}", key, names, go_quote(text)));
}

}  // namespace drainer::conf
