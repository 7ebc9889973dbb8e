#include "syncer/mysql/ddl_facts.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "drainer/base/fnv1a.h"
#include "syncer/mysql/session/failure.h"
#include "syncer/mysql/session/literal.h"

namespace drainer::mysql {
namespace {

/// `text` without the last `before`, digits and `after`, if they are there.
std::string without_number(std::string text, std::string_view before, std::string_view after) {
  const size_t at = text.rfind(before);
  if (at == std::string::npos) return text;
  const size_t end = text.find_first_not_of("0123456789", at + before.size());
  if (!std::string_view(text).substr(std::min(end, text.size())).starts_with(after)) return text;
  return text.erase(at, std::min(end, text.size()) + after.size() - at);
}

/// The definition without the counters that rows move: TiDB has a second one.
std::string without_counters(std::string definition) {
  return without_number(without_number(std::move(definition), " AUTO_INCREMENT=", ""),
                        " /*T![auto_rand_base] AUTO_RANDOM_BASE=", " */");
}

Result<std::string> definition_of(Session& session, const schema::TableName& name) {
  std::string sql = "SHOW CREATE ";
  if (name.table.empty()) {
    sql += "DATABASE ";
    append_identifier(sql, name.schema);
  } else {
    sql += "TABLE ";
    append_table_name(sql, name.schema, name.table);
  }
  auto rows = session.query(sql);
  if (rows.ok()) {
    return rows->empty() ? "" : without_counters((*rows)[0].at(1).value_or(""));
  }
  const int32_t code = rows.error().detail();
  if (code == kNoSuchTable || code == kUnknownDatabase) return std::string("absent");
  return std::move(rows).error();
}

constexpr char kEarly = 'e';

bool is_plain_name(std::string_view name) {
  return std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
}

/// The storage engine's ids of the table and its partitions; nothing when they cannot be had.
/// kLost failures are returned.
Result<std::string> ids_of(Session& session, const schema::TableName& name) {
  if (name.table.empty()) return std::string("-");
  // Other names are stored in an encoding of their own.
  if (!is_plain_name(name.schema) || !is_plain_name(name.table)) return std::string();
  const std::string file = name.schema + "/" + name.table;
  const std::string partition = file + "#p#";
  const auto innodb = [&](std::string_view view) {
    // Not LIKE, for which an underscore is any letter.
    return fmt::format(
        "SELECT name, table_id FROM information_schema.{} WHERE name = '{}' OR LEFT(name, {}) = "
        "'{}' ORDER BY name",
        view, file, partition.size(), partition);
  };
  const std::array<std::string, 3> queries = {
      innodb("innodb_sys_tables"), innodb("innodb_tables"),
      fmt::format("SELECT table_name, tidb_table_id FROM information_schema.tables WHERE "
                  "table_schema = '{}' AND table_name = '{}'",
                  name.schema, name.table)};
  for (const std::string& sql : queries) {
    auto rows = session.query(sql);
    if (!rows.ok()) {
      if (is_lost(rows.error())) return std::move(rows).error();
      continue;
    }
    std::string ids = "-";
    for (const ResultRow& row : *rows) {
      ids += fmt::format("{}={},", row[0].value_or(""), row[1].value_or(""));
    }
    return ids;
  }
  return std::string();
}

std::string folded_words(std::string_view text) {
  std::string words;
  for (const char c : text) {
    const bool is_blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (is_blank && (words.empty() || words.back() == ' ')) continue;
    words.push_back(is_blank ? ' '
                             : static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  }
  return words;
}

/// Only their table ids tell whether these have happened.
bool moves_tables(const std::string& words) {
  return words.find("EXCHANGE PARTITION") != std::string::npos || words.starts_with("RENAME TABLE");
}

}  // namespace

Result<std::string> read_ddl_facts(Session& session, const Ddl& ddl) {
  std::vector<schema::TableName> names = ddl.effect.touched;
  names.push_back(ddl.effect.name);
  uint64_t hash = kFnv1aBegin;
  bool has_ids = true;
  for (const schema::TableName& name : names) {
    ASSIGN_OR_RETURN(const std::string definition, definition_of(session, name));
    ASSIGN_OR_RETURN(const std::string ids, ids_of(session, name));
    has_ids &= !ids.empty();
    hash = fnv1a(definition, fnv1a(name.schema + "/" + name.table + "\n", hash));
    hash = fnv1a(ids, hash);
  }
  return fmt::format("{}{:016x}", has_ids ? 'i' : 'd', hash);
}

std::string journal_mark(const Ddl& ddl) {
  return ddl.is_early ? fmt::format("{}{}j", kEarly, ddl.job_id) : "";
}

std::optional<std::string> facts_of(const Ddl& ddl, std::string_view journal) {
  const std::string mark = journal_mark(ddl);
  const bool is_of_early = journal.starts_with(kEarly);
  if (is_of_early != ddl.is_early || !journal.starts_with(mark)) return std::nullopt;
  return std::string(journal.substr(mark.size()));
}

bool is_unrepeatable_ddl(std::string_view text) {
  const std::string words = folded_words(text);
  if (words.find("EXCHANGE PARTITION") != std::string::npos) return true;
  if (words.starts_with("RENAME TABLE")) return words.find(',') != std::string::npos;
  constexpr std::array<std::string_view, 6> kUnnamed = {
      "ADD INDEX (", "ADD INDEX(", "ADD KEY (", "ADD KEY(", "ADD UNIQUE (", "ADD UNIQUE("};
  return std::ranges::any_of(
      kUnnamed, [&](std::string_view part) { return words.find(part) != std::string::npos; });
}

DdlVerdict judge_ddl(std::string_view text, std::string_view before, std::string_view now) {
  if (before.empty() || now.empty() || before[0] != now[0]) return DdlVerdict::kUnknown;
  if (before != now) return DdlVerdict::kDone;
  const bool has_ids = now[0] == 'i';
  return !has_ids && moves_tables(folded_words(text)) ? DdlVerdict::kUnknown : DdlVerdict::kNotDone;
}

}  // namespace drainer::mysql
