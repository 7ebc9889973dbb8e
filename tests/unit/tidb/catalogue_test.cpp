// The JSON of tables and jobs (spec/schema-and-ddl.md 1).

#include <string>

#include "drainer/tidb/ddl_job.h"
#include "drainer/tidb/json_reader.h"
#include "drainer/tidb/table_info.h"

#include <catch2/catch.hpp>

using namespace drainer;
using namespace drainer::tidb;

namespace {

std::string string_of(std::string_view json) {
  JsonReader reader(json, "text");
  std::string out = reader.read_string();
  REQUIRE(reader.finish().ok());
  return out;
}

std::string problem_of(std::string_view json) {
  JsonReader reader(json, "text");
  reader.read_object([&](std::string_view key) {
    if (key == "i") {
      reader.read_int64();
    } else if (key == "u") {
      reader.read_uint64();
    } else if (key == "s") {
      reader.read_string();
    } else if (key == "b") {
      reader.read_bool();
    } else if (key == "bytes") {
      reader.read_base64();
    } else if (key == "a") {
      reader.read_array([&] { reader.read_int64(); });
    } else {
      reader.skip();
    }
  });
  const Result<void> result = reader.finish();
  if (result.ok()) return "";
  CHECK(result.error().code() == ErrorCode::kCorrupt);
  return result.error().text();
}

}  // namespace

TEST_CASE("json: strings are unescaped as Go does") {
  CHECK(string_of(R"("a\u003e\"\\\/\b\f\n\r\t")") == "a>\"\\/\b\f\n\r\t");
  CHECK(string_of(R"("\u4e2d\ud83d\ude00")") == "中😀");
  CHECK(string_of(R"("\ud83dx\ude00")") == "\xEF\xBF\xBDx\xEF\xBF\xBD");
  CHECK(string_of("\"raw \xF0\x9F\x98\x80 \xFF\"") == "raw \xF0\x9F\x98\x80 \xFF");
  CHECK(string_of("null") == "");
  CHECK(string_of(R"("a\u0000b")") == std::string("a\0b", 3));
}

TEST_CASE("json: integers are exact and bounded, nulls are zero") {
  JsonReader reader("[18446744073709551615, -9223372036854775808, null, null, null]", "text");
  uint64_t unsigned_value = 0;
  int64_t signed_value = 0;
  int index = 0;
  reader.read_array([&] {
    switch (index++) {
      case 0:
        unsigned_value = reader.read_uint64();
        break;
      case 1:
        signed_value = reader.read_int64();
        break;
      case 2:
        CHECK(reader.read_bool() == false);
        break;
      case 3:
        CHECK(reader.read_raw().empty());
        break;
      default:
        CHECK_FALSE(reader.read_base64().has_value());
    }
  });
  CHECK(reader.finish().ok());
  CHECK(unsigned_value == UINT64_MAX);
  CHECK(signed_value == INT64_MIN);
}

TEST_CASE("json: wrong documents are told with their place") {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"i":1.5})", "text: an integer is expected at byte 8"},
      {R"({"i":9223372036854775808})", "text: an integer is expected at byte 24"},
      {R"({"u":-1})", "text: a positive integer is expected at byte 7"},
      {R"({"i":"1"})", "text: an integer is expected at byte 5"},
      {R"({"s":1})", "text: a string is expected at byte 5"},
      {R"({"s":"abc})", "text: a string does not end at byte 5"},
      {R"({"s":"\x"})", "text: an unknown escape in a string at byte 9"},
      {R"({"s":"\u12g4"})", "text: a bad \\u escape in a string at byte 13"},
      {R"({"s":"\)", "text: a string does not end at byte 5"},
      {R"({"b":0})", "text: a boolean is expected at byte 5"},
      {R"({"bytes":"AQ="})", "text: base64 is expected at byte 14"},
      {R"({"bytes":"A*=="})", "text: base64 is expected at byte 15"},
      {R"({"a":[1,]})", "text: a value is expected at byte 8"},
      {R"({"a":[1 2]})", "text: ',' or ']' is expected at byte 8"},
      {R"({"a":[1)", "text: ',' or ']' is expected at byte 7"},
      {R"({"i":1,})", "text: a key is expected at byte 7"},
      {R"({"i" 1})", "text: ':' is expected at byte 5"},
      {R"({"i":1)", "text: ',' or '}' is expected at byte 6"},
      {R"({"x":[{]})", "text: a stray bracket at byte 7"},
      {R"({"x":[{})", "text: the document ends too early at byte 8"},
      {R"({"x":})", "text: a stray bracket at byte 5"},
      {R"({"i":1}})", "text: text behind the document at byte 7"},
      {"[]", "text: an object is expected at byte 0"},
      {"", "text: an object is expected at byte 0"},
  };
  for (const auto& [json, problem] : cases) {
    INFO(json);
    CHECK(problem_of(json) == problem);
  }
  CHECK(problem_of(R"({"x":{"a":[1,"]}",{"b":null}],"\u0061":true},"i":-5,"u":7})").empty());
  const std::string deep = "{\"x\":" + std::string(600, '[') + std::string(600, ']') + "}";
  CHECK(problem_of(deep).find("too many levels") != std::string::npos);
}

