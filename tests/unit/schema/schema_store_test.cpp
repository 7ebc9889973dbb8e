#include "drainer/schema/schema_store.h"

#include <filesystem>

#include "drainer/schema/schema.h"
#include "drainer/schema/schema_codec.h"
#include "tests/fakes/process.h"
#include "tests/unit/schema/jobs.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::schema;
using drainer::testing::make_job;
using tidb::DdlType;

namespace {

constexpr uint64_t kCluster = 0xfedcba9876543210;

// A column of every attribute.
std::shared_ptr<const tidb::TableInfo> rich_table() {
  tidb::TableInfo info;
  info.id = TableId(42);
  info.name = "rich";
  info.is_common_handle = true;
  info.max_column_id = 7;
  info.partition_ids = {43, -1, 1LL << 40};
  for (int64_t id = 1; id <= 7; ++id) {
    tidb::ColumnInfo column;
    column.id = ColumnId(id);
    column.name = std::string(static_cast<size_t>(id * 4), static_cast<char>('a' + id));
    column.state = id == 3 ? tidb::SchemaState::kWriteOnly : tidb::SchemaState::kPublic;
    column.is_generated = id == 4;
    column.is_stored = id == 4;
    column.is_hidden = id == 5;
    column.type.type = id == 6 ? tidb::ColumnType::kBit : tidb::ColumnType::kEnum;
    column.type.charset = id == 2 ? "gbk" : "binary";
    column.type.flags = 0xffffffff;
    column.type.flen = id == 7 ? 4294967295 : -1;
    column.type.decimal = static_cast<int16_t>(id - 2);
    if (id == 2) column.type.elems = std::vector<std::string>{"", "x", std::string("\0y", 2)};
    if (id == 1) column.origin_default = tidb::DefaultValue(std::string("it's"));
    if (id == 2) column.origin_default = tidb::DefaultValue(-0.5);
    if (id == 3) column.origin_default = tidb::DefaultValue(true);
    if (id == 6) column.origin_default = tidb::DefaultValue(tidb::BitDefault{Bytes("\0\1", 2)});
    info.columns.push_back(std::move(column));
  }
  tidb::IndexInfo index;
  index.name = "PRIMARY";
  index.is_unique = index.is_primary = true;
  index.columns = {{.name = "a", .offset = 0, .length = -1},
                   {.name = "b", .offset = 6, .length = 10}};
  info.indices.push_back(index);
  REQUIRE(info.index_columns().ok());
  return std::make_shared<const tidb::TableInfo>(std::move(info));
}

SchemaImage rich_image() {
  auto previous = std::make_shared<TableVersion>();
  previous->name = {"d", "old"};
  previous->info = rich_table();
  previous->since = SchemaVersion(3);
  auto version = std::make_shared<TableVersion>();
  version->name = {"d`", "new"};
  version->info = rich_table();
  version->since = SchemaVersion(5);
  version->previous = previous;
  version->original_errors =
      std::make_shared<const OriginalErrors>(TableName{"d", "older"}, TableName{"r", "ules"}, true);
  SchemaImage image;
  image.commit_ts = CommitTs(470610498774106114);
  image.version = SchemaVersion(99);
  image.databases = {{SchemaId(1), "mysql"}, {SchemaId(2), "d`"}};
  image.tables = {{TableId(42), SchemaId(2), version}};
  image.dropped_databases = {{SchemaId(9), 77, {{TableId(8), SchemaId(9), previous}}}};
  image.aliases = {{TableId(5), TableId(42)}};
  image.gone = {{TableId(6), EndOfTable::kDropped}, {TableId(7), EndOfTable::kTruncated}};
  DdlEffect effect;
  effect.action = DdlEffect::Action::kExecute;
  effect.reason = "why";
  effect.name = {"s", "t"};
  effect.use_schema = "u";
  effect.touched = {{"a", "b"}, {"c", ""}};
  image.early_effects = {{DdlJobId(11), effect}};
  image.done = {DdlJobId(12), DdlJobId(400)};
  image.known_jobs = {DdlJobId(1), DdlJobId(12), DdlJobId(400), DdlJobId(1LL << 50)};
  return image;
}

Bytes encoded(const SchemaImage& image) {
  Bytes out;
  REQUIRE(encode_schema(image, kCluster, [&](ByteView bytes) -> Result<void> {
            out += bytes;
            return {};
          }).ok());
  return out;
}

Result<SchemaImage> decoded(ByteView bytes, uint64_t cluster = kCluster) {
  return decode_schema(cluster, [&](char* buffer, size_t wanted) -> Result<size_t> {
    const size_t got = std::min(wanted, bytes.size());
    bytes.copy(buffer, got);
    bytes.remove_prefix(got);
    return got;
  });
}

}  // namespace

