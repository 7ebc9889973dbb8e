#include "drainer/tidb/ddl_lexer.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>

namespace drainer::tidb {

namespace {

constexpr std::array<std::string_view, 8> kFeatures = {
    "auto_rand", "auto_id_cache", "auto_rand_base", "clustered_index", "force_inc",
    "placement", "ttl",           "global_index"};

bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0 || c == '_' || c == '$';
}
bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}
bool equals_keyword(std::string_view word, std::string_view keyword) {
  return std::equal(word.begin(), word.end(), keyword.begin(), keyword.end(),
                    [](char a, char b) { return to_upper(a) == b; });
}

class Lexer {
 public:
  Lexer(std::string_view text, SqlMode mode) : text_(text), mode_(mode) {}

  // False: something does not end.
  bool run(std::vector<Token>& out) {
    while (at_ < text_.size()) {
      if (!step(out)) return false;
    }
    return !special_;
  }

 private:
  char at(size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  bool step(std::vector<Token>& out) {
    const char c = text_[at_];
    if (is_blank(c)) return ++at_, true;
    if (c == '#' || is_dash_comment()) return skip_line(), true;
    if (c == '/' && at(at_ + 1) == '*') return comment(out);
    if (special_ && c == '*' && at(at_ + 1) == '/') {
      push(out, TokenKind::kSpecialEnd, 2);
      special_ = tidb_ = false;
      return true;
    }
    if (c == '`' || (c == '"' && mode_.ansi_quotes)) return quoted(out, TokenKind::kQuoted, at_);
    if (c == '\'' || c == '"') return quoted(out, TokenKind::kString, at_);
    if (is_word_byte(c)) return word(out);
    if (c == ')' && depth_ > 0) --depth_;
    push(out,
         c == ';' && depth_ == 0 && !special_ ? TokenKind::kSemicolon : TokenKind::kPunctuation, 1);
    if (c == '(') ++depth_;
    return true;
  }

  bool is_dash_comment() const {
    if (text_[at_] != '-' || at(at_ + 1) != '-') return false;
    return at_ + 2 >= text_.size() || static_cast<unsigned char>(text_[at_ + 2]) <= ' ';
  }

  void skip_line() { at_ = std::min(text_.find('\n', at_), text_.size()); }

  bool comment(std::vector<Token>& out) {
    size_t begin_size = 0;
    bool is_tidb = false;
    if (at(at_ + 2) == '!') {
      size_t digits = 0;
      while (digits < 6 && is_digit(at(at_ + 3 + digits))) ++digits;
      begin_size = 3 + (digits >= 5 ? digits : 0);
    } else if (at(at_ + 2) == 'T' && at(at_ + 3) == '!') {
      is_tidb = true;
      begin_size = tidb_begin_size();
    }
    if (begin_size > 0 && !special_) {
      special_ = true;
      tidb_ = is_tidb;
      push(out, TokenKind::kSpecialBegin, begin_size);
      return true;
    }
    const size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return false;
    at_ = end + 2;
    return true;
  }

  // Size of `/*T!` or `/*T![feature,…]`; 0 if TiDB does not know one of them: a plain comment.
  size_t tidb_begin_size() const {
    if (at(at_ + 4) != '[') return 4;
    const size_t close = text_.find(']', at_);
    if (close == std::string_view::npos) return 4;
    std::string_view names = text_.substr(at_ + 5, close - at_ - 5);
    while (true) {
      const size_t comma = names.find(',');
      if (std::ranges::find(kFeatures, names.substr(0, comma)) == kFeatures.end()) return 0;
      if (comma == std::string_view::npos) return close + 1 - at_;
      names.remove_prefix(comma + 1);
    }
  }

  bool quoted(std::vector<Token>& out, TokenKind kind, size_t begin) {
    const size_t open = at_;
    const char quote = text_[open];
    const bool has_escapes = kind == TokenKind::kString && !mode_.no_backslash_escapes;
    for (size_t i = open + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\' && has_escapes) {
        ++i;
      } else if (text_[i] == quote) {
        if (at(i + 1) == quote) {
          ++i;
          continue;
        }
        at_ = begin;
        push(out, kind, i + 1 - begin);
        out.back().quote = static_cast<uint32_t>(open);
        return true;
      }
    }
    return false;
  }

