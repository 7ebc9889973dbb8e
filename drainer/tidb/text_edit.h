#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace drainer::tidb {

/// Bytes [begin, end) of a text become `replacement`.
struct TextEdit {
  size_t begin;
  size_t end;
  std::string replacement;
};

/// `name`
inline void append_quoted_name(std::string& out, std::string_view name) {
  out.push_back('`');
  for (const char c : name) {
    if (c == '`') out.push_back('`');
    out.push_back(c);
  }
  out.push_back('`');
}

/// The text with all edits, of which those at the same place keep their order. Pure.
inline std::string apply_edits(std::string_view text, std::vector<TextEdit> edits) {
  std::ranges::stable_sort(edits, {}, &TextEdit::begin);
  std::string out;
  size_t done = 0;
  for (const TextEdit& edit : edits) {
    if (edit.begin > done) out += text.substr(done, edit.begin - done);
    out += edit.replacement;
    done = std::max(done, edit.end);
  }
  out += text.substr(std::min(done, text.size()));
  return out;
}

}  // namespace drainer::tidb
