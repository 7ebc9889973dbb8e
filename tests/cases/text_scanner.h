#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/core.h>

namespace drainer::cases {

/// What is wrong with a case file, with its line: for whoever writes it.
[[noreturn]] inline void fail(size_t line, const std::string& problem) {
  throw std::runtime_error(fmt::format("line {}: {}", line, problem));
}

/// Takes words, names and literals off the front of one line of a case. One thread.
class TextScanner {
 public:
  TextScanner(std::string_view text, size_t line) : text_(text), line_(line) { skip_blanks(); }

  bool is_at_end() const { return text_.empty(); }
  size_t line() const { return line_; }
  std::string_view rest() const { return text_; }
  char peek() const { return text_.empty() ? '\0' : text_.front(); }

  /// Takes `word` if it is next, whole and in this case of letters.
  bool take(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    if (is_name_byte(word.back()) && text_.size() > word.size() && is_name_byte(text_[word.size()]))
      return false;
    drop(word.size());
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) fail(line_, fmt::format("`{}` expected before: {}", word, text_));
  }

  /// A word of letters, digits, `_`, `$`, `-` and bytes above 0x7f.
  std::string_view take_word() {
    size_t size = 0;
    while (size < text_.size() && is_name_byte(text_[size])) ++size;
    if (size == 0) fail(line_, fmt::format("a word expected before: {}", text_));
    const std::string_view word = text_.substr(0, size);
    drop(size);
    return word;
  }

  /// A word, or anything in back-quotes.
  std::string take_name() { return peek() == '`' ? take_quoted('`') : std::string(take_word()); }

  /// What stands between `quote` and the next single one; two of them are one.
  std::string take_quoted(char quote) {
    if (peek() != quote) fail(line_, fmt::format("{} expected before: {}", quote, text_));
    std::string out;
    for (size_t at = 1; at < text_.size(); ++at) {
      if (text_[at] == quote) {
        if (at + 1 >= text_.size() || text_[at + 1] != quote) {
          drop(at + 1);
          return out;
        }
        ++at;
      }
      out += text_[at];
    }
    fail(line_, "text without closing quote");
  }

  int64_t take_number() {
    const std::string word(take_word());
    size_t used = 0;
    try {
      const int64_t number = std::stoll(word, &used);
      if (used == word.size()) return number;
    } catch (const std::logic_error&) {
    }
    fail(line_, "a number expected, not " + word);
  }

 private:
  static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || c == '-' || static_cast<unsigned char>(c) >= 0x80;
  }
  void drop(size_t size) {
    text_.remove_prefix(size);
    skip_blanks();
  }
  void skip_blanks() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t'))
      text_.remove_prefix(1);
  }

  std::string_view text_;
  size_t line_;
};

}  // namespace drainer::cases