  bool word(std::vector<Token>& out) {
    const size_t begin = at_;
    while (at_ < text_.size() && is_word_byte(text_[at_])) ++at_;
    const std::string_view prefix = text_.substr(begin, at_ - begin);
    const bool is_prefix = prefix[0] == '_' || equals_keyword(prefix, "N") ||
                           equals_keyword(prefix, "X") || equals_keyword(prefix, "B");
    if (is_prefix && at(at_) == '\'') return quoted(out, TokenKind::kString, begin);
    const size_t size = at_ - begin;
    at_ = begin;
    push(out, TokenKind::kWord, size);
    return true;
  }

  void push(std::vector<Token>& out, TokenKind kind, size_t size) {
    const bool after_dot = !out.empty() && text_[out.back().begin] == '.' &&
                           out.back().kind == TokenKind::kPunctuation;
    out.push_back(Token{.kind = kind,
                        .begin = static_cast<uint32_t>(at_),
                        .end = static_cast<uint32_t>(at_ + size),
                        .depth = depth_,
                        .is_special = special_,
                        .is_tidb = tidb_,
                        .after_dot = after_dot});
    at_ += size;
  }

  std::string_view text_;
  SqlMode mode_;
  size_t at_ = 0;
  uint32_t depth_ = 0;
  bool special_ = false;
  bool tidb_ = false;
};

}  // namespace

SqlMode parse_sql_mode(std::string_view modes) {
  SqlMode mode;
  while (!modes.empty()) {
    const size_t comma = std::min(modes.find(','), modes.size());
    const std::string_view name = modes.substr(0, comma);
    mode.ansi_quotes |= equals_keyword(name, "ANSI_QUOTES") || equals_keyword(name, "ANSI");
    mode.no_backslash_escapes |= equals_keyword(name, "NO_BACKSLASH_ESCAPES");
    modes.remove_prefix(std::min(comma + 1, modes.size()));
  }
  return mode;
}

std::optional<TokenList> TokenList::lex(std::string_view text, SqlMode mode) {
  TokenList list;
  list.text_ = text;
  if (text.size() >= std::numeric_limits<uint32_t>::max()) return std::nullopt;
  if (!Lexer(text, mode).run(list.tokens_)) return std::nullopt;
  return list;
}

bool TokenList::is_word(size_t i, std::string_view keyword) const {
  return i < tokens_.size() && tokens_[i].kind == TokenKind::kWord && !tokens_[i].after_dot &&
         equals_keyword(text_of(i), keyword);
}

bool TokenList::is_punctuation(size_t i, char c) const {
  return i < tokens_.size() && tokens_[i].kind == TokenKind::kPunctuation &&
         text_[tokens_[i].begin] == c;
}

bool TokenList::is_name(size_t i) const {
  return i < tokens_.size() &&
         (tokens_[i].kind == TokenKind::kWord || tokens_[i].kind == TokenKind::kQuoted);
}

std::string TokenList::name(size_t i) const {
  const std::string_view token = text_of(i);
  if (tokens_[i].kind != TokenKind::kQuoted) return std::string(token);
  std::string out;
  for (size_t k = 1; k + 1 < token.size(); ++k) {
    out.push_back(token[k]);
    if (token[k] == token[0]) ++k;  // doubled
  }
  return out;
}

TokenList TokenList::without_markers() const {
  TokenList out;
  out.text_ = text_;
  std::ranges::copy_if(tokens_, std::back_inserter(out.tokens_), [](const Token& token) {
    return token.kind != TokenKind::kSpecialBegin && token.kind != TokenKind::kSpecialEnd;
  });
  return out;
}

TokenList TokenList::slice(size_t first, size_t last) const {
  TokenList out;
  out.text_ = text_;
  out.tokens_.assign(tokens_.begin() + static_cast<ptrdiff_t>(first),
                     tokens_.begin() + static_cast<ptrdiff_t>(last));
  return out;
}

}  // namespace drainer::tidb
