#include "drainer/tidb/ddl_statement.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>

#include "drainer/tidb/ddl_sql_mode.h"

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

DdlStatement parse_ddl(const TokenList& tokens) {
  return StatementReader(tokens).read();
}

DdlStatement parse_ddl(std::string_view text, SqlMode mode) {
  const std::optional<TokenList> tokens = lex_statement(text, mode);
  return tokens ? parse_ddl(*tokens) : DdlStatement{};
}

DdlStatement parse_user_ddl(std::string_view text) {
  return parse_ddl(text, guess_sql_mode(text));
}

bool is_only_tiflash_replica(std::string_view text) {
  const std::optional<TokenList> tokens = lex_statement(text, {});
  if (!tokens) return false;
  const DdlKind kind = parse_ddl(*tokens).kind;
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

}  // namespace drainer::tidb
