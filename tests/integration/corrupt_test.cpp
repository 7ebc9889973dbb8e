// Rows and descriptions that cannot be read: the error names the place, nothing goes past it.

#include "drainer/cluster/key_codec.h"
#include "drainer/proto/binlog.pb.h"
#include "tests/integration/pipeline.h"
#include "tests/upstream/small_capture.h"

#include <catch2/catch.hpp>

using namespace drainer;
using integration::Capture;
using integration::Pipeline;
using upstream::SmallCapture;

namespace {

void add_job(SmallCapture& capture, int64_t id, const std::string& json) {
  Bytes field;
  append_be64(field, static_cast<uint64_t>(id));
  capture.add_meta(cluster::hash_field_key("DDLJobHistory", field), json, /*at_from=*/true);
}

// Database shop with t (id int primary key, v varchar(20)), table id 42, and one row after another.
void fill(SmallCapture& capture, const std::string& columns,
          const std::vector<std::string>& rows_hex) {
  add_job(capture, 1,
          R"({"id":1,"type":1,"schema_id":2,"state":6,"query":"create database shop",)"
          R"("binlog":{"SchemaVersion":1,"FinishedTS":1,)"
          R"("DBInfo":{"id":2,"db_name":{"O":"shop","L":"shop"},"state":5}}})");
  add_job(capture, 3,
          R"({"id":3,"type":3,"schema_id":2,"table_id":42,"state":6,"query":"create table t",)"
          R"("binlog":{"SchemaVersion":2,"FinishedTS":2,"TableInfo":{"id":42,)"
          R"("name":{"O":"t","L":"t"},"pk_is_handle":true,"max_col_id":2,"cols":)" +
              columns + "}}}");
  int64_t ms = 0;
  for (const std::string& hex : rows_hex) {
    ++ms;
    binlog::PrewriteValue value;
    value.set_schema_version(2);
    binlog::TableMutation& mutation = *value.add_mutations();
    mutation.set_table_id(42);
    mutation.add_inserted_rows(from_hex(hex));
    mutation.add_sequence(binlog::Insert);
    capture.add({.pump = 0,
                 .start_ts = SmallCapture::ts(ms),
                 .commit_ts = SmallCapture::ts(ms) + 3,
                 .prewrite_value = value.SerializeAsString()});
  }
}

constexpr const char* kColumns =
    R"([{"id":1,"name":"id","state":5,"type":{"Tp":3,"Flag":3,"Charset":"binary"}},)"
    R"({"id":2,"name":"v","state":5,"type":{"Tp":15,"Charset":"utf8mb4"}}])";

std::string value_of(Pipeline& pipeline, const std::string& sql) {
  const auto value = pipeline.downstream().query_value(sql);
  INFO((value.ok() ? "" : value.error().to_string()));
  REQUIRE(value.ok());
  return *value;
}

}  // namespace

TEST_CASE("corrupt: a row ends the drainer with its place, the checkpoint lies before it") {
  SmallCapture small;
  // Rows (1, 'a'), (2, 'b'), then one whose text is longer than the row, then (4, 'd').
  fill(small, kColumns,
       {"0802 0804 020261", "0804 0804 020262", "0806 0804 02ff01", "0808 0804 020264"});
  const auto capture = Capture::open(small.write());
  REQUIRE(capture);
  Pipeline pipeline(*capture);
  REQUIRE(pipeline.downstream().execute("create database shop").ok());
  REQUIRE(pipeline.downstream()
              .execute("create table shop.t (id int primary key, v varchar(20))")
              .ok());
  pipeline.start_upstream();
  pipeline.write_config();
  for (int i = 0; i < 2; ++i) {
    INFO("start " << i);
    pipeline.start_drainer_over_capture();
    CHECK(pipeline.wait_for_drainer() == 2);
    const std::string log = pipeline.drainer_log();
    INFO(log.substr(log.size() > 3000 ? log.size() - 3000 : 0));
    CHECK_THAT(log,
               Catch::Contains(fmt::format("commit ts {}: row 0 of table `shop`.`t`: row offset 4: "
                                           "insufficient bytes to decode value, expected length: 2",
                                           SmallCapture::ts(3) + 3)));
    // What was read before it may be there or may come again; nothing from it on.
    CHECK(value_of(pipeline, "select count(*) from shop.t where id > 2") == "0");
    const std::string saved = value_of(
        pipeline, "select json_value(checkPoint, '$.commitTS') from tidb_binlog.checkpoint");
    CHECK(std::stoll(saved) <= SmallCapture::ts(2) + 3);
  }
}

TEST_CASE("corrupt: a table's description in the history names table and byte") {
  SmallCapture small;
  fill(small, R"([{"id":1,"name":"id","state":5,"type":{"Tp":"three"}}])", {"0802 0804 020261"});
  const auto capture = Capture::open(small.write());
  REQUIRE(capture);
  Pipeline pipeline(*capture);
  pipeline.start_upstream();
  pipeline.write_config();
  pipeline.start_drainer_over_capture();
  CHECK(pipeline.wait_for_drainer() == 1);
  const std::string log = pipeline.drainer_log();
  INFO(log.substr(log.size() > 2000 ? log.size() - 2000 : 0));
  CHECK_THAT(log,
             Catch::Contains("table `shop`.`t` (42) of schema version 2: ddl job 3, finished at "
                             "ts 2: table info: a positive integer is expected at byte "));
  CHECK_THAT(log, !Catch::Contains("Segmentation"));
}
