// to_common_dialect(): what only some servers take goes into comments that only those execute
// (FIX, spec/schema-and-ddl.md 4.1: TiDB prints it bare, and the original stops at error 1064).
//
//     /*T! … */        TiDB
//     /*!80016 … */    MySQL from that version on, and TiDB; MariaDB skips those from 50700 on
//     /*M!100600 … */  MariaDB from that version on
//
// As in process_ddl_text(), the text is cut, never printed anew.

#include "drainer/tidb/ddl_dialect.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "drainer/tidb/ddl_options.h"
#include "drainer/tidb/ddl_rewrite.h"
#include "drainer/tidb/ddl_statement.h"
#include "drainer/tidb/text_edit.h"

namespace drainer::tidb {

namespace {

using Words = std::initializer_list<std::string_view>;

/// A server's part of a text: `begin` opens the comment.
struct Form {
  std::string_view begin;
  std::string code;
};
constexpr std::string_view kTidb = "/*T! ";
constexpr std::string_view kMariadb = "/*M! ";

/// An option with a value, and who takes it.
struct Option {
  std::string_view name;
  std::string_view begin;
};
constexpr Option kOptions[] = {
    {"COLUMN_FORMAT", "/*!50700 "},
    {"STORAGE", "/*!50700 "},
    {"COMPRESSION", "/*!50700 "},
    {"ENCRYPTION", "/*!50700 "},
};

/// MariaDB's own names for the collations of MySQL 8 that TiDB has: its newer versions
/// take MySQL's names to mean these.
struct Collation {
  std::string_view mysql;
  std::string_view mariadb;
};
constexpr Collation kCollations[] = {
    {"UTF8MB4_0900_AI_CI", "utf8mb4_uca1400_nopad_ai_ci"},
    {"UTF8MB4_0900_BIN", "utf8mb4_nopad_bin"},
};

class Translator {
 public:
  Translator(std::string_view text, const TokenList& tokens, DdlKind kind, Checks checks)
      : text_(text), tokens_(tokens), kind_(kind), checks_(checks) {}

  std::string run() {
    for (size_t i = 0; i < tokens_.size();) {
      // What stands in a special comment is not for all servers already, but mysqldump puts there
      // what all execute.
      if (tokens_[i].kind != TokenKind::kWord) {
        ++i;
      } else if (!tokens_[i].is_special) {
        i = translate(i);
      } else {
        i = std::max(is_about_table() ? translate_engine(i) : i, i + 1);
      }
    }
    return apply_edits(text_, edits_);
  }

 private:
  // Gives the token behind what has been translated, else behind i. In each of the functions
  // below, `end` is the token behind a part that begins at i.
  size_t translate(size_t i) {
    size_t end = translate_collation(i);
    if (end == i && is_about_table()) {
      end = translate_check(i);
      if (end == i) end = translate_clause(i);
      if (end == i) end = translate_nullability(i);
      if (end == i) end = translate_engine(i);
      if (end == i) end = translate_option(i);
      if (end == i) end = translate_tidb_word(i);
    }
    if (end == i && is_alter_or_index()) end = translate_algorithm(i);
    if (end == i && is_alter_or_index()) end = translate_if_exists(i);
    return std::max(end, i + 1);
  }

  bool is_about_table() const {
    return kind_ == DdlKind::kCreateTable || kind_ == DdlKind::kAlterTable ||
           kind_ == DdlKind::kCreateIndex;
  }
  bool is_alter_or_index() const {
    return kind_ == DdlKind::kAlterTable || kind_ == DdlKind::kCreateIndex ||
           kind_ == DdlKind::kDropIndex;
  }

  bool is(size_t i, std::string_view word) const { return tokens_.is_word(i, word); }
  bool is_any(size_t i, Words words) const {
    return std::ranges::any_of(words, [&](std::string_view word) { return is(i, word); });
  }
  bool is_comma(size_t i) const { return tokens_.is_punctuation(i, ','); }
  std::string code(size_t first, size_t end) const {
    const size_t begin = tokens_[first].begin;
    return std::string(text_.substr(begin, tokens_[end - 1].end - begin));
  }

