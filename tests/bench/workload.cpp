#include "tests/bench/workload.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <random>
#include <vector>

#include "drainer/base/check.h"
#include "drainer/tidb/binlog_view.h"
#include "tests/bench/capture_maker.h"
#include "tests/upstream/capture.h"

namespace drainer::bench {
namespace {

using Random = std::mt19937_64;

std::string random_text(Random& random, size_t length) {
  std::string text(length, ' ');
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

MadeRow random_row(Random& random, int64_t id, size_t length) {
  return {
      .id = id, .k = static_cast<int64_t>(random() % 1'000'000), .c = random_text(random, length)};
}

uint64_t scaled(uint64_t count, double scale) {
  return std::max<uint64_t>(static_cast<uint64_t>(static_cast<double>(count) * scale), 1);
}

uint64_t make_one_row(CaptureMaker& maker, double scale) {
  Random random(1);
  const MadeTable table = maker.add_table("t", /*has_key=*/true);
  const uint64_t transactions = scaled(60'000, scale);
  for (uint64_t i = 1; i <= transactions; ++i) {
    maker.insert(table, random_row(random, static_cast<int64_t>(i), 100));
    maker.commit();
  }
  return transactions;
}

/// Updates of rows picked at random, four a transaction; every tenth takes the same ten rows.
uint64_t make_hot(CaptureMaker& maker, double scale) {
  constexpr int64_t kRows = 10'000;
  constexpr int64_t kHotRows = 10;
  Random random(2);
  const MadeTable table = maker.add_table("t", /*has_key=*/true);
  std::vector<MadeRow> rows;
  uint64_t transactions = 0;
  for (int64_t id = 0; id < kRows; ++id) {
    maker.insert(table, rows.emplace_back(random_row(random, id, 100)));
    if (id % 100 != 99) continue;
    maker.commit();
    ++transactions;
  }
  const auto change = [&](int64_t id) {
    MadeRow& row = rows[static_cast<size_t>(id)];
    const MadeRow before = row;
    ++row.k;
    row.c = random_text(random, 100);
    maker.update(table, before, row);
  };
  const uint64_t updates = scaled(30'000, scale);
  for (uint64_t i = 0; i < updates; ++i) {
    if (i % 10 == 0) {
      for (int64_t id = 0; id < kHotRows; ++id) change(id);
    } else {
      int64_t id = kHotRows + static_cast<int64_t>(random() % 1000);
      for (int n = 0; n < 4; ++n) {
        change(id);
        id += 1 + static_cast<int64_t>(random() % 2000);
      }
    }
    maker.commit();
  }
  return transactions + updates;
}

/// Small tables without any key, equal rows among them.
uint64_t make_keyless(CaptureMaker& maker, double scale) {
  constexpr size_t kTables = 10;
  constexpr size_t kRows = 100;
  Random random(3);
  std::vector<MadeTable> tables;
  for (size_t i = 0; i < kTables; ++i) {
    tables.push_back(maker.add_table(fmt::format("t{}", i), /*has_key=*/false));
  }
  std::vector<std::deque<MadeRow>> rows(kTables);
  const uint64_t transactions = scaled(20'000, scale);
  for (uint64_t i = 0; i < transactions; ++i) {
    const size_t at = random() % kTables;
    std::deque<MadeRow>& live = rows[at];
    if (live.size() >= kRows) {
      maker.remove(tables[at], live.front());
      live.pop_front();
    }
    if (!live.empty()) {
      MadeRow& row = live[random() % live.size()];
      MadeRow after = row;
      after.k = static_cast<int64_t>(random() % 50);
      maker.update(tables[at], row, after);
      row = after;
    }
    // Every fourth row is there twice.
    MadeRow added = random_row(random, static_cast<int64_t>(i), 40);
    if (i % 4 == 3 && !live.empty()) added = live.back();
    added.row_id = static_cast<int64_t>(i) + 1;
    maker.insert(tables[at], added);
    live.push_back(added);
    maker.commit();
  }
  return transactions;
}

uint64_t make_big(CaptureMaker& maker, double scale) {
  Random random(4);
  const MadeTable table = maker.add_table("t", /*has_key=*/true);
  const auto rows = static_cast<int64_t>(scaled(300'000, scale));
  for (int64_t id = 0; id < rows; ++id) maker.insert(table, random_row(random, id, 1000));
  maker.commit();
  return 1;
}

uint64_t make_tables(CaptureMaker& maker, double scale) {
  Random random(5);
  const uint64_t count = scaled(10'000, scale);
  std::vector<MadeTable> tables;
  for (uint64_t i = 0; i < count; ++i) {
    tables.push_back(maker.add_table(fmt::format("t{:05}", i), /*has_key=*/true));
  }
  for (int64_t round = 0; round < 5; ++round) {
    for (const MadeTable& table : tables) {
      maker.insert(table, random_row(random, round, 100));
      maker.commit();
    }
  }
  return 5 * count;
}

struct Maker {
  std::string_view name;
  uint64_t (*make)(CaptureMaker&, double);
};
constexpr Maker kMakers[] = {{"one-row", make_one_row},
                             {"hot", make_hot},
                             {"keyless", make_keyless},
                             {"big", make_big},
                             {"tables", make_tables}};

}  // namespace

std::string_view workload_help() {
  return "  one-row   60,000 transactions that insert one row\n"
         "  hot       30,000 transactions of updates, every 10th on the same 10 rows\n"
         "  keyless   20,000 transactions on tables without key, equal rows among them\n"
         "  big       one transaction of 300,000 rows of 1 kB\n"
         "  tables    50,000 one-row transactions on 10,000 tables\n";
}

bool make_workload(std::string_view name, double scale, const std::string& directory,
                   Workload& workload) {
  const auto* const found = std::ranges::find(kMakers, name, &Maker::name);
  if (found == std::end(kMakers)) return false;
  std::filesystem::create_directories(directory);
  CaptureMaker maker(directory);
  workload.transactions = found->make(maker, scale);
  maker.finish();
  workload.capture = directory;
  workload.rows = maker.rows();
  return true;
}

Workload recorded_workload(const std::string& capture, const std::string& repeat) {
  Workload workload{.capture = capture, .repeat = repeat};
  const auto times = std::strtoull(repeat.c_str(), nullptr, 10);
  const auto loaded = upstream::load_capture(capture);
  CHECK(loaded.ok(), "{}", loaded.error().to_string());
  for (const upstream::Tape& tape : loaded->tapes) {
    for (const upstream::Record& record : tape.records) {
      const auto binlog = tidb::parse_binlog(record.payload);
      CHECK(binlog.ok(), "{}", binlog.error().to_string());
      if (binlog->prewrite_value.empty()) continue;
      const auto prewrite = tidb::parse_prewrite(binlog->prewrite_value);
      CHECK(prewrite.ok(), "{}", prewrite.error().to_string());
      workload.transactions += times;
      for (const auto& mutation : prewrite->mutations) {
        workload.rows += times * mutation.sequence.size();
      }
    }
  }
  return workload;
}

}  // namespace drainer::bench