TEST_CASE("table info: everything that a drainer needs is read") {
  const Result<TableInfo> parsed = parse_table_info(R"({
    "id": 104, "name": {"O":"Orders","L":"orders"}, "charset":"utf8mb4", "collate":"utf8mb4_bin",
    "cols":[
      {"id":1,"name":{"O":"Id","L":"id"},"offset":0,"origin_default":null,"origin_default_bit":null,
       "type":{"Tp":8,"Flag":547,"Flen":20,"Decimal":0,"Charset":"binary","Collate":"binary",
               "Elems":null,"ElemsIsBinaryLit":null,"Array":false},"state":5,"hidden":false},
      {"id":4,"name":"plain","origin_default":"it's","type":{"Tp":247,"Flag":4294967295,
       "Flen":4294967295,"Decimal":-1,"Charset":"utf8mb4","Elems":["a","b\u003c"]},"state":5},
      {"id":3,"name":{"O":"f"},"origin_default":7.5,"origin_default_bit":"AQ==",
       "generated_expr_string":"`a` \u003e 1","generated_stored":true,
       "type":{"Tp":8,"Array":true},"state":3,"hidden":true}],
    "index_info":[{"id":1,"idx_name":{"O":"PRIMARY","L":"primary"},"is_unique":true,"is_primary":true,
      "state":5,"idx_cols":[{"name":{"O":"plain","L":"plain"},"offset":1,"length":10}]}],
    "is_common_handle":true,"max_col_id":4,"ShardRowIDBits":0,"unknown":{"x":[1,{"y":"]"}]},
    "partition":{"type":1,"definitions":[{"id":119,"name":"p0"},{"name":{"O":"p1"},"id":120}]},
    "view":null,"sequence":null,"Lock":null})");
  REQUIRE(parsed.ok());
  const TableInfo& info = *parsed;
  CHECK(info.id == TableId(104));
  CHECK(info.name == "Orders");
  REQUIRE(info.columns.size() == 3);
  CHECK(info.columns[0].type.is_unsigned());
  CHECK(info.columns[0].is_writable());
  CHECK(std::holds_alternative<std::monostate>(*info.columns[0].origin_default));
  CHECK(info.columns[1].name == "plain");
  CHECK(std::get<std::string>(*info.columns[1].origin_default) == "it's");
  CHECK(info.columns[1].type.flen == 4294967295);
  CHECK(info.columns[1].type.flags == 4294967295);
  CHECK(*info.columns[1].type.elems == std::vector<std::string>{"a", "b<"});
  CHECK(std::get<double>(*info.columns[2].origin_default) == 7.5);
  CHECK(info.columns[2].type.type == ColumnType::kJson);
  CHECK(info.columns[2].is_generated);
  CHECK(info.columns[2].is_stored);
  CHECK(info.columns[2].is_hidden);
  CHECK_FALSE(info.columns[2].is_writable());
  CHECK(info.find_column(ColumnId(4)) == 1);
  CHECK(info.find_column(ColumnId(2)) == -1);
  CHECK(info.find_column(ColumnId(-1)) == -1);
  CHECK(info.handle_index == 0);
  CHECK(info.indices[0].columns[0].length == 10);
  CHECK(info.partition_ids == std::vector<int64_t>{119, 120});
  CHECK(info.max_column_id == 4);
  CHECK_FALSE(info.is_view);
  CHECK_FALSE(info.is_sequence);
  CHECK(parse_table_info(R"({"id":1,"view":{}})")->is_view);
  CHECK(parse_table_info(R"({"id":1,"sequence":{"sequence_cache":true}})")->is_sequence);
}

