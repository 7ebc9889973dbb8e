// The text is cut, never printed anew: the rewriter collects ranges of bytes to remove and to
// replace and applies them at the end.

#include "drainer/tidb/ddl_rewrite.h"

#include <algorithm>
#include <optional>

#include "drainer/tidb/ddl_sql_mode.h"
#include "drainer/tidb/ddl_statement.h"
#include "drainer/tidb/text_edit.h"

namespace drainer::tidb {

namespace {

constexpr std::string_view kTtlOff = " /*T![ttl] TTL_ENABLE = 'OFF' */";

class Rewriter {
 public:
  Rewriter(std::string_view text, const TokenList& tokens) : text_(text), tokens_(tokens) {}

  std::string run(DdlKind kind) {
    end_ = tokens_.size();
    while (end_ > 0 && tokens_[end_ - 1].kind == TokenKind::kSemicolon) --end_;
    if (!has_code() || is_policy_statement()) return {};
    for (size_t i = 0; i < end_; ++i) {
      if (tokens_[i].kind == TokenKind::kSpecialBegin && tokens_.text_of(i) == "/*!90000") {
        prefixes_.push_back({tokens_[i].begin, tokens_[i].end, "/*T!"});
      }
    }
    const bool has_options = kind == DdlKind::kCreateTable || kind == DdlKind::kAlterTable ||
                             kind == DdlKind::kCreateDatabase || kind == DdlKind::kAlterDatabase;
    if (has_options) find_options();
    if (kind == DdlKind::kAlterDatabase && has_placement_ && nothing_left(name_end())) return {};
    if (kind == DdlKind::kAlterTable && !removed_.empty()) {
      if (std::optional<std::string> done = drop_clauses()) return *done;
    }
    return apply();
  }

 private:
  // MySQL executes nothing of a text that is all in comments of TiDB; a placement policy in such a
  // comment is of no use to TiDB either.
  bool has_code() const {
    for (size_t i = 0; i < end_; ++i) {
      if (!tokens_[i].is_tidb) return true;
    }
    return false;
  }

  bool is_policy_statement() const {
    const TokenList code = tokens_.without_markers();
    return (code.is_word(0, "CREATE") || code.is_word(0, "ALTER") || code.is_word(0, "DROP")) &&
           code.is_word(1, "PLACEMENT") && code.is_word(2, "POLICY");
  }

  void find_options() {
    for (size_t i = 0; i < end_;) {
      size_t last = placement_end(i);
      if (last > i) {
        has_placement_ = true;
        remove_placement(i, last);
      } else if ((last = ttl_enable_end(i)) > i) {
        remove_ttl_enable(i, last);
      } else if ((last = ttl_end(i)) > i) {
        insert_ttl_off(last);
      } else {
        ++last;
      }
      i = last;
    }
  }

  // Each gives the token behind the option that begins at i, or i.
  size_t placement_end(size_t i) const {
    size_t at = i;
    if (tokens_.is_word(at, "DEFAULT")) ++at;
    if (!tokens_.is_word(at, "PLACEMENT") || !tokens_.is_word(at + 1, "POLICY")) return i;
    at += 2;
    if (tokens_.is_punctuation(at, '=')) ++at;
    const bool is_value =
        at < end_ && (tokens_.is_name(at) || tokens_[at].kind == TokenKind::kString);
    return is_value ? at + 1 : i;
  }

  size_t ttl_enable_end(size_t i) const {
    if (!tokens_.is_word(i, "TTL_ENABLE")) return i;
    const size_t at = tokens_.is_punctuation(i + 1, '=') ? i + 2 : i + 1;
    return at < end_ && tokens_[at].kind == TokenKind::kString ? at + 1 : i;
  }

  size_t ttl_end(size_t i) const {
    if (!tokens_.is_word(i, "TTL")) return i;
    size_t at = tokens_.is_punctuation(i + 1, '=') ? i + 2 : i + 1;
    if (!tokens_.is_name(at) || !tokens_.is_punctuation(at + 1, '+') ||
        !tokens_.is_word(at + 2, "INTERVAL")) {
      return i;
    }
    at += 3;
    // The amount may be any expression; the unit is the last word before the comment or clause
    // ends.
    const uint32_t depth = tokens_[i].depth;
    size_t unit = i;
    for (; at < end_ && tokens_[at].depth >= depth; ++at) {
      if (tokens_[at].kind == TokenKind::kSpecialEnd || tokens_.is_punctuation(at, ',')) break;
      if (tokens_[at].depth == depth && is_time_unit(at)) {
        unit = at;
        break;
      }
    }
    return unit > i ? unit + 1 : i;
  }

