#include "drainer/tidb/ddl_text.h"

#include <algorithm>
#include <optional>

#include "drainer/tidb/text_edit.h"

namespace drainer::tidb {

namespace {

// The tokens of the one statement in `text`, without markers of special comments and semicolons.
std::optional<TokenList> lex_statement(std::string_view text, SqlMode mode) {
  const std::optional<TokenList> all = TokenList::lex(text, mode);
  if (!all) return std::nullopt;
  const TokenList tokens = all->without_markers();
  size_t first = 0;
  while (first < tokens.size() && tokens[first].kind == TokenKind::kSemicolon) ++first;
  size_t last = first;
  while (last < tokens.size() && tokens[last].kind != TokenKind::kSemicolon) ++last;
  for (size_t i = last; i < tokens.size(); ++i) {
    if (tokens[i].kind != TokenKind::kSemicolon) return std::nullopt;
  }
  return tokens.slice(first, last);
}

// Reads a statement from front to back.
class StatementReader {
 public:
  explicit StatementReader(const TokenList& tokens) : tokens_(tokens) {}

  DdlStatement read() {
    if (take("CREATE")) {
      read_create();
    } else if (take("DROP")) {
      read_drop();
    } else if (take("ALTER")) {
      read_alter();
    } else if (take("TRUNCATE")) {
      take("TABLE");
      found(DdlKind::kTruncateTable);
      read_name();
    } else if (take("RENAME")) {
      if (take("TABLE") || take("TABLES")) read_rename();
    }
    return std::move(statement_);
  }

 private:
  bool is(std::string_view word) const { return tokens_.is_word(at_, word); }
  bool take(std::string_view word) {
    if (!is(word)) return false;
    ++at_;
    return true;
  }
  bool take_any(std::initializer_list<std::string_view> words) {
    return std::ranges::any_of(words, [&](std::string_view word) { return take(word); });
  }
  void found(DdlKind kind) { statement_.kind = kind; }

  void take_if_exists() {
    if (!take("IF")) return;
    take("NOT");
    take("EXISTS");
  }

  bool read_name() {
    if (!tokens_.is_name(at_)) return false;
    NameInText name;
    name.begin = tokens_[at_].begin;
    name.table = tokens_.name(at_++);
    if (tokens_.is_punctuation(at_, '.') && tokens_.is_name(at_ + 1)) {
      name.schema = std::move(name.table);
      name.table = tokens_.name(at_ + 1);
      at_ += 2;
    }
    name.end = tokens_[at_ - 1].end;
    statement_.tables.push_back(std::move(name));
    return true;
  }

  // To behind the next of these words outside of parentheses.
  bool skip_to(std::string_view word) {
    for (; at_ < tokens_.size(); ++at_) {
      if (tokens_[at_].depth == 0 && take(word)) return true;
    }
    return false;
  }

  void read_create() {
    const size_t begin = at_;
    if (take("DATABASE") || take("SCHEMA")) return found(DdlKind::kCreateDatabase);
    take_any({"UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR"});
    if (take("INDEX")) {
      found(DdlKind::kCreateIndex);
      if (skip_to("ON")) read_name();
      return;
    }
    at_ = begin;
    take("GLOBAL");
    take("TEMPORARY");
    if (take("TABLE")) return read_create_table();
    at_ = begin;
    read_create_view();
  }

  void read_create_table() {
    found(DdlKind::kCreateTable);
    take_if_exists();
    if (!read_name()) return;
    const bool in_parentheses =
        tokens_.is_punctuation(at_, '(') && tokens_.is_word(at_ + 1, "LIKE");
    if (in_parentheses) ++at_;
    if (take("LIKE")) read_name();
  }

  void read_create_view() {
    if (take("OR")) take("REPLACE");
    if (take("ALGORITHM")) at_ += 2;  // = x
    if (take("DEFINER")) {
      ++at_;  // =
      while (at_ < tokens_.size() && !is("SQL") && !is("VIEW")) ++at_;
    }
    if (take("SQL")) at_ += 2;  // SECURITY x
    if (!take("VIEW")) return;
    found(DdlKind::kCreateView);
    read_name();
  }

  void read_drop() {
    if (take("DATABASE") || take("SCHEMA")) return found(DdlKind::kDropDatabase);
    if (take("INDEX")) {
      found(DdlKind::kDropIndex);
      if (skip_to("ON")) read_name();
      return;
    }
    if (take("VIEW")) {
      found(DdlKind::kDropView);
    } else if (take("SEQUENCE")) {
      found(DdlKind::kDropSequence);
    } else {
      take("GLOBAL");
      take("TEMPORARY");
      if (!take("TABLE") && !take("TABLES")) return;
      found(DdlKind::kDropTable);
    }
    take_if_exists();
    while (read_name() && tokens_.is_punctuation(at_, ',')) ++at_;
  }