  // The token behind the parenthesis that opens at i.
  size_t parenthesis_end(size_t i) const {
    const uint32_t depth = tokens_[i].depth;
    for (++i; i < tokens_.size(); ++i) {
      if (tokens_[i].depth == depth && tokens_.is_punctuation(i, ')')) return i + 1;
    }
    return tokens_.size();
  }

  // The element of a list (column, clause of ALTER TABLE) that token i belongs to.
  size_t element_begin(size_t i) const {
    const uint32_t depth = tokens_[i].depth;
    while (i > 0 && tokens_[i - 1].depth >= depth && !is_element_end(i - 1, depth)) --i;
    return i;
  }
  size_t element_end(size_t i) const {
    const uint32_t depth = tokens_[i].depth;
    while (i < tokens_.size() && tokens_[i].depth >= depth && !is_element_end(i, depth)) ++i;
    return i;
  }
  bool is_element_end(size_t i, uint32_t depth) const {
    return tokens_[i].depth == depth && (is_comma(i) || tokens_[i].kind == TokenKind::kSemicolon);
  }

  // Whether the columns of an index, or its options, may end before i.
  bool follows_index(size_t i) const {
    if (i < 2) return false;
    return tokens_.is_punctuation(i - 1, ')') || tokens_[i - 1].kind == TokenKind::kString ||
           tokens_[i - 1].kind == TokenKind::kSpecialEnd ||
           is_any(i - 1, {"BTREE", "HASH", "CLUSTERED", "NONCLUSTERED", "VISIBLE", "INVISIBLE"}) ||
           (is(i - 1, "KEY") && is_any(i - 2, {"PRIMARY", "UNIQUE"}));
  }

  // Tokens [first, end) as `forms`, each for its server.
  size_t replace(size_t first, size_t end, std::initializer_list<Form> forms) {
    return replace_bytes(tokens_[first].begin, tokens_[end - 1].end, forms, "", "") ? end : first;
  }

  // The same for a clause or an element of a list: with the comma before it, or the one behind if
  // there is none, or the element before has it.
  size_t replace_clause(size_t first, size_t end, std::initializer_list<Form> forms) {
    size_t begin_byte = tokens_[first].begin;
    size_t end_byte = tokens_[end - 1].end;
    std::string_view before;
    std::string_view behind;
    const bool is_first =
        !is_comma(first - 1) || (!edits_.empty() && edits_.back().end > tokens_[first - 1].begin);
    if (!is_first) {
      begin_byte = tokens_[first - 1].begin;
      before = ", ";
    } else if (is_comma(end)) {
      end_byte = tokens_[end].end;
      behind = ",";
    }
    return replace_bytes(begin_byte, end_byte, forms, before, behind) ? end : first;
  }

  bool replace_bytes(size_t begin, size_t end, std::initializer_list<Form> forms,
                     std::string_view before, std::string_view behind) {
    std::string out;
    for (const Form& form : forms) {
      // Servers that skip a comment do not look for strings in it.
      if (form.code.find("*/") != std::string::npos) return false;
      if (!out.empty() || !before.empty()) out.push_back(' ');
      out.append(form.begin).append(before).append(form.code).append(behind).append(" */");
    }
    edits_.push_back({begin, end, std::move(out)});
    return true;
  }

  size_t translate_collation(size_t i) {
    if (!is(i, "COLLATE")) return i;
    const size_t at = tokens_.is_punctuation(i + 1, '=') ? i + 2 : i + 1;
    for (const Collation& collation : kCollations) {
      if (!is(at, collation.mysql)) continue;
      return replace(at, at + 1,
                     {{"/*!80001 ", code(at, at + 1)}, {kMariadb, std::string(collation.mariadb)}});
    }
    return i;
  }

