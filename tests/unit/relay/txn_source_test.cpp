#include "syncer/relay/txn_source.h"

#include <catch2/catch.hpp>

#include "drainer/base/reverse_writer.h"
#include "syncer/file/message.h"
#include "syncer/kafka/message.h"
#include "tests/fakes/process.h"
#include "tests/fakes/txns.h"

using namespace drainer;
using fakes::TxnBuilder;
using relay::RecordFormat;
using relay::TxnSource;
using tidb::Value;

namespace {

template <class Writer>
Bytes written_by(const Txn& txn) {
  const tidb::TimeZone zone;
  Writer writer(zone);
  ReverseWriter out;
  REQUIRE(writer.put(out, txn).ok());
  return Bytes(out.view());
}

Bytes file_ddl(int64_t ts, const std::string& schema, const std::string& text) {
  return written_by<file::MessageWriter>(TxnBuilder(ts).ddl(schema, "t", text).build());
}

Bytes relay_ddl(int64_t ts, const std::string& schema, const std::string& text) {
  return written_by<kafka::MessageWriter>(TxnBuilder(ts).ddl(schema, "t", text).build());
}

// A DDL whose field 4 has these bytes.
Bytes raw_ddl(int64_t ts, ByteView bytes) {
  ReverseWriter out;
  out.put_bytes_field(0x22, bytes);
  out.put_varint_field(0x10, static_cast<uint64_t>(ts));
  out.put_varint_field(0x08, 1);
  return Bytes(out.view());
}

// "file", "relay", or the error.
std::string found_format(const std::vector<Bytes>& payloads) {
  fakes::TempDir dir("format");
  Bytes content;
  for (const Bytes& payload : payloads) file::append_record(content, payload);
  fakes::write_file(dir.path() + "/binlog-0000000000000000-20190101010101", content);
  const Result<TxnSource> source =
      TxnSource::open({.path = dir.path()}, RecordFormat::kDetect, ZonePair{});
  if (!source.ok()) return source.error().to_string();
  return source->format() == RecordFormat::kRelay ? "relay" : "file";
}

}  // namespace

TEST_CASE("txn source: records that are only DDL tell whose they are") {
  CHECK(found_format({relay_ddl(1, "test", "create table t (id int)")}) == "relay");
  CHECK(found_format({relay_ddl(1, "test", "")}) == "relay");
  CHECK(found_format({relay_ddl(1, "", "create table t (id int)")}) == "relay");
  CHECK(found_format({relay_ddl(1, std::string(64, 'a'), std::string(70000, ' '))}) == "relay");
  CHECK(found_format({file_ddl(1, "test", "create table t (id int)")}) == "file");
  CHECK(found_format({file_ddl(1, "", "create database d")}) == "file");
  // A text that could be a message: its first field is the database `drop db x`.
  CHECK(found_format({file_ddl(1, "", "\n\tdrop db x")}) == "file");
}

TEST_CASE("txn source: what does not tell leaves it to the records behind it") {
  const Bytes unclear = raw_ddl(1, "\x0a\x02\x01\x02");
  CHECK(found_format({unclear, relay_ddl(2, "test", "drop table t")}) == "relay");
  CHECK(found_format({unclear, file_ddl(2, "test", "drop table t")}) == "file");
  CHECK_THAT(found_format({unclear}), Catch::Contains("offset 0") && Catch::Contains("-format"));
  CHECK(found_format({raw_ddl(1, ""), relay_ddl(2, "test", "drop table t")}) == "relay");
  // The same to both.
  CHECK(found_format({raw_ddl(1, "")}) == "file");
}

TEST_CASE("txn source: rows tell whose they are") {
  const Txn txn =
      TxnBuilder(1).on(fakes::example_table()).insert({Value::of_int(1), fakes::text("a")}).build();
  CHECK(found_format({written_by<kafka::MessageWriter>(txn)}) == "relay");
  CHECK(found_format({written_by<file::MessageWriter>(txn)}) == "file");
}

