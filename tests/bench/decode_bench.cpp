// How fast rows become values and values become text, on one core.
//
//   cmake --preset release && cmake --build --preset release --target decode_bench
//   build/release/bin/decode_bench [seconds per measurement]

#include "drainer/base/bytes.h"
#include "drainer/base/check.h"
#include "drainer/tidb/row.h"
#include "drainer/tidb/time_zone.h"
#include "drainer/tidb/value_text.h"

#include <fmt/core.h>

#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

using namespace drainer;
using namespace drainer::tidb;

namespace {

/// One kind of row, many times in memory as a transaction would hold it.
struct Workload {
  std::string_view name;
  TableInfo table;
  Bytes inserted;
  Bytes updated;
};

ColumnInfo make_column(int64_t id, ColumnType type) {
  ColumnInfo column;
  column.id = ColumnId(id);
  column.name = "c";
  column.state = SchemaState::kPublic;
  column.type.type = type;
  column.type.charset = "utf8mb4";
  return column;
}

void index_table(TableInfo& table) {
  table.offset_by_id.assign(table.columns.size() + 1, -1);
  for (size_t i = 0; i < table.columns.size(); ++i) {
    table.offset_by_id[static_cast<size_t>(table.columns[i].id.value)] = static_cast<int16_t>(i);
  }
}

/// sbtest1(id int primary key, k int, c char(120), pad char(60)).
Workload sysbench() {
  Workload load{.name = "sysbench", .table = {}, .inserted = {}, .updated = {}};
  load.table.columns = {make_column(1, ColumnType::kLong), make_column(2, ColumnType::kLong),
                        make_column(3, ColumnType::kString), make_column(4, ColumnType::kString)};
  load.table.columns[0].type.flags = kFlagPrimaryKey | kFlagNotNull;
  load.table.pk_is_handle = true;
  index_table(load.table);
  const Bytes id = from_hex("08a6ca0c");
  const Bytes rest = from_hex("080408b6ea0c") + from_hex("080602f001") + Bytes(120, 'c') +
                     from_hex("08080278") + Bytes(60, 'p');
  load.inserted = id + rest;
  const Bytes image = from_hex("0802") + id + rest;
  load.updated = image + image;
  return load;
}

/// A column of each type, values as in the specification's vectors.
Workload all_types() {
  Workload load{.name = "all types", .table = {}, .inserted = {}, .updated = {}};
  struct Cell {
    ColumnType type;
    std::string_view datum;
    bool is_binary = false;
  };
  const Cell cells[] = {
      {ColumnType::kLongLong, "08feffffffffffffffff01"},
      {ColumnType::kTiny, "08ff01"},
      {ColumnType::kShort, "08ffff03"},
      {ColumnType::kInt24, "08feffff07"},
      {ColumnType::kLong, "08ffffffff0f"},
      {ColumnType::kLongLong, "09ffffffffffffffffff01"},
      {ColumnType::kFloat, "05bff19999a0000000"},
      {ColumnType::kDouble, "05c0091eb851eb851f"},
      {ColumnType::kNewDecimal, "061209875bcd153ade68b1"},
      {ColumnType::kDate, "09808080808080ded719"},
      {ColumnType::kDatetime, "09bf84bdd8ac96a5c519"},
      {ColumnType::kTimestamp, "09808080d8ac96a5c519"},
      {ColumnType::kDuration, "08809bac9db6ec12"},
      {ColumnType::kYear, "089e1f"},
      {ColumnType::kVarchar, "020ce4b8ade69687"},
      {ColumnType::kBlob, "0204ff00", true},
      {ColumnType::kEnum, "0902"},
      {ColumnType::kSet, "0905"},
      {ColumnType::kBit, "09a302"},
      {ColumnType::kJson, "0a01010000001c0000001300000001000914000000610200000000000000"},
  };
  int64_t id = 0;
  for (const Cell& cell : cells) {
    load.table.columns.push_back(make_column(++id, cell.type));
    FieldType& type = load.table.columns.back().type;
    if (cell.is_binary) type.charset = "binary";
    if (cell.type == ColumnType::kDatetime) type.decimal = 6;
    if (cell.type == ColumnType::kBit) type.flen = 12;
    type.elems = {"a", "b", "c"};
    load.inserted += '\x08' + Bytes(1, static_cast<char>(id * 2)) + from_hex(cell.datum);
  }
  index_table(load.table);
  load.updated = load.inserted + load.inserted;
  load.inserted = from_hex("0802") + load.inserted;
  return load;
}

/// Time that this thread has spent on a core: other programs do not count.
double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// Runs `row` on rows that lie one behind the other, as long as told; prints rows and bytes a
/// second.
template <class Use>
void measure(std::string_view what, const Workload& load, const Bytes& row, double seconds,
             const Use& use) {
  constexpr size_t kRows = 2000;
  Bytes buffer;
  for (size_t i = 0; i < kRows; ++i) buffer += row;
  const double begin = thread_seconds();
  size_t rows = 0;
  double elapsed = 0;
  do {
    for (size_t i = 0; i < kRows; ++i) use(ByteView(buffer).substr(i * row.size(), row.size()));
    rows += kRows;
    elapsed = thread_seconds() - begin;
  } while (elapsed < seconds);
  const double per_second = static_cast<double>(rows) / elapsed;
  fmt::print("{:<10} {:<22} {:6.2f} million rows/s {:8.0f} MB/s {:7.1f} ns/row {:5.1f} ns/column\n",
             load.name, what, per_second / 1e6, per_second * static_cast<double>(row.size()) / 1e6,
             1e9 / per_second, 1e9 / per_second / static_cast<double>(load.table.columns.size()));
}

void run(const Workload& load, double seconds) {
  std::vector<Value> values(load.table.columns.size());
  std::vector<Value> old_values(values.size());
  std::string text;
  const auto must = [](const Result<void>& result) {
    CHECK(result.ok(), "{}", result.error().to_string());
  };
  const auto print = [&] {
    text.clear();
    for (const Value& value : values) must(append_text(text, value));
  };
  measure("decode insert", load, load.inserted, seconds,
          [&](ByteView row) { must(decode_insert_row(row, load.table, values)); });
  measure("decode update", load, load.updated, seconds,
          [&](ByteView row) { must(decode_update_row(row, load.table, old_values, values)); });
  measure("decode insert + text", load, load.inserted, seconds, [&](ByteView row) {
    must(decode_insert_row(row, load.table, values));
    print();
  });
}

/// What a TIMESTAMP costs beyond its text.
void run_time_zone(std::string_view name, double seconds) {
  const TimeZone zone = TimeZone::load(name).value();
  const double begin = thread_seconds();
  uint64_t packed = 1840446893366133311;
  uint64_t sum = 0;
  size_t count = 0;
  double elapsed = 0;
  do {
    for (int i = 0; i < 1000; ++i) sum += zone.to_local(packed).value();
    count += 1000;
    elapsed = thread_seconds() - begin;
  } while (elapsed < seconds);
  fmt::print("to_local   {:<22} {:6.1f} ns (sum {})\n", name,
             elapsed * 1e9 / static_cast<double>(count), sum);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1.0;
  run(sysbench(), seconds);
  run(all_types(), seconds);
  for (const std::string_view zone : {"UTC", "+08:00", "America/New_York"}) {
    run_time_zone(zone, seconds);
  }
  return 0;
}