TEST_CASE("table info: what would lead outside of it is refused") {
  const auto problem = [](std::string_view json) {
    const Result<TableInfo> info = parse_table_info(json);
    return info.ok() ? "" : info.error().text();
  };
  CHECK(problem(R"({"id":7,"name":"t","cols":[{"id":1}],"index_info":[{"idx_name":"i",
                "idx_cols":[{"name":"c","offset":1}]}]})") ==
        "table t (7): index i uses column 1 of 1");
  CHECK(problem(R"({"id":7,"name":"t","cols":[{"id":3},{"id":3}]})") ==
        "table t (7): column id 3 occurs twice");
  CHECK(problem(R"({"id":7,"name":"t","cols":[{"id":1152921504606846976}]})") ==
        "table t (7): column id 1152921504606846976 is above 1048576");
  CHECK(problem(R"({"id":7,"name":"v","cols":[{"id":0},{"id":0}],"view":{}})").empty());
}

TEST_CASE("ddl job: a real one of TiDB 2.1 is read") {
  const Result<DdlJob> job = parse_ddl_job(
      R"({"id":2638,"type":1,"schema_id":2637,"table_id":0,"state":6,"err":null,"err_count":0,)"
      R"("row_count":0,"raw_args":null,"schema_state":5,"snapshot_ver":0,)"
      R"("start_ts":405741719074373658,"dependency_id":0,"query":"create database x",)"
      R"("binlog":{"SchemaVersion":3195,"DBInfo":{"id":2637,"db_name":{"O":"X","L":"x"},)"
      R"("charset":"utf8","collate":"utf8_bin","state":5},"TableInfo":null,"FinishedTS":0}})");
  REQUIRE(job.ok());
  CHECK(job->id == DdlJobId(2638));
  CHECK(job->type == DdlType::kCreateSchema);
  CHECK(job->is_finished());
  CHECK(job->start_ts == StartTs(405741719074373658));
  CHECK(job->schema_version == SchemaVersion(3195));
  REQUIRE(job->db_info);
  CHECK(job->db_info->name == "X");
  CHECK(job->db_info->id == SchemaId(2637));
  CHECK_FALSE(job->table_info);
  CHECK(job->raw_args.empty());
}

TEST_CASE("ddl job: arguments stay text, sub jobs are passed over, all tables are read") {
  const Result<DdlJob> job = parse_ddl_job(
      R"({"id":5,"type":61,"raw_args":[1,{"a":"]"}],"state":6,"multi_schema_info":{"revertible":true,)"
      R"("sub_jobs":[{"type":5,"raw_args":[{}]},{"raw_args":null,"type":6}]},"binlog":)"
      R"({"SchemaVersion":9,"FinishedTS":446008893370269696,"TableInfo":{"id":1,"name":{"O":"a"}},)"
      R"("MultipleTableInfos":[{"id":2,"name":{"O":"b"}},null,{"id":3,"name":{"O":"c"}}]}})");
  REQUIRE(job.ok());
  CHECK(job->raw_args == R"([1,{"a":"]"}])");
  CHECK(job->finished_ts == 446008893370269696);
  CHECK(job->table_info->name == "a");
  REQUIRE(job->multiple_table_infos.size() == 2);
  CHECK(job->multiple_table_infos[1]->id == TableId(3));
}

TEST_CASE("ddl job: an error names the job, the document and the place") {
  const Result<DdlJob> job = parse_ddl_job(R"({"id":5,"binlog":{"TableInfo":{"id":"x"}}})");
  REQUIRE_FALSE(job.ok());
  CHECK(job.error().to_string() ==
        "ddl job 5, from byte 30: table info: an integer is expected at byte 6");
  CHECK(parse_ddl_job("{\"id\":6,\"type\":}").error().to_string() ==
        "ddl job 6: ddl job: a positive integer is expected at byte 15");
  const Result<DdlJob> named = parse_ddl_job(
      R"({"id":5,"table_id":9,"schema_name":"shop","table_name":"t","binlog":{"FinishedTS":77,)"
      R"("TableInfo":{"id":9,"cols":[{"id":"x"}]}}})");
  REQUIRE_FALSE(named.ok());
  CHECK_THAT(named.error().to_string(),
             Catch::StartsWith("ddl job 5 of `shop`.`t`, finished at ts 77, from byte 97: table "
                               "info: an integer is expected at byte "));
}
