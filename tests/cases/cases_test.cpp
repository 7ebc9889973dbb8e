// Runs every *.case of this folder (README.md).

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/cases/case_run.h"
#include "tests/fakes/process.h"

#include <catch2/catch.hpp>

using namespace drainer;
using cases::Outcome;

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> case_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(DRAINER_SOURCE_DIR "/tests/cases")) {
    if (entry.path().extension() == ".case") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string numbered(const Outcome& outcome) {
  std::string out = fmt::format("expectation of line {}:\n", outcome.line);
  const size_t count = std::max(outcome.expected.size(), outcome.lines.size());
  for (size_t i = 0; i < count; ++i) {
    const std::string* const wanted = i < outcome.expected.size() ? &outcome.expected[i] : nullptr;
    const std::string* const got = i < outcome.lines.size() ? &outcome.lines[i] : nullptr;
    if (wanted && got && *wanted == *got) {
      out += "    " + *got + "\n";
      continue;
    }
    if (wanted) out += "  - " + *wanted + "\n";
    if (got) out += "  + " + *got + "\n";
  }
  return out;
}

void update(const fs::path& file, const std::vector<Outcome>& outcomes) {
  std::vector<std::vector<std::string>> lines;
  for (const Outcome& outcome : outcomes) lines.push_back(outcome.lines);
  fakes::write_file(file.string(),
                    cases::with_expectations(fakes::read_file(file.string()), lines));
}

}  // namespace

TEST_CASE("cases: each *.case gives the SQL that it expects") {
  const std::vector<fs::path> files = case_files();
  REQUIRE(files.size() >= 40);
  const bool is_update = std::getenv("DRAINER_UPDATE_CASES") != nullptr;
  for (const fs::path& file : files) {
    DYNAMIC_SECTION(file.stem().string()) {
      INFO(file.string());
      const std::vector<Outcome> outcomes = cases::CaseRun().run(fakes::read_file(file.string()));
      CHECK_FALSE(outcomes.empty());
      if (is_update) update(file, outcomes);
      for (const Outcome& outcome : outcomes) {
        if (outcome.expected != outcome.lines && !is_update) FAIL_CHECK(numbered(outcome));
      }
    }
  }
}

TEST_CASE("cases: a wrong case names its line") {
  CHECK_THROWS_WITH(cases::CaseRun().run("== table a.b\nid int\n== txn\ninsert a.c id=1\n"),
                    "line 4: no table a.c");
  CHECK_THROWS_WITH(cases::CaseRun().run("hello\n"), "line 1: text before the first section");
}