  bool is_time_unit(size_t i) const {
    constexpr std::string_view kUnits[] = {"MICROSECOND",
                                           "SECOND",
                                           "MINUTE",
                                           "HOUR",
                                           "DAY",
                                           "WEEK",
                                           "MONTH",
                                           "QUARTER",
                                           "YEAR",
                                           "SECOND_MICROSECOND",
                                           "MINUTE_SECOND",
                                           "HOUR_SECOND",
                                           "HOUR_MINUTE",
                                           "DAY_SECOND",
                                           "DAY_MINUTE",
                                           "DAY_HOUR",
                                           "YEAR_MONTH",
                                           "DAY_MICROSECOND",
                                           "HOUR_MICROSECOND",
                                           "MINUTE_MICROSECOND"};
    return std::ranges::any_of(kUnits,
                               [&](std::string_view unit) { return tokens_.is_word(i, unit); });
  }

  // The bytes of tokens [first, last), or of the whole special comment if it holds nothing else.
  TextEdit range_of(size_t first, size_t last) const {
    if (first > 0 && last < tokens_.size() && tokens_[first - 1].kind == TokenKind::kSpecialBegin &&
        tokens_[last].kind == TokenKind::kSpecialEnd) {
      return {tokens_[first - 1].begin, tokens_[last].end, ""};
    }
    return {tokens_[first].begin, tokens_[last - 1].end, ""};
  }

  void remove_placement(size_t first, size_t last) {
    // ALTER TABLE … PARTITION `p` PLACEMENT POLICY = …: the clause is nothing without its option.
    const bool has_partition = first >= 2 && tokens_.is_word(first - 2, "PARTITION");
    const bool starts_clause =
        has_partition && (first == 2 || !tokens_.is_punctuation(first - 3, '('));
    const bool is_clause = starts_clause && tokens_[first].depth == 0;
    removed_.push_back(range_of(is_clause ? first - 2 : first, last));
    if (is_clause) ++partition_clauses_;
  }

  void remove_ttl_enable(size_t first, size_t last) {
    TextEdit edit = range_of(first, last);
    if (edit.begin > 0 && text_[edit.begin - 1] == ' ') --edit.begin;
    removed_.push_back(edit);
  }

  void insert_ttl_off(size_t last) {
    // A comment that is open here ends first, as comments do not nest.
    size_t at = tokens_[last - 1].end;
    if (tokens_[last - 1].is_special) {
      while (tokens_[last].kind != TokenKind::kSpecialEnd) ++last;
      at = tokens_[last].end;
    }
    inserted_.push_back({at, at, std::string(kTtlOff)});
  }

  bool is_removed(size_t token) const {
    return std::ranges::any_of(removed_, [&](const TextEdit& edit) {
      return edit.begin <= tokens_[token].begin && tokens_[token].end <= edit.end;
    });
  }

  // Whether all that follows byte `from` is markers, commas between clauses, and what goes.
  bool nothing_left(size_t from) const {
    for (size_t i = 0; i < end_; ++i) {
      const bool is_nothing = tokens_[i].kind == TokenKind::kSpecialBegin ||
                              tokens_[i].kind == TokenKind::kSpecialEnd ||
                              (tokens_[i].depth == 0 && tokens_.is_punctuation(i, ','));
      if (tokens_[i].begin >= from && !is_nothing && !is_removed(i)) return false;
    }
    return true;
  }

  // Byte behind `ALTER TABLE name` or `ALTER DATABASE [name]`.
  size_t name_end() const {
    const DdlStatement statement = parse_ddl(text_, kDefaultSqlMode);
    if (!statement.tables.empty()) return statement.tables.front().end;
    for (size_t i = 0; i + 1 < end_; ++i) {
      if (!tokens_.is_word(i, "DATABASE") && !tokens_.is_word(i, "SCHEMA")) continue;
      const bool has_name = tokens_.is_name(i + 1) && placement_end(i + 1) == i + 1;
      return tokens_[has_name ? i + 1 : i].end;
    }
    return 0;
  }