TEST_CASE("schema store: what is read is what was written") {
  const SchemaImage image = rich_image();
  const Bytes bytes = encoded(image);
  const SchemaImage read = decoded(bytes).value();
  // Bytes are the measure: nothing is lost that is written.
  CHECK(encoded(read) == bytes);
  CHECK(read.commit_ts == image.commit_ts);
  CHECK(read.known_jobs == image.known_jobs);
  REQUIRE(read.tables.size() == 1);
  const TableVersion& table = *read.tables[0].version;
  CHECK(table.name == TableName{"d`", "new"});
  REQUIRE(table.original_errors);
  CHECK(table.original_errors->name == TableName{"d", "older"});
  CHECK(table.original_errors->rule_name == TableName{"r", "ules"});
  CHECK(table.original_errors->drops_rows);
  REQUIRE(table.previous);
  CHECK(table.previous->since == SchemaVersion(3));
  const tidb::TableInfo& info = *table.info;
  CHECK(info.find_column(ColumnId(7)) == 6);
  CHECK(info.handle_index == 0);
  CHECK(info.columns[6].name == std::string(28, 'h'));
  CHECK(info.columns[6].type.flen == 4294967295);
  CHECK((*info.columns[1].type.elems)[2] == std::string("\0y", 2));
  CHECK(std::get<double>(*info.columns[1].origin_default) == -0.5);
  CHECK(std::get<bool>(*info.columns[2].origin_default));
  CHECK(std::get<tidb::BitDefault>(*info.columns[5].origin_default).bytes == Bytes("\0\1", 2));
  CHECK(info.columns[4].is_hidden);
  CHECK(info.partition_ids[2] == 1LL << 40);
  REQUIRE(read.early_effects.size() == 1);
  CHECK(read.early_effects[0].second.touched[1] == TableName{"c", ""});
}

TEST_CASE("schema store: any flipped bit, any cut, any addition is found") {
  const Bytes bytes = encoded(rich_image());
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (const int bit : {1, 0x80}) {
      Bytes damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ bit);
      INFO("byte " << at << " bit " << bit);
      CHECK_FALSE(decoded(damaged).ok());
    }
    CHECK_FALSE(decoded(ByteView(bytes).substr(0, at)).ok());
  }
}

TEST_CASE("schema store: another cluster's is a conflict, another format's is refused") {
  const Bytes bytes = encoded(rich_image());
  CHECK(decoded(bytes, 7).error().code() == ErrorCode::kConflict);
  Bytes newer = bytes;
  newer[8] = 3;
  CHECK(decoded(newer).error().to_string() == "it has format 3, not 2");
}

TEST_CASE("schema store: a schema goes on from its image") {
  Schema schema;
  schema.add_pending(make_job(
      {.id = 1, .type = DdlType::kCreateSchema, .version = 1, .schema_id = 101, .database = "A"}));
  schema.add_pending(make_job({.id = 2,
                               .type = DdlType::kCreateTable,
                               .version = 2,
                               .schema_id = 101,
                               .table_id = 10,
                               .table = {{.id = 10, .name = "t"}}}));
  schema.add_pending(make_job({.id = 3,
                               .type = DdlType::kTruncateTable,
                               .version = 3,
                               .schema_id = 101,
                               .table_id = 10,
                               .table = {{.id = 11, .name = "t"}}}));
  const auto later = make_job({.id = 4,
                               .type = DdlType::kAddColumn,
                               .version = 4,
                               .schema_id = 101,
                               .table_id = 11,
                               .table = {{.id = 11, .name = "t", .columns = 2}}});
  schema.add_pending(later);
  REQUIRE(schema.advance_to(SchemaVersion(3)).ok());
  const SchemaImage image = decoded(encoded(schema.image(CommitTs(9)))).value();
  // The pending job is not known to the image: it is read again.
  CHECK(image.known_jobs == std::vector<DdlJobId>{DdlJobId(1), DdlJobId(2), DdlJobId(3)});

  Schema restored;
  restored.restore(image);
  CHECK(restored.version() == SchemaVersion(3));
  CHECK(restored.find_table(TableId(10)).state == TableLookup::State::kTruncated);
  REQUIRE(restored.apply_ddl(later).ok());
  const TableLookup found = restored.find_table(TableId(11));
  REQUIRE(found.state == TableLookup::State::kFound);
  CHECK(found.table->info->columns.size() == 2);
  CHECK(found.table->previous->info->columns.size() == 1);
  // A binlog of a job that was applied early still finds its effect, once.
  const auto early = make_job({.id = 2,
                               .type = DdlType::kCreateTable,
                               .version = 2,
                               .schema_id = 101,
                               .table_id = 10,
                               .table = {{.id = 10, .name = "t"}}});
  CHECK(restored.apply_ddl(early)->action == DdlEffect::Action::kExecute);
  CHECK(restored.apply_ddl(early)->action == DdlEffect::Action::kIgnore);
}

TEST_CASE("schema store: the file is replaced as a whole, and absent is no error") {
  fakes::TempDir directory("schema-store");
  const std::string path = schema_store_path(directory.path());
  CHECK(read_schema_store(path, kCluster).value() == std::nullopt);
  fakes::write_file(path + ".tmp", "left by a crash");
  REQUIRE(write_schema_store(path, kCluster, rich_image()).ok());
  CHECK(read_schema_store(path, kCluster).value().has_value());
  CHECK_FALSE(std::filesystem::exists(path + ".tmp"));
  CHECK_FALSE(write_schema_store(directory.path() + "/no/such/x", kCluster, rich_image()).ok());
}
