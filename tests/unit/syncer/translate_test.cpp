#include "syncer/translate.h"

#include <catch2/catch.hpp>

#include "drainer/tidb/value_text.h"
#include "tests/fakes/binlogs.h"
#include "tests/fakes/schemas.h"

using namespace drainer;
using tidb::ColumnType;
using tidb::DdlType;

namespace {

// spec/row-codec.md 2: table 42, t(id int primary key clustered, v varchar): insert (1,'a'), update
// to (1,NULL), delete; as the only mutation of a prewrite value with this schema version.
const std::string kMutation = from_hex(
    "082a1207080208040202611a1008020802080402026108020802080400320708020802080400380038013804");

Bytes prewrite(int64_t version, const std::string& mutation = kMutation) {
  binlog::PrewriteValue value;
  value.set_schema_version(version);
  REQUIRE(value.add_mutations()->ParseFromString(mutation));
  return value.SerializeAsString();
}

std::shared_ptr<const tidb::TableInfo> table_t(std::vector<tidb::ColumnInfo> more = {}) {
  std::vector<tidb::ColumnInfo> columns = {
      fakes::column(1, "id", ColumnType::kLong, tidb::kFlagPrimaryKey | tidb::kFlagNotNull),
      fakes::column(2, "v", ColumnType::kVarchar)};
  columns.insert(columns.end(), more.begin(), more.end());
  return fakes::table(42, "t", std::move(columns), /*pk_is_handle=*/true);
}

schema::Schema schema_with_t() {
  schema::Schema out;
  out.add_pending(fakes::create_database(1, 5, 2, "shop"));
  out.add_pending(fakes::table_job(2, DdlType::kCreateTable, 6, 2, table_t()));
  REQUIRE(out.advance_to(SchemaVersion(6)).ok());
  return out;
}

Result<Txn> translate(const Bytes& prewrite_value, const schema::Schema& schema,
                      const tidb::TimeZone& zone = {}, const RowFilter& filter = {}) {
  tidb::BinlogItem item = fakes::item(fakes::dml_payload(100, prewrite_value));
  ASSIGN_OR_RETURN(const tidb::PrewriteView view,
                   tidb::parse_prewrite(item.binlog().prewrite_value));
  return translate_dml(std::move(item), view, schema, zone, filter);
}

std::string text_of(std::span<const tidb::Value> values) {
  std::string out;
  for (const tidb::Value& value : values) {
    if (!out.empty()) out += '|';
    if (value.is_null()) {
      out += "NULL";
    } else if (value.is_absent()) {
      out += '-';
    } else {
      REQUIRE(tidb::append_text(out, value).ok());
    }
  }
  return out;
}

}  // namespace

TEST_CASE("translate: a change that is there twice is taken once, but where errors are shown") {
  binlog::TableMutation mutation;
  REQUIRE(mutation.ParseFromString(kMutation));
  schema::Schema schema = schema_with_t();
  mutation.clear_updated_rows();
  mutation.clear_sequence();
  mutation.add_inserted_rows(mutation.inserted_rows(0));
  mutation.add_deleted_rows(mutation.deleted_rows(0));
  for (const auto type : {binlog::Insert, binlog::Insert, binlog::DeleteRow, binlog::DeleteRow}) {
    mutation.add_sequence(type);
  }
  const Bytes value = prewrite(6, mutation.SerializeAsString());
  CHECK(translate(value, schema).value().rows.size() == 2);
  schema.set_shows_original_errors(true);
  CHECK(translate(value, schema).value().rows.size() == 4);
}

TEST_CASE("translate: rows of a table without key are told apart by their row ids") {
  schema::Schema schema;
  schema.add_pending(fakes::create_database(1, 5, 2, "shop"));
  schema.add_pending(fakes::table_job(
      2, DdlType::kCreateTable, 6, 2,
      fakes::table(42, "t", {fakes::column(2, "v", ColumnType::kVarchar)}, false)));
  REQUIRE(schema.advance_to(SchemaVersion(6)).ok());
  binlog::TableMutation mutation;
  mutation.set_table_id(42);
  // {2: 'a', -1: 5} twice, {2: 'a', -1: 6}; {2: 'b'} twice, of which nobody knows.
  for (const char* row : {"08040202610801080a", "08040202610801080a", "08040202610801080c",
                          "0804020262", "0804020262"}) {
    mutation.add_deleted_rows(from_hex(row));
    mutation.add_sequence(binlog::DeleteRow);
  }
  const Txn txn = translate(prewrite(6, mutation.SerializeAsString()), schema).value();
  CHECK(txn.rows.size() == 4);
}

