#include "syncer/kafka/kafka_sink.h"

#include <catch2/catch.hpp>

#include "drainer/schema/schema.h"
#include "drainer/schema/table_filter.h"
#include "tests/fakes/schemas.h"
#include "tests/fakes/txns.h"
#include "tests/unit/kafka/sink_harness.h"

using namespace drainer;
using fakes::patient;
using fakes::TxnBuilder;
using Harness = fakes::SinkHarness;

namespace {

// Events with watermarks in a topic per table, of two partitions.
kafka::KafkaSinkOptions with_watermarks() {
  kafka::KafkaSinkOptions options = patient();
  options.to.kafka.protocol = KafkaProtocol::kCanalJson;
  options.to.kafka.tidb_extension = true;
  options.to.kafka.topic_template = "{schema}.{table}";
  options.to.kafka.partition_by = KafkaSpread::kTable;
  options.to.kafka.partitions = 2;
  options.topic = "topic";
  return options;
}

}  // namespace

TEST_CASE("watermarks: tables of earlier runs get watermarks where they have a topic") {
  schema::Schema schema;
  REQUIRE(schema.apply_ddl(fakes::create_database(1, 1, 1, "d")).ok());
  const auto create = [&](int64_t id, const std::string& name) {
    REQUIRE(schema
                .apply_ddl(fakes::table_job(id, tidb::DdlType::kCreateTable, id, 1,
                                            fakes::table(id, name, {})))
                .ok());
  };
  create(2, "idle");
  create(3, "filtered");
  create(4, "unwritten");
  create(5, "small");
  schema::TableFilter filter;
  REQUIRE(filter.ignore({"d", "filtered"}));
  Harness h(with_watermarks());
  {
    MutexLock lock(h.producer->mutex);
    // Of the last one fewer partitions than the settings want: a watermark would be refused.
    h.producer->topics = {{"d.idle", 3}, {"d.filtered", 3}, {"foreign", 3}, {"d.small", 1}};
  }
  h.acknowledge_all();
  h.sink.note_tables(schema, filter);
  h.sink.start(h.threads);
  REQUIRE(h.sink.submit(TxnBuilder(5).build(), StopToken()).ok());
  h.sink.close();
  while (h.next() < CommitTs(5)) {
  }
  CHECK(h.threads.wait().ok());
  MutexLock lock(h.producer->mutex);
  CHECK(h.producer->destinations ==
        std::vector<std::string>{"d.idle/0", "d.idle/1", "topic/0", "topic/1"});
}

TEST_CASE("watermarks: the last transaction gets its watermarks at a stop in order only") {
  const bool is_in_order = GENERATE(true, false);
  kafka::KafkaSinkOptions options = with_watermarks();
  options.to.kafka.watermark_interval_ms = 3'600'000;
  options.to.kafka.topic_template = "";
  Harness h(std::move(options));
  h.acknowledge_all();
  h.submit(7);
  h.submit(8);
  h.sink.close();
  if (!is_in_order) h.threads.request_stop();
  h.sink.start(h.threads);
  while (h.next() < CommitTs(8)) {
  }
  CHECK(h.threads.wait().ok());
  MutexLock lock(h.producer->mutex);
  // Two rows, and between them the first watermarks.
  REQUIRE(h.producer->sent.size() == (is_in_order ? 6 : 4));
  CHECK_THAT(h.producer->sent[2].second, Catch::Contains(R"("watermarkTs":7})"));
  CHECK_THAT(h.producer->sent.back().second,
             Catch::Contains(is_in_order ? R"("watermarkTs":8})" : R"("type":"INSERT")"));
}

TEST_CASE("watermarks: at a stop nothing is said again that watermarks have said") {
  Harness h(with_watermarks());
  h.acknowledge_all();
  h.sink.start(h.threads);
  REQUIRE(h.sink.submit(TxnBuilder(7).build(), StopToken()).ok());
  h.sink.close();
  while (h.next() < CommitTs(7)) {
  }
  CHECK(h.threads.wait().ok());
  MutexLock lock(h.producer->mutex);
  CHECK(h.producer->destinations == std::vector<std::string>{"topic/0", "topic/1"});
}
