// wrap_tidb_options(): TiDB prints such options in comments itself, but a user's text has them
// bare: that of a DDL that is run before its binlog comes, of TiDB < 5.4, or that TiDB could not
// parse.

#include "drainer/tidb/ddl_options.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "drainer/tidb/ddl_statement.h"
#include "drainer/tidb/text_edit.h"

namespace drainer::tidb {

namespace {

struct Option {
  std::string_view name;
  std::string_view begin;  ///< of the comment
};
constexpr std::string_view kTtl = "/*T![ttl] ";
constexpr Option kOptions[] = {
    {"SHARD_ROW_ID_BITS", "/*T! "},
    {"PRE_SPLIT_REGIONS", "/*T! "},
    {"AUTO_ID_CACHE", "/*T![auto_id_cache] "},
    {"AUTO_RANDOM_BASE", "/*T![auto_rand_base] "},
    {"TTL_ENABLE", kTtl},
    {"TTL_JOB_INTERVAL", kTtl},
    {"STATS_BUCKETS", "/*T! "},
    {"STATS_TOPN", "/*T! "},
    {"STATS_SAMPLE_RATE", "/*T! "},
    {"STATS_COL_CHOICE", "/*T! "},
    {"STATS_COL_LIST", "/*T! "},
};

class Wrapper {
 public:
  Wrapper(std::string_view text, const TokenList& tokens, const DdlStatement& statement)
      : text_(text),
        tokens_(tokens),
        is_alter_(statement.kind == DdlKind::kAlterTable),
        name_end_(statement.tables.front().end) {}

  std::string run() {
    for (size_t i = 0; i < tokens_.size();) i = std::max(wrap(i), i + 1);
    return apply_edits(text_, std::move(edits_));
  }

 private:
  // A comment for TiDB: tokens [first, end).
  struct Part {
    std::string_view begin;
    size_t first;
    size_t end;
  };

  // Options and comments for TiDB, in a row from token i on. Gives the token behind.
  size_t wrap(size_t i) {
    if (!read_option(i)) return i;
    std::vector<Part> parts;
    size_t end = i;
    while (true) {
      if (const std::optional<Part> option = read_option(end)) {
        parts.push_back(*option);
        end = option->end;
      } else if (const std::optional<Part> comment = read_comment(end)) {
        parts.push_back(*comment);
        end = comment->end + 1;
      } else {
        break;
      }
    }
    size_t begin_byte = tokens_[i].begin;
    size_t end_byte = tokens_[end - 1].end;
    std::string_view before;
    std::string_view behind;
    // Between options commas say nothing, but those between clauses of ALTER TABLE must go with
    // clauses, and only with them.
    if (!is_alter_ || is_clause(i, end)) {
      if (tokens_.is_punctuation(i - 1, ',') && tokens_[i - 1].begin >= done_byte_) {
        begin_byte = tokens_[i - 1].begin;
        before = ", ";
      } else if (tokens_.is_punctuation(end, ',')) {
        end_byte = tokens_[end].end;
        behind = ",";
      }
    }
    std::string out = before.empty() ? "" : " ";
    for (size_t k = 0; k < parts.size(); ++k) {
      const size_t code = tokens_[parts[k].first].begin;
      if (k > 0) out.push_back(' ');
      out.append(parts[k].begin).append(k == 0 ? before : "");
      out.append(text_.substr(code, tokens_[parts[k].end - 1].end - code));
      out.append(k + 1 == parts.size() ? behind : "").append(" */");
    }
    edits_.push_back({begin_byte, end_byte, std::move(out)});
    done_byte_ = end_byte;
    return end;
  }

  // Whether tokens [first, end) are all of a clause of ALTER TABLE.
  bool is_clause(size_t first, size_t end) const {
    return (tokens_.is_punctuation(first - 1, ',') || tokens_[first - 1].end == name_end_) &&
           (end == tokens_.size() || tokens_.is_punctuation(end, ',') ||
            tokens_[end].kind == TokenKind::kSemicolon);
  }