TEST_CASE("translate: rows come in the order of the sequence with old and new values") {
  const schema::Schema schema = schema_with_t();
  const Txn txn = translate(prewrite(6), schema).value();
  CHECK(txn.commit_ts == CommitTs(100));
  CHECK(txn.schema_version == SchemaVersion(6));
  REQUIRE(txn.rows.size() == 3);
  CHECK(txn.table_of(txn.rows[0]).name == schema::TableName{"shop", "t"});
  CHECK(txn.rows[0].kind == RowKind::kInsert);
  CHECK(text_of(txn.new_values(txn.rows[0])) == "1|a");
  CHECK(txn.rows[1].kind == RowKind::kUpdate);
  CHECK(text_of(txn.old_values(txn.rows[1])) == "1|a");
  CHECK(text_of(txn.new_values(txn.rows[1])) == "1|NULL");
  CHECK(txn.rows[2].kind == RowKind::kDelete);
  CHECK(text_of(txn.new_values(txn.rows[2])) == "1|NULL");
}

TEST_CASE("translate: an inserted row of before ADD COLUMN gets the origin default") {
  schema::Schema schema = schema_with_t();
  tidb::ColumnInfo added = fakes::column(3, "n", ColumnType::kLong, tidb::kFlagNotNull);
  added.origin_default = std::string("7");
  schema.add_pending(fakes::table_job(3, DdlType::kAddColumn, 9, 2, table_t({added})));
  REQUIRE(schema.advance_to(SchemaVersion(9)).ok());
  const Txn txn = translate(prewrite(6), schema).value();
  REQUIRE(txn.rows.size() == 3);
  CHECK(text_of(txn.new_values(txn.rows[0])) == "1|a|7");
  // What an update or delete does not carry stays out of it.
  CHECK(text_of(txn.new_values(txn.rows[1])) == "1|NULL|-");
  CHECK(text_of(txn.new_values(txn.rows[2])) == "1|NULL|-");
}

TEST_CASE("translate: filters drop tables undecoded and kinds of rows") {
  const schema::Schema schema = schema_with_t();
  binlog::TableMutation broken;
  broken.set_table_id(42);
  broken.add_inserted_rows("\xff");
  broken.add_sequence(binlog::Insert);
  RowFilter no_table{.keeps_table = [](const schema::TableName&) { return false; },
                     .keeps_kind = {}};
  CHECK(
      translate(prewrite(6, broken.SerializeAsString()), schema, {}, no_table).value().is_empty());
  RowFilter no_delete{.keeps_table = {}, .keeps_kind = [](const schema::TableName&, RowKind kind) {
                        return kind != RowKind::kDelete;
                      }};
  CHECK(translate(prewrite(6), schema, {}, no_delete).value().rows.size() == 2);
}

TEST_CASE("translate: a corrupt row is named by commit ts, row and table") {
  const schema::Schema schema = schema_with_t();
  binlog::TableMutation broken;
  broken.set_table_id(42);
  broken.add_inserted_rows("\x08");
  broken.add_sequence(binlog::Insert);
  const Result<Txn> txn = translate(prewrite(6, broken.SerializeAsString()), schema);
  REQUIRE_FALSE(txn.ok());
  CHECK(txn.error().code() == ErrorCode::kCorrupt);
  CHECK_THAT(txn.error().to_string(),
             Catch::StartsWith("commit ts 100: row 0 of table `shop`.`t`: "));
}

TEST_CASE("translate: more in the sequence than rows, and unknown tables, are errors") {
  const schema::Schema schema = schema_with_t();
  binlog::TableMutation short_of_rows;
  short_of_rows.set_table_id(42);
  short_of_rows.add_sequence(binlog::DeleteRow);
  CHECK_FALSE(translate(prewrite(6, short_of_rows.SerializeAsString()), schema).ok());
  binlog::TableMutation unknown;
  unknown.set_table_id(4711);
  const Result<Txn> txn = translate(prewrite(6, unknown.SerializeAsString()), schema);
  REQUIRE_FALSE(txn.ok());
  CHECK(txn.error().to_string() == "commit ts 100: not found table id: 4711");
}

TEST_CASE("translate: TIMESTAMP columns come in the zone of the output") {
  schema::Schema schema;
  schema.add_pending(fakes::create_database(1, 5, 2, "shop"));
  schema.add_pending(fakes::table_job(
      2, DdlType::kCreateTable, 6, 2,
      fakes::table(43, "ts",
                   {fakes::column(1, "id", ColumnType::kLong, tidb::kFlagPrimaryKey),
                    fakes::column(2, "at", ColumnType::kTimestamp)},
                   true)));
  REQUIRE(schema.advance_to(SchemaVersion(6)).ok());
  binlog::TableMutation mutation;
  mutation.set_table_id(43);
  mutation.add_inserted_rows(
      from_hex("0802080409808080d8ac96a5c519"));  // V32: 2011-11-10 11:11:11 UTC
  mutation.add_sequence(binlog::Insert);
  const tidb::TimeZone zone = tidb::TimeZone::load("+08:00").value();
  const Txn txn = translate(prewrite(6, mutation.SerializeAsString()), schema, zone).value();
  CHECK(text_of(txn.new_values(txn.rows[0])) == "1|2011-11-10 19:11:11");
}
