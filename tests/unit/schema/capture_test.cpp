// Builds the schema from the job history of each recorded cluster and compares it with the tables
// that the same TiKV shows. Needs the captures: DRAINER_CAPTURES, by default ../shared/captures.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/schema/history.h"

#include <zlib.h>
#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::schema;
namespace fs = std::filesystem;

namespace {

fs::path captures_folder() {
  const char* folder = std::getenv("DRAINER_CAPTURES");
  return folder != nullptr ? fs::path(folder) : fs::path(DRAINER_SOURCE_DIR) / "../shared/captures";
}

Bytes read_gzip(const fs::path& path) {
  Bytes out;
  gzFile file = gzopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  char buffer[1 << 16];
  for (int size = 0; (size = gzread(file, buffer, sizeof buffer)) > 0;) {
    out.append(buffer, static_cast<size_t>(size));
  }
  gzclose(file);
  return out;
}

// Groups of eight bytes, each with 0xFF minus its padding behind it.
Bytes decode_group_bytes(ByteView encoded, size_t& at) {
  Bytes out;
  while (at + 9 <= encoded.size()) {
    const size_t padding = 0xFF - static_cast<unsigned char>(encoded[at + 8]);
    out += encoded.substr(at, 8 - padding);
    at += 9;
    if (padding > 0) break;
  }
  return out;
}

// What a cluster's meta keys hold (upstream-protocols.md 7.1, 7.2).
struct Meta {
  std::map<int64_t, Bytes> history;
  std::map<int64_t, tidb::DbInfo> databases;
  std::map<int64_t, std::map<int64_t, tidb::TableInfo>> tables;  // by database

  static Meta read(const fs::path& path) {
    Meta meta;
    const Bytes bytes = read_gzip(path);
    size_t at = 0;
    const auto next = [&]() -> std::optional<ByteView> {
      if (at + 4 > bytes.size()) return std::nullopt;
      const size_t size = load_be32(bytes.data() + at);
      const ByteView view = ByteView(bytes).substr(at + 4, size);
      at += 4 + size;
      return view;
    };
    for (std::optional<ByteView> key = next(); key; key = next()) meta.add(*key, next().value());
    return meta;
  }

