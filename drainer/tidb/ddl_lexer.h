#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drainer::tidb {

/// The parts of the SQL mode that change how a text falls into tokens.
struct SqlMode {
  bool ansi_quotes = false;
  bool no_backslash_escapes = false;
};
/// What to_default_sql_mode() gives is written in it.
inline constexpr SqlMode kDefaultSqlMode{};
/// From a sql_mode value such as "ANSI,STRICT_TRANS_TABLES"; unknown names do not matter.
SqlMode parse_sql_mode(std::string_view modes);

enum class TokenKind : uint8_t {
  kWord,          ///< keyword, name or number
  kQuoted,        ///< quoted identifier
  kString,        ///< with its prefix: N'', x'', b'', _charset''
  kPunctuation,   ///< one byte
  kSemicolon,     ///< one that ends a statement
  kSpecialBegin,  ///< /*! /*!40101 /*T! /*T![feature], their contents are code
  kSpecialEnd,    ///< the */ of such a comment
};

/// A piece of SQL text. Blanks and plain comments are between tokens.
struct Token {
  TokenKind kind;
  uint32_t begin;
  uint32_t end;
  uint32_t depth = 0;       ///< parentheses around it; of a parenthesis: outside of it
  uint32_t quote = 0;       ///< kString: where its opening quote is
  bool is_special = false;  ///< in a special comment, or its begin or end
  bool is_tidb = false;     ///< … of the /*T form, which only TiDB executes
  bool after_dot = false;   ///< a word here is never a keyword
};

/// SQL text in tokens (spec/schema-and-ddl.md 4.4). Borrows the text. Immutable.
class TokenList {
 public:
  /// Nothing if a string, comment or quoted identifier does not end.
  static std::optional<TokenList> lex(std::string_view text, SqlMode mode = {});

  size_t size() const { return tokens_.size(); }
  const Token& operator[](size_t i) const { return tokens_[i]; }
  std::string_view text() const { return text_; }
  std::string_view text_of(size_t i) const {
    return text_.substr(tokens_[i].begin, tokens_[i].end - tokens_[i].begin);
  }

  /// Whether token i is this keyword, upper case given; false behind the end.
  bool is_word(size_t i, std::string_view keyword) const;
  bool is_punctuation(size_t i, char c) const;
  /// Whether token i can be a name.
  bool is_name(size_t i) const;
  /// The name without its quotes.
  std::string name(size_t i) const;
  /// The list without tokens that begin or end special comments.
  TokenList without_markers() const;
  /// Tokens [first, last) only.
  TokenList slice(size_t first, size_t last) const;

 private:
  std::string_view text_;
  std::vector<Token> tokens_;
};

}  // namespace drainer::tidb