TEST_CASE("txn source: the format is found where only an early file reaches behind the start") {
  fakes::TempDir dir("format");
  const auto add = [&](int number, const std::vector<int64_t>& all) {
    Bytes content;
    for (const int64_t ts : all) {
      file::append_record(content, relay_ddl(ts, "test", "create table t (id int)"));
    }
    fakes::write_file(fmt::format("{}/binlog-{:016}-20190101010101", dir.path(), number), content);
  };
  add(0, {51, 80, 100});
  add(1, {61, 80});
  Result<TxnSource> source = TxnSource::open({.path = dir.path(), .start = CommitTs(90)},
                                             RecordFormat::kDetect, ZonePair{});
  REQUIRE(source.ok());
  CHECK(source->format() == RecordFormat::kRelay);
  const auto txn = source->next();
  REQUIRE(txn.ok());
  REQUIRE(*txn);
  CHECK((*txn)->commit_ts == CommitTs(100));
}

namespace {

// Pb files of one directory.
struct PbFiles {
  fakes::TempDir dir{"pb"};
  int files = 0;

  void add(const std::vector<Bytes>& payloads) {
    Bytes content;
    for (const Bytes& payload : payloads) file::append_record(content, payload);
    fakes::write_file(fmt::format("{}/binlog-{:016}-20190101010101", dir.path(), files++), content);
  }
  TxnSource open(int64_t start) const {
    auto source =
        TxnSource::open({.path = dir.path(), .start = CommitTs(start), .has_early_ddl = start > 0},
                        RecordFormat::kFile, ZonePair{});
    REQUIRE(source.ok());
    return std::move(source).value();
  }
};

// A row of the database d.
Bytes file_row(int64_t ts, const std::string& table) {
  const auto version = fakes::table_version(
      "d", fakes::table(1, table, {fakes::column(1, "id", tidb::ColumnType::kLong)}));
  return written_by<file::MessageWriter>(
      TxnBuilder(ts).on(version).insert({Value::of_int(ts)}).build());
}

// Each transaction: its commit ts and the table it is about.
std::vector<std::string> tables_read(TxnSource& source) {
  std::vector<std::string> out;
  while (true) {
    const auto txn = source.next();
    REQUIRE(txn.ok());
    if (!*txn) return out;
    const schema::TableName& name =
        (*txn)->ddl ? (*txn)->ddl->effect.name : (*txn)->tables.at(0)->name;
    out.push_back(fmt::format("{} {}", (*txn)->commit_ts, name.table));
  }
}

}  // namespace

TEST_CASE("txn source: a RENAME before the start tells where rows behind it belong") {
  PbFiles files;
  files.add({file_row(5, "a"),
             file_ddl(10, "d",
                      "RENAME TABLE `d`.`a` TO `d`.`b`, `d`.`c` TO "
                      "`d`.`e`"),
             file_row(15, "a")});
  files.add({file_row(20, "a"), file_row(30, "e"), file_row(40, "a")});
  const bool is_restored_dump = GENERATE(false, true);
  TxnSource source = files.open(30);
  if (is_restored_dump) {
    source.add_known({"d", "b"});
    source.add_known({"d", "e"});
    source.set_applied(CommitTs(29));
  }
  CHECK(tables_read(source) == std::vector<std::string>{"30 e", "40 b"});
}

TEST_CASE("txn source: what is applied already does not happen again to the tables of now") {
  PbFiles files;
  const std::string text = "DROP TABLE `d`.`a`, `d`.`b`";
  files.add({file_ddl(10, "d", text), file_ddl(11, "d", text), file_row(20, "x")});
  TxnSource source = files.open(0);
  // Interrupted between the two.
  source.add_known({"d", "b"});
  source.set_applied(CommitTs(10));
  CHECK(tables_read(source).at(1) == "11 b");
}
