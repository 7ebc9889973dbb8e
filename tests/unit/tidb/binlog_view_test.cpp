#include "drainer/tidb/binlog_view.h"

#include "drainer/proto/binlog.pb.h"
#include "drainer/tidb/binlog_item.h"
#include "tests/unit/tidb/table_builder.h"

#include <catch2/catch.hpp>

#include <random>

using namespace drainer;
using namespace drainer::tidb;

namespace {

using Random = std::mt19937_64;

int64_t random_int64(Random& random) {
  // All lengths of base-128 numbers, negative ones included.
  return static_cast<int64_t>(random() >> (random() % 64));
}

std::string random_bytes(Random& random) {
  const size_t size_max = random() % 20 == 0 ? 300 : 20;
  std::string bytes(random() % size_max, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

binlog::TableMutation random_mutation(Random& random) {
  binlog::TableMutation mutation;
  if (random() % 10 != 0) mutation.set_table_id(random_int64(random));
  for (auto left = random() % 5; left > 0; --left) mutation.add_inserted_rows(random_bytes(random));
  for (auto left = random() % 5; left > 0; --left) mutation.add_updated_rows(random_bytes(random));
  for (auto left = random() % 5; left > 0; --left) mutation.add_deleted_rows(random_bytes(random));
  for (auto left = random() % 3; left > 0; --left) mutation.add_deleted_ids(random_int64(random));
  for (auto left = random() % 3; left > 0; --left) mutation.add_deleted_pks(random_bytes(random));
  for (auto left = random() % 9; left > 0; --left) {
    mutation.add_sequence(static_cast<binlog::MutationType>(random() % 5));
  }
  return mutation;
}

template <class T>
std::vector<T> list_of(std::span<const T> list) {
  return {list.begin(), list.end()};
}

void check_same(std::span<const ByteView> view,
                const google::protobuf::RepeatedPtrField<std::string>& rows) {
  CHECK(std::equal(view.begin(), view.end(), rows.begin(), rows.end()));
}

void check_same(const PrewriteView& view, const binlog::PrewriteValue& message) {
  CHECK(view.schema_version.value == message.schema_version());
  REQUIRE(view.mutations.size() == static_cast<size_t>(message.mutations_size()));
  for (int i = 0; i < message.mutations_size(); ++i) {
    const MutationView& mutation = view.mutations[static_cast<size_t>(i)];
    CHECK(mutation.table_id.value == message.mutations(i).table_id());
    check_same(mutation.inserted_rows, message.mutations(i).inserted_rows());
    check_same(mutation.updated_rows, message.mutations(i).updated_rows());
    check_same(mutation.deleted_rows, message.mutations(i).deleted_rows());
    const auto& sequence = message.mutations(i).sequence();
    CHECK(std::equal(mutation.sequence.begin(), mutation.sequence.end(), sequence.begin(),
                     sequence.end(),
                     [](MutationType a, int b) { return static_cast<int>(a) == b; }));
  }
}

}  // namespace

TEST_CASE("binlog view: a fake binlog") {
  const Bytes payload = from_hex("08021085808080a0b787e9051885808080a0b787e90538004000");
  const auto view = parse_binlog(payload);
  REQUIRE(view.ok());
  CHECK(view->type == 2);
  CHECK(view->start_ts.value == 419430400000000005);
  CHECK(view->commit_ts == CommitTs(419430400000000005));
  CHECK(view->is_fake());
  CHECK_FALSE(view->is_ddl());
}

TEST_CASE("binlog view: a transaction with one insert") {
  const Bytes payload = from_hex("0801106418652a0b08171207082d120101380038004000");
  const auto view = parse_binlog(payload);
  REQUIRE(view.ok());
  CHECK(view->type == 1);
  CHECK(view->start_ts.value == 100);
  CHECK(view->commit_ts.value == 101);
  CHECK_FALSE(view->is_fake());
  CHECK_FALSE(view->is_ddl());
  CHECK(to_hex(view->prewrite_value) == "08171207082d1201013800");
  const auto prewrite = parse_prewrite(view->prewrite_value);
  REQUIRE(prewrite.ok());
  CHECK(prewrite->schema_version.value == 23);
  REQUIRE(prewrite->mutations.size() == 1);
  CHECK(prewrite->mutations[0].table_id.value == 45);
  CHECK(list_of(prewrite->mutations[0].inserted_rows) == std::vector<ByteView>{"\x01"});
  CHECK(list_of(prewrite->mutations[0].sequence) == std::vector{MutationType::kInsert});
}

TEST_CASE("binlog view: a DDL record") {
  const Bytes payload =
      from_hex("0801106418653215637265617465207461626c652074286120696e7429384d4005");
  const auto view = parse_binlog(payload);
  REQUIRE(view.ok());
  CHECK(view->is_ddl());
  CHECK(view->ddl_query == "create table t(a int)");
  CHECK(view->ddl_job_id.value == 77);
  CHECK(view->ddl_schema_state == SchemaState::kPublic);
}

TEST_CASE("binlog view: three kinds of change in one mutation") {
  const auto prewrite = parse_prewrite(from_hex("0864120908051203080e003800"));
  REQUIRE(prewrite.ok());
  CHECK(prewrite->schema_version.value == 100);
  const Bytes value = from_hex(
      "1231"
      "082a1207080208040202611a1008020802080402026108020802080400320708020802080400380038013804");
  const auto view = parse_prewrite(value.substr(0, 1) + char(value.size() - 2) + value.substr(2));
  REQUIRE(view.ok());
  const MutationView& mutation = view->mutations.at(0);
  CHECK(mutation.table_id.value == 42);
  CHECK(list_of(mutation.sequence) ==
        std::vector{MutationType::kInsert, MutationType::kUpdate, MutationType::kDeleteRow});
  CHECK(mutation.inserted_rows.size() == 1);
  CHECK(mutation.updated_rows.size() == 1);
  CHECK(mutation.deleted_rows.size() == 1);
}

TEST_CASE("binlog view: fields of a mutation may come in any order") {
  const Bytes value = from_hex(
      "1212"
      "3804"
      "320164"
      "120161"
      "1a0175"
      "120162"
      "3800"
      "082d"
      "1202082e");
  const auto view = parse_prewrite(value);
  REQUIRE(view.ok());
  REQUIRE(view->mutations.size() == 2);
  const MutationView& mutation = view->mutations[0];
  CHECK(mutation.table_id.value == 45);
  CHECK(list_of(mutation.inserted_rows) == std::vector<ByteView>{"a", "b"});
  CHECK(list_of(mutation.updated_rows) == std::vector<ByteView>{"u"});
  CHECK(list_of(mutation.deleted_rows) == std::vector<ByteView>{"d"});
  CHECK(list_of(mutation.sequence) == std::vector{MutationType::kDeleteRow, MutationType::kInsert});
  CHECK(view->mutations[1].table_id.value == 46);
  CHECK(view->mutations[1].inserted_rows.empty());
}

TEST_CASE("binlog view: sequence may be packed") {
  const auto view =
      parse_prewrite(from_hex("1207"
                              "082d"
                              "3a03000401"));
  REQUIRE(view.ok());
  CHECK(list_of(view->mutations.at(0).sequence) ==
        std::vector{MutationType::kInsert, MutationType::kDeleteRow, MutationType::kUpdate});
}

TEST_CASE("binlog view: unknown enumerators do not turn into known ones") {
  const auto view =
      parse_prewrite(from_hex("1205"
                              "388002"
                              "3805"));
  REQUIRE(view.ok());
  CHECK(list_of(view->mutations.at(0).sequence) ==
        std::vector{static_cast<MutationType>(255), static_cast<MutationType>(5)});
  const auto binlog = parse_binlog(from_hex("408102"));
  REQUIRE(binlog.ok());
  CHECK(binlog->ddl_schema_state == static_cast<SchemaState>(255));
}

TEST_CASE("binlog view: an empty payload is an all-zero binlog") {
  const auto view = parse_binlog("");
  REQUIRE(view.ok());
  CHECK(view->commit_ts.value == 0);
  CHECK(view->is_fake());
  const auto prewrite = parse_prewrite("");
  REQUIRE(prewrite.ok());
  CHECK(prewrite->mutations.empty());
}

TEST_CASE("binlog view: unknown fields are passed over, the last of a field counts") {
  // Field 9 as varint, 10 as fixed64, 11 as bytes, 12 as fixed32.
  const auto view =
      parse_binlog(from_hex("48ff01"
                            "510102030405060708"
                            "5a03616263"
                            "6501020304"
                            "1064"
                            "1065"));
  REQUIRE(view.ok());
  CHECK(view->start_ts.value == 101);
}

TEST_CASE("binlog view: malformed messages name the byte") {
  struct Case {
    std::string_view hex;
    std::string_view text;
  };
  for (const Case& c : {
           Case{"10", "protobuf: number cut off at byte 1"},
           Case{"1080", "protobuf: number cut off at byte 1"},
           Case{"10ffffffffffffffffffff01", "protobuf: number larger than 64 bits at byte 1"},
           Case{"2a05616263", "protobuf: field cut off at byte 2"},
           Case{"2affffffffffffffffff01", "protobuf: field cut off at byte 11"},
           Case{"10644b4c", "protobuf: group at byte 3"},
           Case{"4c", "protobuf: group at byte 1"},
           Case{"4e", "protobuf: illegal wire type at byte 1"},
           Case{"0001", "protobuf: illegal field number at byte 1"},
           Case{"1201", "protobuf: wrong wire type at byte 1"},
           Case{"2801", "protobuf: wrong wire type at byte 1"},
           Case{"510102", "protobuf: field cut off at byte 1"},
           Case{"650102", "protobuf: field cut off at byte 1"},
       }) {
    INFO(c.hex);
    const auto view = parse_binlog(from_hex(c.hex));
    REQUIRE_FALSE(view.ok());
    CHECK(view.error().code() == ErrorCode::kCorrupt);
    CHECK(view.error().text() == c.text);
  }
  const auto nested =
      parse_prewrite(from_hex("0817"
                              "1204"
                              "082d"
                              "3a01"
                              "80"));
  REQUIRE_FALSE(nested.ok());
  CHECK(nested.error().text() == "protobuf: field cut off at byte 8");
  const auto packed =
      parse_prewrite(from_hex("0817"
                              "1205"
                              "082d"
                              "3a01"
                              "80"));
  REQUIRE_FALSE(packed.ok());
  CHECK(packed.error().text() == "protobuf: number cut off at byte 8");
}

TEST_CASE("binlog view: reads what protobuf writes, whole or cut") {
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    binlog::PrewriteValue prewrite;
    if (random() % 10 != 0) prewrite.set_schema_version(random_int64(random));
    for (auto left = random() % 4; left > 0; --left) {
      *prewrite.add_mutations() = random_mutation(random);
    }
    binlog::Binlog message;
    message.set_tp(static_cast<binlog::BinlogType>(random() % 5));
    message.set_start_ts(random_int64(random));
    message.set_commit_ts(random_int64(random));
    if (random() % 2 == 0) message.set_prewrite_key(random_bytes(random));
    message.set_prewrite_value(prewrite.SerializeAsString());
    if (random() % 2 == 0) message.set_ddl_query(random_bytes(random));
    message.set_ddl_job_id(random_int64(random));
    message.set_ddl_schema_state(static_cast<int32_t>(random() % 8));
    const std::string payload = message.SerializeAsString();

    const auto binlog = parse_binlog(payload);
    REQUIRE(binlog.ok());
    CHECK(binlog->type == message.tp());
    CHECK(binlog->start_ts.value == message.start_ts());
    CHECK(binlog->commit_ts.value == message.commit_ts());
    CHECK(binlog->prewrite_value == message.prewrite_value());
    CHECK(binlog->ddl_query == message.ddl_query());
    CHECK(binlog->ddl_job_id.value == message.ddl_job_id());
    CHECK(static_cast<int32_t>(binlog->ddl_schema_state) == message.ddl_schema_state());
    const auto view = parse_prewrite(binlog->prewrite_value);
    REQUIRE(view.ok());
    check_same(*view, prewrite);

    for_each_prefix(binlog->prewrite_value, [&](ByteView prefix) {
      // A cut between fields is a whole message again; protobuf must agree on what it says.
      binlog::PrewriteValue shorter;
      const bool is_valid = shorter.ParseFromArray(prefix.data(), static_cast<int>(prefix.size()));
      const auto parsed = parse_prewrite(prefix);
      REQUIRE(parsed.ok() == is_valid);
      if (is_valid) check_same(*parsed, shorter);
    });
  }
}

TEST_CASE("binlog item: keeps its views over a move") {
  auto item = BinlogItem::parse(from_hex("0801106418652a0b08171207082d120101380038004000"));
  REQUIRE(item.ok());
  const BinlogItem moved = *std::move(item);
  CHECK(to_hex(moved.binlog().prewrite_value) == "08171207082d1201013800");
  CHECK(moved.size_bytes() == 23);
}
