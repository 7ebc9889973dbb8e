// What the collations of a server hold equal, against what the conflict keys make of it.
#include <map>

#include "syncer/mysql/rows/row_uses.h"
#include "tests/unit/mysql/sample.h"

#include <catch2/catch.hpp>

namespace drainer::mysql {
namespace {

using namespace sample;
using fakes::MariadbServer;

/// All printable ASCII letters and pairs of them.
std::vector<std::string> sample_texts() {
  std::vector<std::string> texts;
  for (char a = ' '; a <= '~'; ++a) {
    texts.emplace_back(1, a);
    for (char b = ' '; b <= '~'; ++b) texts.push_back({a, b});
  }
  return texts;
}

void fill(Inspector& db, const std::vector<std::string>& texts) {
  db.run("CREATE TABLE sweep(no INT PRIMARY KEY, v VARCHAR(2) COLLATE utf8mb4_bin)");
  std::string insert = "INSERT INTO sweep VALUES";
  for (size_t i = 0; i < texts.size(); ++i) {
    insert += fmt::format("{}({},'", i == 0 ? "" : ",", i);
    for (const char c : texts[i])
      insert += (c == '\'' || c == '\\' ? "\\" : "") + std::string(1, c);
    insert += "')";
  }
  db.run(insert);
}

TEST_CASE("row uses: texts that a collation of the server holds equal hash equal", "[mariadb]") {
  REQUIRE_MARIADB();
  Inspector db(MariadbServer::shared().port());
  db.reset("test");
  const std::vector<std::string> texts = sample_texts();
  fill(db, texts);
  // Of those that differ only in what they tell apart the coarsest is looked at. The others of
  // Unicode are the same in each of its character sets.
  const auto collations = db.session().query(
      "SELECT character_set_name, full_collation_name FROM "
      "information_schema.collation_character_set_applicability WHERE full_collation_name NOT "
      "REGEXP '_bin$|nopad|uca1400.*_as_|uca1400.*_cs$' AND (full_collation_name NOT LIKE "
      "'%uca1400%' OR "
      "character_set_name IN ('utf8mb4', 'ucs2')) AND character_set_name NOT LIKE 'utf16%' AND "
      "character_set_name NOT IN ('binary', 'utf32', 'utf8mb3') ORDER BY 2");
  REQUIRE(collations.ok());
  REQUIRE(collations->size() > 100);
  for (const ResultRow& row : *collations) {
    const DownstreamColumn column =
        describe({{"c", "", "varchar", row[0], "8", row[1], "NO", std::nullopt, std::nullopt, "t"}},
                 {})
            .columns[0];
    const auto groups = db.session().query(
        fmt::format("SELECT GROUP_CONCAT(no) FROM sweep GROUP BY CONVERT(v USING {}) COLLATE {} "
                    "HAVING COUNT(*) > 1",
                    *row[0], *row[1]));
    REQUIRE(groups.ok());
    std::string differing;
    for (const ResultRow& group : *groups) {
      std::map<uint64_t, std::string> by_hash;
      size_t position = 0;
      while (position < group[0]->size()) {
        const std::string& value = texts[std::stoul(group[0]->substr(position))];
        position = std::min(group[0]->find(',', position), group[0]->size() - 1) + 1;
        if (const auto hash = hash_value(text(value), column, 0)) by_hash.emplace(*hash, value);
      }
      if (by_hash.size() < 2 || differing.size() > 100) continue;
      for (const auto& [hash, value] : by_hash) differing += fmt::format(" \"{}\"", value);
      differing += ";";
    }
    INFO(*row[1]);
    CHECK(differing == "");
  }
}

}  // namespace
}  // namespace drainer::mysql
