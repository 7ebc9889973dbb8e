#include "drainer/tidb/ddl_sql_mode.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "drainer/tidb/ddl_statement.h"
#include "drainer/tidb/text_edit.h"

namespace drainer::tidb {

namespace {

// Whether something in double quotes stands where only a name can stand.
bool has_quoted_names(const TokenList& tokens) {
  // SELECT has literals where CREATE TABLE has columns.
  const bool is_view = parse_ddl(tokens).kind == DdlKind::kCreateView;
  const auto follows_any = [&](size_t i, std::initializer_list<std::string_view> words) {
    return std::ranges::any_of(words, [&](auto word) { return tokens.is_word(i - 1, word); });
  };
  for (size_t i = 1; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.kind != TokenKind::kString || tokens.text()[token.begin] != '"') continue;
    if (tokens.is_punctuation(i - 1, '.') ||
        follows_any(i, {"TABLE", "EXISTS", "TO", "ON", "INDEX", "VIEW", "DATABASE", "SCHEMA"})) {
      return true;
    }
    // A column: `(` or `,` or ADD before its name, its type behind.
    const bool begins_column = tokens.is_punctuation(i - 1, '(') ||
                               tokens.is_punctuation(i - 1, ',') ||
                               follows_any(i, {"ADD", "COLUMN", "MODIFY", "CHANGE"});
    if (!is_view && begins_column && i + 1 < tokens.size() &&
        tokens[i + 1].kind == TokenKind::kWord) {
      return true;
    }
  }
  return false;
}

// The element of a list (column, index, ALTER clause) that token i belongs to begins here.
size_t element_begin(const TokenList& tokens, size_t i) {
  const uint32_t depth = tokens[i].depth;
  size_t begin = i;
  while (begin > 0) {
    const Token& before = tokens[begin - 1];
    if (before.depth < depth || (before.depth == depth && tokens.is_punctuation(begin - 1, ','))) {
      break;
    }
    --begin;
  }
  return begin;
}

// COMMENT 'x' of a column, which TiDB prints as an expression; tables and partitions have an '='.
bool is_column_comment(const TokenList& tokens, size_t i) {
  if (i == 0 || !tokens.is_word(i - 1, "COMMENT")) return false;
  size_t begin = element_begin(tokens, i);
  if (tokens[begin].depth > 0) return tokens[begin].kind == TokenKind::kQuoted;
  // ALTER TABLE name stands before the first clause.
  if (tokens.is_word(begin, "ALTER")) {
    while (begin < i && !tokens.is_word(begin, "ADD") && !tokens.is_word(begin, "MODIFY") &&
           !tokens.is_word(begin, "CHANGE")) {
      ++begin;
    }
  }
  return tokens.is_word(begin, "MODIFY") || tokens.is_word(begin, "CHANGE") ||
         (tokens.is_word(begin, "ADD") && tokens.is_word(begin + 1, "COLUMN"));
}

bool has_lower_case(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c >= 'a' && c <= 'z'; });
}

// TiDB's printer: upper-case keywords, quoted names, single quotes, a final ';'. Numbers may have
// lower case, and so may names of charsets and collations and what options are: ENGINE = InnoDB.
bool is_printed_by_tidb(const TokenList& tokens) {
  if (tokens.size() < 2 || tokens[tokens.size() - 1].kind != TokenKind::kSemicolon) return false;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.kind == TokenKind::kString && tokens.text()[token.quote] == '"') return false;
    if (i > 0 && tokens.is_word(i - 1, "TABLE") && token.kind == TokenKind::kWord &&
        !tokens.is_word(i, "IF")) {
      return false;
    }
    const std::string_view word = tokens.text_of(i);
    if (token.kind != TokenKind::kWord || !has_lower_case(word)) continue;
    const bool has_sign = i > 0 && tokens.is_punctuation(i - 1, '=');
    const size_t before = has_sign ? i - 1 : i;
    const bool is_value = (has_sign && token.depth == 0) || (word[0] >= '0' && word[0] <= '9') ||
                          (before > 0 && (tokens.is_word(before - 1, "COLLATE") ||
                                          tokens.is_word(before - 1, "SET") ||
                                          (has_sign && tokens.is_word(before - 1, "ENGINE"))));
    if (!is_value) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string_view> split_statements(std::string_view text) {
  std::optional<TokenList> tokens = TokenList::lex(text, {.no_backslash_escapes = true});
  if (!tokens || !is_printed_by_tidb(*tokens)) tokens = TokenList::lex(text);
  if (!tokens) return {text};
  std::vector<std::string_view> out;
  size_t first = 0;
  for (size_t i = 0; i <= tokens->size(); ++i) {
    if (i < tokens->size() && (*tokens)[i].kind != TokenKind::kSemicolon) continue;
    if (first < i) {
      const size_t begin = (*tokens)[first].begin;
      out.push_back(text.substr(begin, (*tokens)[i - 1].end - begin));
    }
    first = i + 1;
  }
  return out;
}

SqlMode guess_sql_mode(std::string_view text) {
  for (const bool no_backslash_escapes : {false, true}) {
    SqlMode mode{.ansi_quotes = false, .no_backslash_escapes = no_backslash_escapes};
    const std::optional<TokenList> tokens = TokenList::lex(text, mode);
    if (!tokens) continue;
    mode.ansi_quotes = has_quoted_names(tokens->without_markers());
    return mode;
  }
  return {};
}

std::string to_default_sql_mode(std::string_view text) {
  if (text.find_first_of("\\\"") == std::string_view::npos) return std::string(text);
  // Quotes are doubled in every printed string, so its ends are found without looking at
  // backslashes, whether they are doubled in it or not.
  std::optional<TokenList> tokens = TokenList::lex(text, {.no_backslash_escapes = true});
  const bool is_printed = tokens && is_printed_by_tidb(*tokens);
  const SqlMode mode = is_printed ? SqlMode{.no_backslash_escapes = true} : guess_sql_mode(text);
  if (!is_printed) tokens = TokenList::lex(text, mode);
  if (!tokens) return std::string(text);
  std::string out;
  size_t done = 0;
  for (size_t i = 0; i < tokens->size(); ++i) {
    const Token& token = (*tokens)[i];
    if (token.kind == TokenKind::kQuoted && text[token.begin] == '"') {
      out += text.substr(done, token.begin - done);
      append_quoted_name(out, tokens->name(i));
      done = token.end;
    }
    if (token.kind != TokenKind::kString || !mode.no_backslash_escapes) continue;
    const bool is_expression = token.quote != token.begin || is_column_comment(*tokens, i);
    if (is_printed && is_expression) continue;
    for (; done < token.end; ++done) {
      out.push_back(text[done]);
      if (done > token.begin && text[done] == '\\') out.push_back('\\');
    }
  }
  out += text.substr(done);
  return out;
}

}  // namespace drainer::tidb