  // [CONSTRAINT [name]] CHECK (…) [[NOT] ENFORCED]. Enforced is what it is without the word, which
  // MariaDB and MySQL 5.7 do not know; a constraint that is not enforced they cannot have.
  size_t translate_check(size_t i) {
    if (!is(i, "CHECK") || !tokens_.is_punctuation(i + 1, '(')) return i;
    size_t end = parenthesis_end(i + 1);
    const bool is_enforced = is(end, "ENFORCED");
    const bool is_off = is(end, "NOT") && is(end + 1, "ENFORCED");
    if (checks_ == Checks::kKept) {
      if (is_enforced) edits_.push_back({tokens_[end - 1].end, tokens_[end].end, ""});
      if (!is_off) return i;
    }
    end += is_off ? 2 : is_enforced ? 1 : 0;
    size_t first = i;
    if (is(first - 1, "CONSTRAINT")) {
      first -= 1;
    } else if (first > 2 && tokens_.is_name(first - 1) && is(first - 2, "CONSTRAINT")) {
      first -= 2;
    }
    const bool is_added = is(first - 1, "ADD");
    if (is_added) --first;
    const bool is_element =
        is_added || is_comma(first - 1) || tokens_.is_punctuation(first - 1, '(');
    const Form form{checks_ == Checks::kIgnored ? kTidb : "/*!80016 ", code(first, end)};
    const size_t done =
        is_element ? replace_clause(first, end, {form}) : replace(first, end, {form});
    return done > first ? done : i;
  }

  // Clauses of ALTER TABLE that MariaDB says otherwise, if at all.
  size_t translate_clause(size_t i) {
    if (kind_ != DdlKind::kAlterTable || tokens_[i].depth > 0) return i;
    if (is(i, "WITHOUT") && is(i + 1, "VALIDATION")) {
      const std::string words = code(i, i + 2);
      return replace(i, i + 2, {{"/*!50705 ", words}, {"/*M!110400 ", words}});
    }
    if (!tokens_.is_name(i + 2)) return i;
    const std::string name = code(i + 2, i + 3);
    const std::string drop = "DROP CONSTRAINT IF EXISTS " + name;
    if (is(i, "DROP") && is(i + 1, "CHECK")) {
      return replace_clause(i, i + 3, {{"/*!80016 ", code(i, i + 3)}, {kMariadb, drop}});
    }
    if (!is(i, "ALTER")) return i;
    if (is_any(i + 1, {"CHECK", "CONSTRAINT"})) {
      if (is(i + 3, "ENFORCED")) {
        return replace_clause(i, i + 4, {{"/*!80016 ", code(i, i + 4)}});
      }
      if (!is(i + 3, "NOT") || !is(i + 4, "ENFORCED")) return i;
      return replace_clause(i, i + 5, {{"/*!80016 ", code(i, i + 5)}, {kMariadb, drop}});
    }
    if (!is(i + 1, "INDEX") || !is_any(i + 3, {"VISIBLE", "INVISIBLE"})) return i;
    const std::string_view ignored = is(i + 3, "VISIBLE") ? " NOT IGNORED" : " IGNORED";
    return replace_clause(
        i, i + 4,
        {{"/*!80000 ", code(i, i + 4)}, {"/*M!100600 ", code(i, i + 3) + std::string(ignored)}});
  }

  // [NOT] NULL of a generated column, which MariaDB cannot have (error 1064).
  size_t translate_nullability(size_t i) {
    const size_t last = is(i, "NOT") ? i + 1 : i;
    if (kind_ == DdlKind::kCreateIndex || !is(last, "NULL") || is(i - 1, "SET")) return i;
    const size_t end = element_end(i);
    for (size_t k = element_begin(i); k < end; ++k) {
      const bool is_generated = tokens_[k].depth == tokens_[i].depth && is(k, "AS") &&
                                !tokens_[k].is_special && tokens_.is_punctuation(k + 1, '(');
      if (is_generated) return replace(i, last + 1, {{"/*!50700 ", code(i, last + 1)}});
    }
    return i;
  }

