#include "tests/bench/capture_maker.h"

#include <cstdio>
#include <utility>

#include "drainer/base/check.h"
#include "tests/fakes/process.h"
#include "tests/upstream/meta_keys.h"
#include "tests/upstream/wire.h"

namespace drainer::bench {
namespace {

using upstream::append_bytes_field;
using upstream::append_varint;
using upstream::append_varint_field;

constexpr int64_t kFromTs = int64_t{1000} << 18;
/// Between two transactions: a millisecond of TSO time.
constexpr int64_t kStepTs = int64_t{1} << 18;
constexpr int64_t kSchemaId = 50;
constexpr int64_t kFirstTableId = 100;
constexpr std::string_view kSchema = "bench";

void append_frame(Bytes& out, ByteView frame) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(frame.size() >> shift & 0xff));
  }
  out.append(frame);
}

// Datums and rows: spec/row-codec.md 1 and 3.

void append_int(Bytes& out, int64_t value) {
  out.push_back('\x08');
  append_varint(out, static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63));
}

void append_text(Bytes& out, std::string_view text) {
  out.push_back('\x02');
  append_varint(out, text.size() << 1);
  out.append(text);
}

void append_columns(Bytes& out, const MadeRow& row, bool has_id) {
  if (has_id) {
    append_int(out, 1);
    append_int(out, row.id);
  }
  append_int(out, 2);
  append_int(out, row.k);
  append_int(out, 3);
  append_text(out, row.c);
}

void append_row_id(Bytes& out, const MadeTable& table, const MadeRow& row) {
  if (table.has_key) return;
  append_int(out, -1);
  append_int(out, row.row_id);
}

std::string column_json(int id, std::string_view name, int type, int flag, int length,
                        std::string_view charset) {
  return fmt::format(
      R"({{"id":{},"name":{{"O":"{}","L":"{}"}},"offset":{},"type":{{"Tp":{},"Flag":{},"Flen":{},)"
      R"("Decimal":0,"Charset":"{}","Collate":"{}"}},"state":5,"version":2}})",
      id, name, name, id - 1, type, flag, length, charset,
      charset == "binary" ? "binary" : "utf8mb4_bin");
}

std::string table_json(const MadeTable& table) {
  return fmt::format(
      R"({{"id":{},"name":{{"O":"{}","L":"{}"}},"charset":"utf8mb4","collate":"utf8mb4_bin",)"
      R"("cols":[{},{},{}],"index_info":null,"fk_info":null,"state":5,"pk_is_handle":{},)"
      R"("is_common_handle":false,"max_col_id":3,"version":5}})",
      table.id, table.name, table.name,
      column_json(1, "id", 8, table.has_key ? 3 : 0, 20, "binary"),
      column_json(2, "k", 3, 0, 11, "binary"), column_json(3, "c", 15, 0, 2000, "utf8mb4"),
      table.has_key);
}

std::string job_json(int64_t id, int type, int64_t table_id, std::string_view table_name,
                     std::string_view query, int64_t version, std::string_view infos) {
  return fmt::format(
      R"({{"id":{},"type":{},"schema_id":{},"table_id":{},"schema_name":"{}","table_name":"{}",)"
      R"("state":6,"schema_state":5,"query":"{}","binlog":{{"SchemaVersion":{},{},)"
      R"("FinishedTS":{}}},"version":1}})",
      id, type, kSchemaId, table_id, kSchema, table_name, query, version, infos,
      kFromTs - 100000 + version);
}

std::string job_field(int64_t id) {
  std::string field;
  for (int shift = 56; shift >= 0; shift -= 8) field.push_back(static_cast<char>(id >> shift));
  return field;
}

}  // namespace

CaptureMaker::CaptureMaker(std::string directory)
    : directory_(std::move(directory)),
      stream_(std::fopen((directory_ + "/pump-1.stream").c_str(), "wb")),
      last_ts_(kFromTs) {
  CHECK(stream_ != nullptr, "cannot write {}/pump-1.stream", directory_);
}

CaptureMaker::~CaptureMaker() {
  if (stream_ != nullptr) std::fclose(stream_);
}

MadeTable CaptureMaker::add_table(std::string name, bool has_key) {
  const MadeTable table{.id = kFirstTableId + 2 * static_cast<int64_t>(tables_.size()),
                        .name = std::move(name),
                        .has_key = has_key};
  return tables_.emplace_back(table);
}

CaptureMaker::Mutation& CaptureMaker::mutation_of(const MadeTable& table) {
  ++rows_;
  for (Mutation& mutation : mutations_) {
    if (mutation.table_id == table.id) return mutation;
  }
  return mutations_.emplace_back(Mutation{.table_id = table.id});
}

void CaptureMaker::insert(const MadeTable& table, const MadeRow& row) {
  Bytes bytes;
  append_int(bytes, table.has_key ? row.id : row.row_id);  // the handle
  append_columns(bytes, row, /*has_id=*/!table.has_key);
  Mutation& mutation = mutation_of(table);
  append_bytes_field(mutation.lists, 2, bytes);
  append_varint_field(mutation.sequence, 7, 0);
}

