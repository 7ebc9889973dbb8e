#include "tests/cases/case_file.h"

#include <sstream>

#include "tests/cases/text_scanner.h"

namespace drainer::cases {

namespace {

bool is_head(const std::string& line) {
  return line.starts_with("== ");
}

bool is_skipped(const std::string& line) {
  return line.find_first_not_of(" \t") == std::string::npos || line.front() == '#';
}

}  // namespace

std::vector<CaseSection> parse_case(const std::string& text) {
  std::vector<CaseSection> sections;
  std::istringstream in(text);
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (is_head(line)) {
      sections.push_back({number, line.substr(3), {}});
    } else if (!is_skipped(line)) {
      if (sections.empty()) fail(number, "text before the first section");
      sections.back().lines.push_back({number, line});
    }
  }
  return sections;
}

std::string with_expectations(const std::string& text,
                              const std::vector<std::vector<std::string>>& expectations) {
  std::string out;
  std::istringstream in(text);
  size_t next = 0;
  bool drops = false;
  for (std::string line; std::getline(in, line);) {
    if (is_head(line)) drops = false;
    if (!drops || is_skipped(line)) out += line + "\n";
    if (is_head(line) && line.starts_with("== expect") && next < expectations.size()) {
      for (const std::string& expected : expectations[next]) out += expected + "\n";
      ++next;
      drops = true;
    }
  }
  return out;
}

}  // namespace drainer::cases
