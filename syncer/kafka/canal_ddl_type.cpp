#include "syncer/kafka/canal_ddl_type.h"

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "drainer/tidb/ddl_lexer.h"
#include "drainer/tidb/ddl_statement.h"

namespace drainer::kafka {

namespace {

using tidb::DdlKind;
using tidb::TokenList;

/// Reads an ALTER TABLE behind the table's name.
class AlterReader {
 public:
  AlterReader(const TokenList& tokens, size_t begin) : tokens_(tokens), begin_(begin) {}

  std::string_view type() const {
    const std::optional<size_t> clause = only_clause();
    if (!clause) return "ALTER";
    const size_t next = *clause + 1;
    const bool is_key = is_any(next, {"INDEX", "KEY", "PRIMARY", "FOREIGN"});
    if (is_any(*clause, {"RENAME"})) {
      return is_any(next, {"INDEX", "KEY", "COLUMN"}) ? "ALTER" : "RENAME";
    }
    if (is_any(*clause, {"DROP"})) {
      if (is_any(next, {"CHECK", "CONSTRAINT"})) return "QUERY";
      return is_key ? "DINDEX" : "ALTER";
    }
    if (is_any(*clause, {"ADD"})) {
      if (is_check(next)) return "QUERY";
      return is_key || is_any(next, {"UNIQUE", "FULLTEXT", "CONSTRAINT"}) ? "CINDEX" : "ALTER";
    }
    return is_nameless(*clause) ? "QUERY" : "ALTER";
  }

 private:
  bool is_any(size_t i, std::initializer_list<std::string_view> words) const {
    return std::ranges::any_of(words,
                               [&](std::string_view word) { return tokens_.is_word(i, word); });
  }

  // Where there is one; how TiDB is to do it is no change.
  std::optional<size_t> only_clause() const {
    std::optional<size_t> found;
    bool at_begin = true;
    for (size_t i = begin_; i < tokens_.size(); ++i) {
      if (at_begin && !is_any(i, {"ALGORITHM", "LOCK"})) {
        if (found) return std::nullopt;
        found = i;
      }
      at_begin = tokens_[i].depth == 0 && tokens_.is_punctuation(i, ',');
    }
    return found;
  }

  // [CONSTRAINT [name]] CHECK
  bool is_check(size_t i) const {
    if (is_any(i, {"CONSTRAINT"})) i += is_any(i + 1, {"CHECK"}) ? 1 : 2;
    return is_any(i, {"CHECK"}) && tokens_.is_punctuation(i + 1, '(');
  }

  // Jobs of TiDB that Canal knows no kind of change for.
  bool is_nameless(size_t i) const {
    if (is_any(i, {"ALTER"})) return is_any(i + 1, {"CHECK", "CONSTRAINT"});
    if (is_any(i, {"REMOVE"})) return is_any(i + 1, {"TTL"});
    return is_any(i, {"EXCHANGE", "SET", "CACHE", "NOCACHE", "ATTRIBUTES", "SHARD_ROW_ID_BITS",
                      "AUTO_ID_CACHE", "AUTO_RANDOM_BASE", "TTL", "TTL_ENABLE", "TTL_JOB_INTERVAL",
                      "STATS_OPTIONS"});
  }

  const TokenList& tokens_;
  const size_t begin_;
};

std::string_view alter_type(std::string_view text, const tidb::DdlStatement& statement) {
  const auto lexed = TokenList::lex(text);
  if (!lexed || statement.tables.empty()) return "ALTER";
  const TokenList tokens = lexed->without_markers();
  size_t begin = 0;
  while (begin < tokens.size() && tokens[begin].begin < statement.tables[0].end) ++begin;
  return AlterReader(tokens, begin).type();
}

}  // namespace

std::string_view canal_ddl_type(std::string_view text) {
  const tidb::DdlStatement statement = tidb::parse_ddl(text, tidb::kDefaultSqlMode);
  switch (statement.kind) {
    case DdlKind::kCreateTable:
      return "CREATE";
    case DdlKind::kCreateIndex:
      return "CINDEX";
    case DdlKind::kDropTable:
      return "ERASE";
    case DdlKind::kDropIndex:
      return "DINDEX";
    case DdlKind::kTruncateTable:
      return "TRUNCATE";
    case DdlKind::kRenameTable:
      return "RENAME";
    case DdlKind::kAlterTable:
      return alter_type(text, statement);
    case DdlKind::kCreateDatabase:
    case DdlKind::kDropDatabase:
    case DdlKind::kAlterDatabase:
    case DdlKind::kCreateView:
    case DdlKind::kDropView:
    case DdlKind::kDropSequence:
    case DdlKind::kOther:
      return "QUERY";
  }
  return "QUERY";
}

}  // namespace drainer::kafka