  // ENGINE = x, which TiDB does not mind: its tables have transactions, and so they need them here.
  // What MyISAM has taken stays when the transaction is rolled back, and comes again. Partitions
  // must have the table's (error 1497).
  size_t translate_engine(size_t i) {
    if (!is(i, "ENGINE") || (tokens_[i].depth > 0 && !is_in_partition(i))) return i;
    const bool has_sign = tokens_.is_punctuation(i + 1, '=');
    const size_t at = has_sign ? i + 2 : i + 1;
    if (at >= tokens_.size()) return i;
    // Without the sign, it may also be a name.
    const bool is_value =
        has_sign || tokens_[at].kind == TokenKind::kString ||
        is_any(at, {"MYISAM", "ARIA", "MEMORY", "HEAP", "CSV", "ARCHIVE", "MERGE", "MRG_MYISAM"});
    if (!is_value || is_any(at, {"INNODB", "ROCKSDB", "TOKUDB", "NDB", "NDBCLUSTER"})) return i;
    edits_.push_back({tokens_[at].begin, tokens_[at].end, "InnoDB"});
    return at + 1;
  }
  bool is_in_partition(size_t i) const {
    return is_any(element_begin(i), {"PARTITION", "SUBPARTITION"});
  }

  // name [=] value
  size_t translate_option(size_t i) {
    const auto* option =
        std::ranges::find_if(kOptions, [&](const Option& known) { return is(i, known.name); });
    if (option == std::end(kOptions)) return i;
    const bool has_sign = tokens_.is_punctuation(i + 1, '=');
    size_t end = has_sign ? i + 2 : i + 1;
    const bool is_value =
        end < tokens_.size() &&
        (tokens_[end].kind == TokenKind::kString || (has_sign && tokens_.is_name(end)) ||
         is_any(end, {"DEFAULT", "FIXED", "DYNAMIC", "DISK", "MEMORY"}));
    if (!is_value) return i;
    ++end;
    if (tokens_.is_punctuation(end, '.')) end += 2;  // a fraction
    return end > tokens_.size() ? i : replace(i, end, {{option->begin, code(i, end)}});
  }

  // Words that TiDB itself prints in its comments, but a user's text has bare: that of a DDL that
  // is run before its binlog comes, of TiDB < 5.4, or that TiDB could not parse.
  size_t translate_tidb_word(size_t i) {
    if (is_any(i, {"VISIBLE", "INVISIBLE"}) && follows_index(i)) {
      if (is(i, "VISIBLE")) return replace(i, i + 1, {{"/*!80000 ", code(i, i + 1)}});
      return replace(i, i + 1, {{"/*!80000 ", code(i, i + 1)}, {"/*M!100600 ", "IGNORED"}});
    }
    if (is_any(i, {"CLUSTERED", "NONCLUSTERED"}) && follows_index(i)) {
      return replace(i, i + 1, {{"/*T![clustered_index] ", code(i, i + 1)}});
    }
    if (is(i, "GLOBAL") && follows_index(i)) {
      return replace(i, i + 1, {{"/*T![global_index] ", code(i, i + 1)}});
    }
    if (!is(i, "AUTO_RANDOM") || i == 0) return i;
    const bool is_name = tokens_[i - 1].kind == TokenKind::kQuoted || is_comma(i - 1) ||
                         tokens_.is_punctuation(i - 1, '(') ||
                         is_any(i - 1, {"ADD", "COLUMN", "EXISTS", "MODIFY", "CHANGE", "DROP",
                                        "AFTER", "TO", "INDEX", "ALTER", "RENAME"});
    if (is_name) return i;
    const size_t end = tokens_.is_punctuation(i + 1, '(') ? parenthesis_end(i + 1) : i + 1;
    return replace(i, end, {{"/*T![auto_rand] ", code(i, end)}});
  }

