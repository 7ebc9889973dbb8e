#pragma once

#include <string>
#include <vector>

namespace drainer::cases {

struct CaseLine {
  size_t number;
  std::string text;
};

/// `== head` and the lines up to the next section, without comments and empty lines.
struct CaseSection {
  size_t line;
  std::string head;
  std::vector<CaseLine> lines;
};

/// Splits the text of a case (README.md). Throws std::runtime_error on text before the first
/// section.
std::vector<CaseSection> parse_case(const std::string& text);

/// `text` with the lines of its `expect` sections replaced, in order.
std::string with_expectations(const std::string& text,
                              const std::vector<std::vector<std::string>>& expectations);

}  // namespace drainer::cases
