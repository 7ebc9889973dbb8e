// Decodes every row of the recorded streams with the schema of its time. A row's image must be the
// one that the stream showed of it before: what an insert's handle and columns gave must be the old
// image of the next update, and that one's new image what is deleted. Needs the captures:
// DRAINER_CAPTURES, by default ../shared/captures.

#include "drainer/base/bytes.h"
#include "drainer/schema/history.h"
#include "drainer/tidb/binlog_view.h"
#include "drainer/tidb/codec.h"
#include "drainer/tidb/default_value.h"
#include "drainer/tidb/row.h"
#include "drainer/tidb/value_text.h"

#include <zlib.h>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace drainer;
using namespace drainer::tidb;
namespace fs = std::filesystem;

namespace {

fs::path captures_folder() {
  const char* folder = std::getenv("DRAINER_CAPTURES");
  return folder != nullptr ? fs::path(folder) : fs::path(DRAINER_SOURCE_DIR) / "../shared/captures";
}

/// Items of a gzipped file of (4-byte big-endian length, bytes)*.
std::vector<Bytes> read_frames(const fs::path& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  std::vector<Bytes> frames;
  char head[4];
  while (gzread(file, head, 4) == 4) {
    Bytes frame(load_be32(head), '\0');
    const auto size = static_cast<unsigned>(frame.size());
    REQUIRE(gzread(file, frame.data(), size) == static_cast<int>(size));
    frames.push_back(std::move(frame));
  }
  gzclose(file);
  return frames;
}

/// The schema with all jobs of the cluster's history still to come.
std::unique_ptr<schema::Schema> load_schema(const fs::path& capture) {
  schema::HistoryLoader loader({CommitTs(0), SchemaVersion(0)});
  const std::vector<Bytes> pairs = read_frames(capture / "tikv-meta.kv.gz");
  for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
    // m, hash name and field as comparable bytes with 'h' between them (upstream-protocols.md 7.1).
    Bytes name;
    Bytes field;
    const Bytes key = '\x01' + pairs[i].substr(1);
    ByteView rest = key;
    REQUIRE(decode_comparable_bytes(rest, name).ok());
    if (name != "DDLJobHistory" || rest.size() < 8 || load_be64(rest.data()) != 'h') continue;
    const Bytes tail = '\x01' + Bytes(rest.substr(8));
    rest = tail;
    REQUIRE(decode_comparable_bytes(rest, field).ok());
    const auto id = static_cast<int64_t>(load_be64(field.data()));
    REQUIRE(loader.add(DdlJobId(id), pairs[i + 1]).ok());
  }
  auto schema = std::move(loader).finish();
  REQUIRE(schema.ok());
  return std::move(schema).value();
}

/// The rows of one table as the stream has shown them so far.
class TableImage {
 public:
  /// Rows are known by their primary key only as long as the description stays.
  void use(std::shared_ptr<const TableInfo> info) {
    if (info == info_) return;
    info_ = std::move(info);
    rows_.clear();
    new_.resize(info_->columns.size());
    old_.resize(info_->columns.size());
  }

  void insert(ByteView row) {
    require(decode_insert_row(row, *info_, new_), row);
    for (size_t i = 0; i < new_.size(); ++i) {
      const ColumnInfo& column = info_->columns[i];
      if (!new_[i].is_absent() || !column.is_writable()) continue;
      auto value = default_value(column, column);
      REQUIRE(value.ok());
      new_[i] = *value;
    }
    put(new_);
  }

  void update(ByteView row) {
    require(decode_update_row(row, *info_, old_, new_), row);
    take(old_);
    put(new_);
  }

  void remove(ByteView row) {
    require(decode_delete_row(row, *info_, old_), row);
    take(old_);
  }

  size_t matches() const { return matches_; }

 private:
  void require(const Result<void>& decoded, ByteView row) const {
    if (decoded.ok()) return;
    FAIL("table " << info_->name << ": " << decoded.error().to_string() << " in " << to_hex(row));
  }

  static void append(std::string& out, const Value& value) {
    out += value.is_null() ? "N" : value.is_absent() ? "A" : "";
    const auto appended = append_text(out, value);
    INFO((appended.ok() ? "" : appended.error().to_string()));
    REQUIRE(appended.ok());
    out += '\x01';
  }