  // ALGORITHM [=] x, LOCK [=] x. TiDB takes promises that other servers cannot keep (error 1846);
  // MariaDB's DROP INDEX knows neither.
  size_t translate_algorithm(size_t i) {
    if (tokens_[i].depth > 0 || !is_any(i, {"ALGORITHM", "LOCK"})) return i;
    const size_t at = tokens_.is_punctuation(i + 1, '=') ? i + 2 : i + 1;
    if (!is_any(at, {"INPLACE", "INSTANT", "COPY", "NONE", "SHARED", "EXCLUSIVE", "DEFAULT"})) {
      return i;
    }
    if (kind_ == DdlKind::kAlterTable) {
      edits_.push_back({tokens_[at].begin, tokens_[at].end, "DEFAULT"});
    } else {
      edits_.push_back({tokens_[i - 1].end, tokens_[at].end, ""});
    }
    return at + 1;
  }

  // IF [NOT] EXISTS of a statement that does one thing: on MySQL its error is ignored as well. Of
  // one that does several, the error would take the others with it.
  size_t translate_if_exists(size_t i) {
    if (tokens_[i].depth > 0 || !is(i, "IF")) return i;
    const size_t last = is(i + 1, "NOT") ? i + 2 : i + 1;
    if (!is(last, "EXISTS") || tokens_.is_punctuation(last + 1, '(')) return i;
    for (size_t k = 0; k < tokens_.size(); ++k) {
      if (tokens_[k].depth == 0 && is_comma(k)) return i;
    }
    const std::string words = code(i, last + 1);
    return replace(i, last + 1, {{kTidb, words}, {kMariadb, words}});
  }

  std::string_view text_;
  const TokenList& tokens_;
  DdlKind kind_;
  Checks checks_;
  std::vector<TextEdit> edits_;
};

// CREATE and DROP GLOBAL TEMPORARY TABLE: only TiDB has such tables, and their rows are in no
// binlog. Comments do not nest, so the ones within are opened.
std::optional<std::string> for_tidb_only(std::string_view text, const TokenList& tokens) {
  const TokenList words = tokens.without_markers();
  if (!words.is_word(1, "GLOBAL") || !words.is_word(2, "TEMPORARY")) return std::nullopt;
  if (tokens[0].is_special) return std::string(text);
  std::string out(kTidb);
  size_t done = tokens[0].begin;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const bool is_marker = tokens[i].kind == TokenKind::kSpecialBegin ||
                           tokens[i].kind == TokenKind::kSpecialEnd ||
                           tokens[i].kind == TokenKind::kSemicolon;
    if (!is_marker) continue;
    out += text.substr(done, tokens[i].begin - done);
    done = tokens[i].end;
  }
  out += text.substr(done);
  return out.find("*/") == std::string::npos ? out + " */" : "";
}

}  // namespace

std::string to_common_dialect(std::string_view text, Checks checks) {
  const std::optional<TokenList> tokens = TokenList::lex(text);
  if (!tokens) return std::string(text);
  const DdlKind kind = classify_ddl(text, kDefaultSqlMode);
  if (kind == DdlKind::kCreateTable || kind == DdlKind::kDropTable) {
    if (std::optional<std::string> out = for_tidb_only(text, *tokens)) return *std::move(out);
  }
  const std::string wrapped = wrap_tidb_options(text);
  const std::optional<TokenList> translated = TokenList::lex(wrapped);
  return translated ? Translator(wrapped, *translated, kind, checks).run() : wrapped;
}

std::string ddl_for_mysql(std::string_view text, std::string_view schema, std::string_view table,
                          Checks checks) {
  return to_common_dialect(ddl_for_tidb(text, schema, table), checks);
}

}  // namespace drainer::tidb
