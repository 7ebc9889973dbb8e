#include "syncer/kafka/message_reader.h"

#include <catch2/catch.hpp>

#include "drainer/base/reverse_writer.h"
#include "drainer/tidb/value_text.h"
#include "syncer/kafka/message.h"
#include "tests/fakes/txns.h"

using namespace drainer;
using fakes::TxnBuilder;
using tidb::Value;
using tidb::ValueKind;

namespace {

// A row with the TIMESTAMP 2020-01-01 12:00:00; our relay logs name the zone, the original does
// not.
std::shared_ptr<const Bytes> message_in(std::string_view zone) {
  const tidb::TimeZone utc;
  kafka::MessageWriter writer(utc);
  ReverseWriter out;
  if (!zone.empty()) out.put_bytes_field(0x2a, zone);
  const auto table = fakes::table_version(
      "d", fakes::table(1, "t", {fakes::column(1, "at", tidb::ColumnType::kTimestamp)}));
  REQUIRE(writer
              .put(out, TxnBuilder(7)
                            .on(table)
                            .insert({Value::of_bytes("2020-01-01 12:00:00", ValueKind::kText)})
                            .build())
              .ok());
  return std::make_shared<const Bytes>(out.view());
}

std::string read_hour(kafka::MessageReader& reader, std::string_view zone) {
  const Result<Txn> txn = reader.read(message_in(zone));
  REQUIRE(txn.ok());
  REQUIRE(txn->values.size() == 1);
  std::string text;
  REQUIRE(tidb::append_text(text, txn->values[0]).ok());
  REQUIRE(text.size() == 19);
  return text.substr(11, 2);
}

}  // namespace

TEST_CASE("kafka reader: TIMESTAMPs are in the zone that their own message names, else the given") {
  kafka::MessageReader reader(
      {.written = tidb::TimeZone::load("+08:00").value(), .wanted = tidb::TimeZone()});
  CHECK(read_hour(reader, "") == "04");
  CHECK(read_hour(reader, "+03:00") == "09");
  CHECK(read_hour(reader, "+03:00") == "09");
  // Another drainer went on with the log.
  CHECK(read_hour(reader, "") == "04");
  CHECK(read_hour(reader, "UTC") == "12");
  CHECK(read_hour(reader, "") == "04");
  CHECK(read_hour(reader, "+03:00") == "09");
}
