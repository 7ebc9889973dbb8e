// make_seeds CAPTURE DIRECTORY : the seeds of fuzz_messages, fuzz_record, fuzz_relay and
// fuzz_schema_store out of a capture (captures/README.md), small ones, the same each time.

#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "drainer/base/log.h"
#include "drainer/schema/history.h"
#include "drainer/schema/schema_codec.h"
#include "syncer/file/record.h"
#include "tests/fakes/process.h"
#include "tests/integration/expected_messages.h"
#include "tests/integration/message_text.h"
#include "tests/integration/replay.h"

namespace drainer {
namespace {

constexpr size_t kSeedBytesMax = 1500;

// What a line says but for names, numbers and texts of the workload: its path without indices, and
// the type of a column.
std::string shape_of(const std::string& line) {
  std::string out;
  bool is_index = false;
  for (const char c : line.substr(0, line.find(" = "))) {
    is_index = c == '[' || (is_index && c != ']');
    if (!is_index) out += c;
  }
  return out.ends_with("type") ? out + line.substr(line.find(" = ")) : out;
}

// The smaller messages that have something that those before them lack.
std::vector<Bytes> choose(const std::vector<ByteView>& messages,
                          std::vector<std::string> (*decode)(ByteView)) {
  std::set<std::string> seen;
  std::vector<Bytes> out;
  for (const ByteView message : messages) {
    if (message.size() > kSeedBytesMax) continue;
    bool is_new = false;
    for (const std::string& line : decode(message)) is_new |= seen.insert(shape_of(line)).second;
    if (is_new) out.emplace_back(message);
  }
  return out;
}

class Writer {
 public:
  explicit Writer(std::string directory) : directory_(std::move(directory)) {}

  void write(const std::string& fuzzer, const std::string& name, ByteView content) {
    std::filesystem::create_directories(directory_ + "/" + fuzzer);
    fakes::write_file(directory_ + "/" + fuzzer + "/" + name, Bytes(content));
    std::printf("%s/%s: %zu bytes\n", fuzzer.c_str(), name.c_str(), content.size());
  }

 private:
  std::string directory_;
};

// Files of two records and more: whole, torn, damaged, and as the original goes on behind a torn
// record after its restart.
void write_files(const std::vector<Bytes>& payloads, Writer& writer) {
  Bytes whole;
  for (size_t i = 0; i < 4; ++i) file::append_record(whole, payloads.at(i));
  Bytes first;
  file::append_record(first, payloads.at(0));
  Bytes damaged = whole;
  damaged[first.size() + file::kRecordHeaderBytes] ^= 1;
  const Bytes torn = whole.substr(0, whole.size() - 7);
  for (const char* const fuzzer : {"record", "relay"}) {
    writer.write(fuzzer, "whole", whole);
    writer.write(fuzzer, "damaged", damaged);
    writer.write(fuzzer, "torn", torn);
    writer.write(fuzzer, "torn-and-repeated", torn + whole);
  }
}

// The records between header and end, as the fuzzer takes them.
Bytes store_records(const schema::SchemaImage& image) {
  Bytes out;
  const auto encode = [&](const schema::SchemaImage& any) {
    out.clear();
    const Result<void> done = schema::encode_schema(any, 1, [&](ByteView bytes) -> Result<void> {
      out += bytes;
      return {};
    });
    CHECK(done.ok(), "{}", done.error().to_string());
    return out;
  };
  constexpr size_t kMagicBytes = 12;
  constexpr size_t kEndBytes = 13;
  const Bytes all = encode(image);
  const size_t header = kMagicBytes + 4 + load_le32(all.data() + kMagicBytes);
  return all.substr(header, all.size() - header - kEndBytes);
}

Result<void> write_stores(const upstream::Capture& capture, Writer& writer) {
  ASSIGN_OR_RETURN(const auto jobs, integration::read_jobs(capture.meta));
  schema::HistoryLoader loader({.commit_ts = CommitTs(INT64_MAX), .schema_version = {}});
  for (const auto& [id, json] : jobs) TRY(loader.add(id, json));
  ASSIGN_OR_RETURN(const std::unique_ptr<schema::Schema> schema, std::move(loader).finish());
  const schema::SchemaImage all = schema->image(CommitTs(INT64_MAX));
  schema::SchemaImage rest = all;
  rest.tables.clear();
  if (rest.databases.size() > 2) rest.databases.resize(2);
  for (auto& dropped : rest.dropped_databases) dropped.tables.clear();
  for (auto* const ids : {&rest.done, &rest.known_jobs}) {
    if (ids->size() > 20) ids->resize(20);
  }
  writer.write("schema_store", "no-tables", store_records(rest).substr(0, kSeedBytesMax));
  std::set<size_t> counts;
  for (const schema::SchemaImage::Table& table : all.tables) {
    schema::SchemaImage one;
    one.databases = rest.databases;
    one.tables = {table};
    const Bytes records = store_records(one);
    if (records.size() > kSeedBytesMax || counts.size() == 12) continue;
    if (!counts.insert(table.version->info->columns.size()).second) continue;
    writer.write("schema_store", "table-" + std::to_string(table.id.value), records);
  }
  return {};
}

Result<void> run(const std::string& directory, const std::string& out) {
  Writer writer(out);
  const auto kafka = integration::load_kafka_messages(directory);
  const auto files = integration::load_file_payloads(directory);
  if (!kafka || !files) return make_error(ErrorCode::kNotFound, "no messages in {}", directory);
  size_t number = 0;
  for (const Bytes& message : choose(kafka->messages, integration::kafka_message_lines)) {
    writer.write("messages", fmt::format("kafka-{:02}", number++), message);
  }
  const std::vector<Bytes> payloads = choose(files->messages, integration::file_payload_lines);
  number = 0;
  for (const Bytes& payload : payloads) {
    writer.write("messages", fmt::format("file-{:02}", number++), payload);
  }
  write_files(payloads, writer);
  ASSIGN_OR_RETURN(const upstream::Capture capture, upstream::load_capture(directory));
  return write_stores(capture, writer);
}

}  // namespace
}  // namespace drainer

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: make_seeds CAPTURE DIRECTORY\n", stderr);
    return 2;
  }
  (void)drainer::open_log({.level = drainer::LogLevel::kError, .file = ""});
  const drainer::Result<void> done = drainer::run(argv[1], argv[2]);
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s\n", done.error().to_string().c_str());
  return 1;
}