  std::optional<Part> read_comment(size_t i) const {
    if (i >= tokens_.size() || !tokens_[i].is_tidb || tokens_[i].kind != TokenKind::kSpecialBegin) {
      return std::nullopt;
    }
    size_t end = i + 1;
    while (tokens_[end].kind != TokenKind::kSpecialEnd) ++end;
    if (end == i + 1) return std::nullopt;
    // With the blank behind its begin.
    const size_t begin = tokens_[i].begin;
    return Part{text_.substr(begin, tokens_[i + 1].begin - begin), i + 1, end};
  }

  std::optional<Part> read_option(size_t i) const {
    const bool is_candidate = i > 0 && i < tokens_.size() && tokens_[i].depth == 0 &&
                              tokens_[i].kind == TokenKind::kWord && !tokens_[i].is_special;
    if (!is_candidate) return std::nullopt;
    if (tokens_.is_word(i, "REMOVE") && tokens_.is_word(i + 1, "TTL")) return Part{kTtl, i, i + 2};
    if (tokens_.is_word(i, "TTL")) {
      const size_t end = ttl_end(i);
      return end > i ? std::optional(Part{kTtl, i, end}) : std::nullopt;
    }
    const size_t name = tokens_.is_word(i, "FORCE") ? i + 1 : i;
    if (name > i && tokens_.is_word(name, "AUTO_INCREMENT")) {
      return Part{"/*T![force_inc] ", i, name};
    }
    const auto* option = std::ranges::find_if(
        kOptions, [&](const Option& known) { return tokens_.is_word(name, known.name); });
    if (option == std::end(kOptions)) return std::nullopt;
    const size_t end = value_end(skip_sign(name + 1));
    return end > 0 ? std::optional(Part{option->begin, i, end}) : std::nullopt;
  }

  size_t skip_sign(size_t i) const { return tokens_.is_punctuation(i, '=') ? i + 1 : i; }

  // The token behind a string, a number or DEFAULT; 0 if there is none, and what stands before is
  // no option but a name.
  size_t value_end(size_t i) const {
    if (i >= tokens_.size() || tokens_[i].is_special) return 0;
    if (tokens_[i].kind == TokenKind::kString || tokens_.is_word(i, "DEFAULT")) return i + 1;
    const char c = text_[tokens_[i].begin];
    if (tokens_[i].kind != TokenKind::kWord || c < '0' || c > '9') return 0;
    const bool has_fraction = tokens_.is_punctuation(i + 1, '.') && i + 2 < tokens_.size();
    return has_fraction ? i + 3 : i + 1;
  }

  // TTL [=] column + INTERVAL amount unit
  size_t ttl_end(size_t i) const {
    const size_t column = skip_sign(i + 1);
    if (!tokens_.is_name(column) || !tokens_.is_punctuation(column + 1, '+') ||
        !tokens_.is_word(column + 2, "INTERVAL")) {
      return i;
    }
    size_t at = column + 3;
    if (tokens_.is_punctuation(at, '(')) {
      do {
        ++at;
      } while (at < tokens_.size() && !(tokens_[at].depth == 0 && tokens_.is_punctuation(at, ')')));
      ++at;
    } else {
      at = value_end(at);
    }
    return at > 0 && at < tokens_.size() && tokens_[at].kind == TokenKind::kWord ? at + 1 : i;
  }

  std::string_view text_;
  const TokenList& tokens_;
  const bool is_alter_;
  const size_t name_end_;  // byte
  std::vector<TextEdit> edits_;
  size_t done_byte_ = 0;
};

}  // namespace

std::string wrap_tidb_options(std::string_view text) {
  const std::optional<TokenList> tokens = TokenList::lex(text);
  const DdlStatement statement = parse_ddl(text, kDefaultSqlMode);
  const bool has_options =
      statement.kind == DdlKind::kCreateTable || statement.kind == DdlKind::kAlterTable;
  if (!tokens || !has_options || statement.tables.empty()) return std::string(text);
  return Wrapper(text, *tokens, statement).run();
}

}  // namespace drainer::tidb