  void read_rename() {
    found(DdlKind::kRenameTable);
    while (read_name() && take("TO") && read_name() && tokens_.is_punctuation(at_, ',')) ++at_;
  }

  void read_alter() {
    if (take("DATABASE") || take("SCHEMA")) return found(DdlKind::kAlterDatabase);
    take("IGNORE");
    if (!take("TABLE") || !read_name()) {
      statement_.tables.clear();
      return;
    }
    if (is("ANALYZE")) {  // … ANALYZE PARTITION changes nothing
      statement_.tables.clear();
      return;
    }
    found(DdlKind::kAlterTable);
    for (bool at_spec = true; at_ < tokens_.size();) {
      if (at_spec && take("RENAME")) {
        const bool is_part = is("COLUMN") || is("INDEX") || is("KEY");
        if (!is_part && !take("TO") && !take("AS") && tokens_.is_punctuation(at_, '=')) ++at_;
        if (!is_part) read_name();
      } else if (at_spec && take("EXCHANGE")) {
        if (skip_to("WITH") && take("TABLE")) read_name();
      } else {
        at_spec = tokens_[at_].depth == 0 && tokens_.is_punctuation(at_, ',');
        ++at_;
      }
    }
  }

  const TokenList& tokens_;
  size_t at_ = 0;
  DdlStatement statement_;
};

// Whether something in double quotes stands where only a name can stand.
bool has_quoted_names(const TokenList& tokens) {
  // SELECT has literals where CREATE TABLE has columns.
  const bool is_view = StatementReader(tokens).read().kind == DdlKind::kCreateView;
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

std::string_view event_name(DdlKind kind) {
  switch (kind) {
    case DdlKind::kOther:
    case DdlKind::kDropSequence:
      return "";
    case DdlKind::kCreateDatabase:
      return "create database";
    case DdlKind::kDropDatabase:
      return "drop database";
    case DdlKind::kAlterDatabase:
      return "alter database";
    case DdlKind::kCreateTable:
      return "create table";
    case DdlKind::kCreateView:
      return "create view";
    case DdlKind::kCreateIndex:
      return "create index";
    case DdlKind::kDropTable:
      return "drop table";
    case DdlKind::kDropView:
      return "drop view";
    case DdlKind::kDropIndex:
      return "drop index";
    case DdlKind::kTruncateTable:
      return "truncate table";
    case DdlKind::kRenameTable:
      return "rename table";
    case DdlKind::kAlterTable:
      return "alter table";
  }
  return "";
}

DdlStatement parse_ddl(std::string_view text, SqlMode mode) {
  const std::optional<TokenList> tokens = lex_statement(text, mode);
  return tokens ? StatementReader(*tokens).read() : DdlStatement{};
}

bool is_only_tiflash_replica(std::string_view text) {
  const std::optional<TokenList> tokens = lex_statement(text, {});
  if (!tokens) return false;
  const DdlKind kind = StatementReader(*tokens).read().kind;
  if (kind != DdlKind::kAlterTable && kind != DdlKind::kAlterDatabase) return false;
  size_t i = tokens->is_word(1, "IGNORE") ? 3 : 2;
  if (tokens->is_name(i) && !tokens->is_word(i, "SET")) ++i;
  if (tokens->is_punctuation(i, '.')) i += 2;
  if (!tokens->is_word(i, "SET") || !tokens->is_word(i + 1, "TIFLASH") ||
      !tokens->is_word(i + 2, "REPLICA")) {
    return false;
  }
  // Commas belong to LOCATION LABELS 'a', 'b' only between strings.
  for (size_t k = i; k < tokens->size(); ++k) {
    if (tokens->is_punctuation(k, ',') &&
        (k + 1 == tokens->size() || (*tokens)[k + 1].kind != TokenKind::kString)) {
      return false;
    }
  }
  return true;
}

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

std::string drop_only(std::string_view text, std::string_view schema, std::string_view table) {
  const DdlStatement statement = parse_ddl(text);
  const bool is_drop = statement.kind == DdlKind::kDropTable ||
                       statement.kind == DdlKind::kDropView ||
                       statement.kind == DdlKind::kDropSequence;
  if (!is_drop || statement.tables.size() < 2) return std::string(text);
  std::string out(text.substr(0, statement.tables.front().begin));
  append_quoted_name(out, schema);
  out.push_back('.');
  append_quoted_name(out, table);
  out += text.substr(statement.tables.back().end);
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