  // Clauses of which nothing is left go together with one comma. The finished text if none is left.
  std::optional<std::string> drop_clauses() {
    const size_t from = name_end();
    if (nothing_left(from) && inserted_.empty()) {
      const bool only_partitions = partition_clauses_ == removed_.size();
      return only_partitions ? std::string() : std::string(text_.substr(0, from));
    }
    size_t begin = 0;
    while (begin < end_ && tokens_[begin].begin < from) ++begin;
    const size_t clauses_begin = begin;
    bool keeps_earlier = false;
    for (size_t i = begin; i <= end_; ++i) {
      const bool is_comma =
          i < end_ && tokens_[i].depth == 0 && tokens_.is_punctuation(i, ',') && !is_removed(i);
      if (i < end_ && !is_comma) continue;
      const bool is_empty = begin < i && all_removed(begin, i);
      if (!is_empty) {
        keeps_earlier = true;
      } else if (keeps_earlier) {
        removed_.push_back({tokens_[begin - 1].begin, tokens_[i - 1].end, ""});  // ", clause"
      } else if (i < end_) {
        // "clause, " up to the next clause, so that one blank stays behind the name.
        removed_.push_back({tokens_[std::max(begin, clauses_begin)].begin,
                            i + 1 < end_ ? tokens_[i + 1].begin : tokens_[i].end, ""});
      }
      begin = i + 1;
    }
    return std::nullopt;
  }

  bool all_removed(size_t first, size_t last) const {
    for (size_t i = first; i < last; ++i) {
      if (!is_removed(i)) return false;
    }
    return true;
  }

  std::string apply() {
    const size_t stop = end_ < tokens_.size() ? tokens_[end_].begin : text_.size();
    std::vector<TextEdit> edits = prefixes_;
    edits.insert(edits.end(), removed_.begin(), removed_.end());
    edits.insert(edits.end(), inserted_.begin(), inserted_.end());
    if (edits.empty()) return std::string(text_);
    const std::string_view statement = text_.substr(0, stop);
    std::string out = apply_edits(statement, std::move(edits));
    return out == statement ? std::string(text_) : out;
  }

  std::string_view text_;
  const TokenList& tokens_;
  size_t end_ = 0;  // token behind the last that counts
  std::vector<TextEdit> prefixes_;
  std::vector<TextEdit> removed_;
  std::vector<TextEdit> inserted_;
  size_t partition_clauses_ = 0;
  bool has_placement_ = false;
};

}  // namespace

std::string process_ddl_text(std::string_view text) {
  const std::optional<TokenList> tokens = TokenList::lex(text);
  if (!tokens) return std::string(text);
  const size_t statements = split_statements(text).size();
  if (statements > 1) return std::string(text);
  return Rewriter(text, *tokens).run(classify_ddl(text, kDefaultSqlMode));
}

std::string drop_only(std::string_view text, std::string_view schema, std::string_view table) {
  const DdlStatement statement = parse_ddl(text, kDefaultSqlMode);
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

std::string rename_only(std::string_view text, SqlMode mode, const std::vector<bool>& keeps) {
  const DdlStatement statement = parse_ddl(text, mode);
  const std::vector<NameInText>& names = statement.tables;
  if (statement.kind != DdlKind::kRenameTable || names.size() != 2 * keeps.size()) {
    return std::string(text);
  }
  std::string clauses;
  for (size_t i = 0; i < keeps.size(); ++i) {
    if (!keeps[i]) continue;
    if (!clauses.empty()) clauses += ", ";
    clauses += text.substr(names[2 * i].begin, names[2 * i + 1].end - names[2 * i].begin);
  }
  return std::string(text.substr(0, names.front().begin)) + clauses +
         std::string(text.substr(names.back().end));
}

std::string qualify_names(std::string_view text, std::string_view schema) {
  std::vector<TextEdit> edits;
  for (const NameInText& name : parse_ddl(text, kDefaultSqlMode).tables) {
    if (name.is_qualified()) continue;
    std::string prefix;
    append_quoted_name(prefix, schema);
    edits.push_back({name.begin, name.begin, prefix + "."});
  }
  return apply_edits(text, std::move(edits));
}

std::string ddl_for_tidb(std::string_view text, std::string_view schema, std::string_view table) {
  return process_ddl_text(drop_only(to_default_sql_mode(text), schema, table));
}

}  // namespace drainer::tidb