void CaptureMaker::update(const MadeTable& table, const MadeRow& before, const MadeRow& after) {
  Bytes bytes;
  for (const MadeRow* row : {&before, &after}) {
    append_columns(bytes, *row, /*has_id=*/true);
    append_row_id(bytes, table, *row);
  }
  Mutation& mutation = mutation_of(table);
  append_bytes_field(mutation.lists, 3, bytes);
  append_varint_field(mutation.sequence, 7, 1);
}

void CaptureMaker::remove(const MadeTable& table, const MadeRow& row) {
  Bytes bytes;
  append_columns(bytes, row, /*has_id=*/true);
  append_row_id(bytes, table, row);
  Mutation& mutation = mutation_of(table);
  append_bytes_field(mutation.lists, 6, bytes);
  append_varint_field(mutation.sequence, 7, 4);
}

void CaptureMaker::commit() {
  Bytes prewrite;
  append_varint_field(prewrite, 1, tables_.size() + 1);
  for (const Mutation& mutation : mutations_) {
    Bytes bytes;
    append_varint_field(bytes, 1, static_cast<uint64_t>(mutation.table_id));
    bytes += mutation.lists;
    bytes += mutation.sequence;
    append_bytes_field(prewrite, 2, bytes);
  }
  mutations_.clear();
  last_ts_ += kStepTs;
  Bytes record;
  append_varint_field(record, 1, 1);
  append_varint_field(record, 2, static_cast<uint64_t>(last_ts_ - 2));
  append_varint_field(record, 3, static_cast<uint64_t>(last_ts_));
  append_bytes_field(record, 5, prewrite);
  append_varint_field(record, 7, 0);
  append_varint_field(record, 8, 0);
  append_record(record);
}

void CaptureMaker::append_record(const Bytes& record) {
  Bytes frame;
  append_frame(frame, record);
  CHECK(std::fwrite(frame.data(), 1, frame.size(), stream_) == frame.size(), "cannot write {}",
        directory_);
}

void CaptureMaker::finish() {
  CHECK(mutations_.empty(), "a transaction is open");
  const int64_t until = last_ts_ + kStepTs;
  Bytes fake;
  append_varint_field(fake, 1, 2);
  append_varint_field(fake, 2, static_cast<uint64_t>(until + kStepTs));
  append_varint_field(fake, 3, static_cast<uint64_t>(until + kStepTs));
  append_record(fake);
  CHECK(std::fclose(std::exchange(stream_, nullptr)) == 0, "cannot write {}", directory_);
  write_meta();
  fakes::write_file(directory_ + "/capture.json",
                    fmt::format("{{\"cluster_id\": \"77\", \"from_ts\": \"{}\", \"until_ts\": "
                                "\"{}\", \"meta_ts\": \"{}\"}}",
                                kFromTs, until, until + 2 * kStepTs));
}

void CaptureMaker::write_meta() const {
  Bytes meta;
  const auto put = [&](const Bytes& key, std::string_view value) {
    append_frame(meta, key);
    append_frame(meta, value);
  };
  const std::string database = fmt::format(
      R"({{"id":{},"db_name":{{"O":"{}","L":"{}"}},"charset":"utf8mb4","collate":"utf8mb4_bin",)"
      R"("state":5}})",
      kSchemaId, kSchema, kSchema);
  std::string sql = fmt::format("CREATE DATABASE {};\n", kSchema);
  put(upstream::string_key("SchemaVersionKey"), std::to_string(tables_.size() + 1));
  put(upstream::database_key(kSchemaId), database);
  const auto put_job = [&](int64_t id, const std::string& json) {
    put(upstream::hash_field_key("DDLJobHistory", job_field(id)), json);
  };
  put_job(kSchemaId + 1, job_json(kSchemaId + 1, 1, 0, "", "create database bench", 1,
                                  "\"TableInfo\":null,\"DBInfo\":" + database));
  int64_t version = 1;
  for (const MadeTable& table : tables_) {
    const std::string json = table_json(table);
    put(upstream::table_key(kSchemaId, table.id), json);
    put_job(table.id + 1, job_json(table.id + 1, 3, table.id, table.name, "create table", ++version,
                                   "\"DBInfo\":null,\"TableInfo\":" + json));
    sql += fmt::format(
        "CREATE TABLE {}.`{}` (id bigint{}, k int, c varchar(2000)) CHARACTER SET utf8mb4 COLLATE "
        "utf8mb4_bin;\n",
        kSchema, table.name, table.has_key ? " NOT NULL PRIMARY KEY" : "");
  }
  fakes::write_file(directory_ + "/tikv-meta.kv", meta);
  fakes::write_file(directory_ + "/tikv-meta.from.kv", meta);
  fakes::write_file(directory_ + "/prepare.sql", sql);
}

}  // namespace drainer::bench
