#include "conf/key_table.h"

#include "conf/element_keys.h"
#include "conf/options_json.h"
#include "tests/unit/conf/loading.h"

#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <catch2/catch.hpp>

namespace drainer::conf {

namespace {

// One "#key = value" of drainer.toml.example, with its table and the comment above it.
struct Entry {
  std::string line;
  std::string comment;
};

std::string example_text() {
  std::ifstream file(DRAINER_SOURCE_DIR "/drainer.toml.example");
  REQUIRE(file);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool is_setting(const std::string& line) {
  return line.starts_with("#") && !line.starts_with("# ") && line.size() > 1;
}

std::map<std::string, Entry> entries_of_example() {
  std::map<std::string, Entry> out;
  std::istringstream lines(example_text());
  std::string table;
  std::string comment;
  for (std::string line; std::getline(lines, line);) {
    const std::string text = is_setting(line) ? line.substr(1) : line;
    if (text.starts_with("[")) {
      table = text.substr(text.find_first_not_of('['));
      table = table.substr(0, table.find(']')) + ".";
    } else if (is_setting(line)) {
      const std::string path = table + text.substr(0, text.find(" = "));
      INFO(path);
      CHECK(out.emplace(path, Entry{text, comment}).second);
    } else if (line.starts_with("# ")) {
      comment = line.substr(2);
    }
  }
  return out;
}

std::string last_part(std::string_view path) {
  return std::string(path.substr(path.rfind('.') + 1));
}

template <class Owner>
void check_rows(std::map<std::string, Entry>& entries, const std::string& table,
                std::span<const Key<Owner>> rows) {
  for (const Key<Owner>& row : rows) {
    const std::string path = table + std::string(row.toml);
    const bool has_table_of_its_own =
        path == "syncer.ignore-table" || path == "syncer.replicate-do-table" ||
        path == "syncer.conflict" || path == "syncer.table-migrate-rule" ||
        path == "syncer.binlog-filter-rule" || path == "syncer.to.params" ||
        path == "syncer.to.kafka.properties";
    if (row.toml.empty() || has_table_of_its_own) continue;
    INFO(path);
    const auto entry = entries.find(path);
    REQUIRE(entry != entries.end());
    const std::string name = table.empty() ? last_part(row.toml) : std::string(row.toml);
    if (row.default_text.empty()) {
      CHECK(entry->second.line.starts_with(name + " = "));
    } else {
      CHECK(entry->second.line == fmt::format("{} = {}", name, row.default_text));
    }
    CHECK(entry->second.comment == row.help);
    entries.erase(entry);
  }
}

}  // namespace

TEST_CASE("example: it has every key with its default and its sentence, and no other") {
  std::map<std::string, Entry> entries = entries_of_example();
  check_rows(entries, "", keys());
  check_rows(entries, "syncer.ignore-table.", element_keys<TablePattern>());
  check_rows(entries, "syncer.replicate-do-table.", element_keys<TablePattern>());
  check_rows(entries, "syncer.conflict.", element_keys<ConflictRule>());
  check_rows(entries, "syncer.table-migrate-rule.", element_keys<TableMigrateRule>());
  check_rows(entries, "syncer.binlog-filter-rule.example.", element_keys<BinlogFilterRule>());
  for (const auto& [path, entry] : entries) FAIL_CHECK(path << " is not a key");
  CHECK(example_text().find("\n[syncer.to.params]\n") != std::string::npos);
  CHECK(example_text().find("\n[syncer.to.kafka.properties]\n") != std::string::npos);
}

TEST_CASE("example: as it stands it changes nothing") {
  CHECK(options_json(test::options_of({.file = example_text()})) ==
        options_json(test::options_of({})));
}

TEST_CASE("example: with every line in force it loads, and keeps the defaults") {
  std::istringstream lines(example_text());
  std::string all;
  std::string plain;
  bool in_element = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("[")) in_element = false;
    if (line.starts_with("#[")) in_element = true;
    const std::string text = (is_setting(line) ? line.substr(1) : line) + "\n";
    all += text;
    if (!in_element && !line.starts_with("#sql-mode")) plain += text;
  }
  CHECK(test::options_of({.file = all}).syncer.ignore_table.size() == 1);
  CHECK(options_json(test::options_of({.file = plain})) == options_json(test::options_of({})));
}

}  // namespace drainer::conf
