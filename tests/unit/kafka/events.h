#pragma once

#include "syncer/kafka/event_writer.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/txns.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace drainer::fakes {

inline constexpr int64_t kTs = 405809779094585347;  // of the specification's examples

/// What a JSON format makes of transactions, each by a writer of its own.
struct Events {
  FakeClock clock;
  tidb::TimeZone zone;
  std::vector<kafka::EventMessage> messages;

  void write(const KafkaOptions& options, const Txn& txn, int32_t partitions = 1) {
    kafka::EventFormatOptions format{
        .zone = &zone, .tidb_extension = options.tidb_extension, .cluster_id = "7"};
    kafka::EventWriter writer(
        options,
        options.protocol == KafkaProtocol::kDebezium ? kafka::make_debezium(format)
                                                     : kafka::make_canal_json(format),
        kafka::EventRouter(options, "topic", zone,
                           [=](const std::string&) -> Result<int32_t> { return partitions; }),
        clock);
    const Result<void> written =
        writer.write(txn, [this](kafka::EventMessage message) -> Result<void> {
          messages.push_back(std::move(message));
          return {};
        });
    REQUIRE(written.ok());
  }
};

inline KafkaOptions options_of(KafkaProtocol protocol) {
  KafkaOptions options;
  options.protocol = protocol;
  options.watermark_interval_ms = 0;
  return options;
}

/// The update of the specification's examples.
inline Txn example_update() {
  return TxnBuilder(kTs)
      .on(example_table())
      .update({tidb::Value::of_int(1), text("a")}, {tidb::Value::of_int(1), tidb::Value::null()})
      .build();
}

}  // namespace drainer::fakes