  /// Empty if the table has no primary key, or a generated one, which updates do not carry.
  std::string key_of(const std::vector<Value>& values) const {
    std::string key;
    for (size_t i = 0; i < values.size(); ++i) {
      const ColumnInfo& column = info_->columns[i];
      if (!column.type.is_primary_key()) continue;
      if (!column.is_writable()) return "";
      append(key, values[i]);
    }
    return key;
  }

  std::string text_of(const std::vector<Value>& values) const {
    std::string text;
    for (size_t i = 0; i < values.size(); ++i) {
      if (info_->columns[i].is_writable()) append(text, values[i]);
    }
    return text;
  }

  void put(const std::vector<Value>& values) {
    std::string text = text_of(values);
    if (std::string key = key_of(values); !key.empty()) rows_[std::move(key)] = std::move(text);
  }

  void take(const std::vector<Value>& values) {
    const std::string text = text_of(values);
    const auto known = rows_.find(key_of(values));
    if (known == rows_.end()) return;
    INFO("table " << info_->name);
    REQUIRE(text == known->second);
    rows_.erase(known);
    ++matches_;
  }

  std::shared_ptr<const TableInfo> info_;
  std::vector<Value> new_;
  std::vector<Value> old_;
  std::map<std::string, std::string> rows_;  ///< key columns -> writable columns
  size_t matches_ = 0;
};

void apply(const MutationView& mutation, TableImage& table) {
  auto inserted = mutation.inserted_rows.begin();
  auto updated = mutation.updated_rows.begin();
  auto deleted = mutation.deleted_rows.begin();
  for (const MutationType type : mutation.sequence) {
    switch (type) {
      case MutationType::kInsert:
        table.insert(*inserted++);
        break;
      case MutationType::kUpdate:
        table.update(*updated++);
        break;
      case MutationType::kDeleteRow:
        table.remove(*deleted++);
        break;
      default:
        FAIL("mutation type " << static_cast<int>(type));
    }
  }
  CHECK(inserted == mutation.inserted_rows.end());
  CHECK(updated == mutation.updated_rows.end());
  CHECK(deleted == mutation.deleted_rows.end());
}

void replay(const fs::path& capture) {
  const auto schema = load_schema(capture);
  std::map<int64_t, Bytes> by_commit_ts;
  for (const char* pump : {"pump-1.stream.gz", "pump-2.stream.gz"}) {
    for (Bytes& payload : read_frames(capture / pump)) {
      const auto binlog = parse_binlog(payload);
      REQUIRE(binlog.ok());
      if (binlog->is_fake() || binlog->is_ddl()) continue;
      by_commit_ts.emplace(binlog->commit_ts.value, std::move(payload));
    }
  }
  REQUIRE_FALSE(by_commit_ts.empty());
  std::map<TableId, TableImage> tables;
  for (const auto& [commit_ts, payload] : by_commit_ts) {
    INFO("commit ts " << commit_ts);
    const auto prewrite = parse_prewrite(parse_binlog(payload)->prewrite_value);
    REQUIRE(prewrite.ok());
    REQUIRE(schema->advance_to(prewrite->schema_version).ok());
    for (const MutationView& mutation : prewrite->mutations) {
      const auto found = schema->find_table(mutation.table_id);
      if (found.state != schema::TableLookup::State::kFound) continue;
      TableImage& table = tables[mutation.table_id];
      table.use(found.table->info);
      apply(mutation, table);
    }
  }
  size_t matches = 0;
  for (const auto& [id, table] : tables) matches += table.matches();
  CHECK(matches > 10);
}

}  // namespace

TEST_CASE("captures: every row decodes, and rows come back as they went") {
  std::set<fs::path> captures;
  if (fs::is_directory(captures_folder())) {
    for (const auto& entry : fs::directory_iterator(captures_folder())) {
      if (fs::exists(entry.path() / "pump-1.stream.gz")) captures.insert(entry.path());
    }
  }
  if (captures.empty()) WARN("skipped: no captures in " << captures_folder());
  for (const fs::path& capture : captures) {
    DYNAMIC_SECTION(capture.filename().string()) {
      replay(capture);
    }
  }
}