 private:
  void add(ByteView key, ByteView value) {
    size_t at = 1;
    const Bytes hash = decode_group_bytes(key, at);
    if (at + 8 > key.size() || load_be64(key.data() + at) != 'h') return;
    at += 8;
    const Bytes field = decode_group_bytes(key, at);
    if (hash == "DDLJobHistory") {
      history[static_cast<int64_t>(load_be64(field.data()))] = Bytes(value);
    } else if (hash == "DBs") {
      tidb::DbInfo info = tidb::parse_db_info(value).value();
      databases[info.id.value] = std::move(info);
    } else if (hash.starts_with("DB:") && field.starts_with("Table:")) {
      Result<tidb::TableInfo> info = tidb::parse_table_info(value);
      INFO((info.ok() ? "" : info.error().to_string()));
      REQUIRE(info.ok());
      if (info->id > kMaxTableId) return;
      tables[std::stoll(hash.substr(3))].emplace(info->id.value, std::move(info).value());
    }
  }
};

std::string describe(int64_t id, const std::string& schema, const std::string& name,
                     const tidb::TableInfo& info) {
  std::string out = fmt::format("{} {}.{} handle {} {} {}", id, schema, name, info.pk_is_handle,
                                info.is_common_handle, info.handle_index);
  if (info.is_view) out += " view";
  if (info.is_sequence) out += " sequence";
  for (const tidb::ColumnInfo& column : info.columns) {
    out += fmt::format("\n  column {} {} {} {:x} {} {} {} {} {}", column.id, column.name,
                       static_cast<int>(column.type.type), column.type.flags, column.type.flen,
                       column.type.decimal, column.type.charset.name(),
                       static_cast<int>(column.state), column.is_generated);
    for (const std::string& elem : *column.type.elems) out += "," + elem;
  }
  for (const tidb::IndexInfo& index : info.indices) {
    out += fmt::format("\n  index {} {} {}", index.name, index.is_unique, index.is_primary);
    for (const tidb::IndexColumn& column : index.columns) {
      out += fmt::format(" {}:{}:{}", column.name, column.offset, column.length);
    }
  }
  for (const int64_t partition : info.partition_ids)
    out += fmt::format("\n  partition {}", partition);
  return out;
}

using Descriptions = std::map<int64_t, std::string>;

Descriptions describe(const Meta& meta) {
  Descriptions out;
  for (const auto& [schema, tables] : meta.tables) {
    for (const auto& [id, info] : tables) {
      out[id] = describe(id, meta.databases.at(schema).name, info.name, info);
    }
  }
  return out;
}

Descriptions describe(const Schema& schema) {
  Descriptions out;
  for (const auto& [id, table] : schema.tables()) {
    out[id.value] = describe(id.value, table->name.schema, table->name.table, *table->info);
  }
  return out;
}

void check_equal(const Descriptions& seen, const Descriptions& expected) {
  for (const auto& [id, text] : expected) {
    REQUIRE(seen.contains(id));
    CHECK(seen.at(id) == text);
  }
  for (const auto& [id, text] : seen) {
    INFO(text);
    CHECK(expected.contains(id));
  }
}

std::unique_ptr<Schema> load(const Meta& meta, HistoryStart start) {
  HistoryLoader loader(start);
  for (const auto& [id, json] : meta.history) REQUIRE(loader.add(DdlJobId(id), json).ok());
  Result<std::unique_ptr<Schema>> schema = std::move(loader).finish();
  INFO((schema.ok() ? "" : schema.error().to_string()));
  REQUIRE(schema.ok());
  return std::move(schema).value();
}

int64_t from_ts(const fs::path& capture) {
  std::ifstream in(capture / "capture.json");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  constexpr std::string_view kKey = "\"from_ts\": \"";
  return std::stoll(text.substr(text.find(kKey) + kKey.size()));
}

std::vector<fs::path> captures() {
  std::vector<fs::path> out;
  if (!fs::is_directory(captures_folder())) return out;
  for (const auto& entry : fs::directory_iterator(captures_folder())) {
    if (fs::exists(entry.path() / "tikv-meta.kv.gz")) out.push_back(entry.path());
  }
  if (out.empty()) WARN("skipped: no captures in " << captures_folder());
  return out;
}

}  // namespace

TEST_CASE("captures: the history of each cluster leads to the tables that it shows") {
  if (!fs::is_directory(captures_folder())) WARN("skipped: no folder " << captures_folder());
  for (const fs::path& capture : captures()) {
    DYNAMIC_SECTION(capture.filename().string()) {
      const Meta meta = Meta::read(capture / "tikv-meta.kv.gz");
      const Descriptions expected = describe(meta);
      REQUIRE(expected.size() > 20);
      constexpr int64_t kEnd = INT64_MAX >> 1;

      // Everything before the start; nothing before the start.
      check_equal(describe(*load(meta, {CommitTs(kEnd), SchemaVersion(0)})), expected);
      const auto all_pending = load(meta, {CommitTs(0), SchemaVersion(0)});
      REQUIRE(all_pending->advance_to(SchemaVersion(kEnd)).ok());
      check_equal(describe(*all_pending), expected);

      // The start of the recording, from the later history; then on to its end.
      const auto start = load(meta, {CommitTs(from_ts(capture)), SchemaVersion(0)});
      check_equal(describe(*start), describe(Meta::read(capture / "tikv-meta.from.kv.gz")));
      REQUIRE(start->advance_to(SchemaVersion(kEnd)).ok());
      check_equal(describe(*start), expected);
      CHECK(start->database_count() == meta.databases.size());
    }
  }
}
