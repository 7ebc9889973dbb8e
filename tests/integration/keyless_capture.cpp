#include "tests/integration/keyless_capture.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "drainer/base/check.h"
#include "tests/bench/capture_maker.h"

namespace drainer::integration {
namespace {

using bench::MadeRow;
using bench::MadeTable;

constexpr size_t kTables = 4;
constexpr size_t kRowsMax = 40;

struct LiveTable {
  MadeTable made;
  std::vector<MadeRow> rows{};
};

std::string hex(const std::string& text) {
  std::string out;
  for (const char c : text) out += fmt::format("{:02X}", static_cast<unsigned char>(c));
  return out;
}

/// As dump_tables() prints it.
std::string dump(const LiveTable& table) {
  std::vector<std::string> lines;
  for (const MadeRow& row : table.rows) {
    lines.push_back(hex(std::to_string(row.id)) + "\t" + hex(std::to_string(row.k)) + "\t" +
                    hex(row.c));
  }
  std::ranges::sort(lines);
  std::string out = "# bench." + table.made.name + " id,k,c\n";
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

}  // namespace

KeylessCapture::KeylessCapture(uint64_t seed, int transactions) : directory_("keyless") {
  std::mt19937_64 random(seed);
  const auto below = [&](size_t bound) { return static_cast<size_t>(random() % bound); };
  // Few values, so that most rows have their like.
  const auto value = [&] {
    return MadeRow{.id = static_cast<int64_t>(below(3)),
                   .k = static_cast<int64_t>(below(3)),
                   .c = std::string(1, static_cast<char>('a' + below(2)))};
  };
  int64_t row_ids = 0;
  bench::CaptureMaker maker(directory_.path());
  std::vector<LiveTable> tables;
  for (size_t i = 0; i < kTables; ++i) {
    tables.push_back({.made = maker.add_table(fmt::format("t{}", i), /*has_key=*/false)});
  }
  for (int i = 0; i < transactions; ++i) {
    for (size_t n = 1 + below(4); n > 0; --n) {
      LiveTable& table = tables[below(kTables)];
      const size_t verdict = below(3);
      if (table.rows.empty() || (verdict == 0 && table.rows.size() < kRowsMax)) {
        table.rows.push_back(value());
        table.rows.back().row_id = ++row_ids;
        maker.insert(table.made, table.rows.back());
        continue;
      }
      const size_t at = below(table.rows.size());
      if (verdict == 1) {
        // TiDB has no change of a row into itself.
        MadeRow after = value();
        after.k = table.rows[at].k + 1;
        after.row_id = table.rows[at].row_id;
        maker.update(table.made, table.rows[at], after);
        table.rows[at] = after;
      } else {
        maker.remove(table.made, table.rows[at]);
        table.rows.erase(table.rows.begin() + static_cast<ptrdiff_t>(at));
      }
    }
    maker.commit();
  }
  maker.finish();
  std::string expected;
  for (const LiveTable& table : tables) expected += dump(table);
  fakes::write_file(directory_.path() + "/expected.tables.gz", expected);
}

}  // namespace drainer::integration
