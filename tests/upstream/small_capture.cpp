#include "tests/upstream/small_capture.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include <zlib.h>

#include "tests/upstream/wire.h"

namespace drainer::upstream {

namespace {

namespace fs = std::filesystem;

void append_frame(Bytes& out, ByteView frame) {
  append_be32(out, static_cast<uint32_t>(frame.size()));
  out.append(frame);
}

void write_packed(const fs::path& path, const Bytes& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

Bytes key_value_frames(KeyValues pairs) {
  std::sort(pairs.begin(), pairs.end());
  Bytes out;
  for (const auto& [key, value] : pairs) {
    append_frame(out, key);
    append_frame(out, value);
  }
  return out;
}

}  // namespace

Bytes make_binlog(const SmallRecord& record) {
  const bool is_fake = record.start_ts == record.commit_ts;
  Bytes out;
  append_varint_field(out, 1, is_fake ? 2 : 1);
  append_varint_field(out, 2, static_cast<uint64_t>(record.start_ts));
  append_varint_field(out, 3, static_cast<uint64_t>(record.commit_ts));
  if (!record.prewrite_value.empty()) append_bytes_field(out, 5, record.prewrite_value);
  append_varint_field(out, 7, static_cast<uint64_t>(record.ddl_job_id));
  append_varint_field(out, 8, 0);
  return out;
}

SmallCapture::SmallCapture() {
  std::string name = (fs::temp_directory_path() / "capture-XXXXXX").string();
  directory_ = mkdtemp(name.data());
}

SmallCapture::~SmallCapture() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void SmallCapture::add_transactions(int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    Bytes value;
    append_varint_field(value, 1, 7);
    add({.pump = static_cast<size_t>(i % 2),
         .start_ts = ts(i + 1),
         .commit_ts = ts(i + 1) + 3,
         .prewrite_value = value});
  }
}

void SmallCapture::add_meta(const Bytes& key, const Bytes& value, bool at_from) {
  if (at_from) meta_from_.emplace_back(key, value);
  meta_.emplace_back(key, value);
}

std::string SmallCapture::write() const {
  std::vector<SmallRecord> records = records_;
  std::stable_sort(records.begin(), records.end(),
                   [](const auto& a, const auto& b) { return a.commit_ts < b.commit_ts; });
  for (size_t pump = 0; pump < 2; ++pump) {
    records.push_back({.pump = pump, .start_ts = kMetaTs + 5, .commit_ts = kMetaTs + 5});
    Bytes stream;
    for (const SmallRecord& record : records) {
      if (record.pump == pump) append_frame(stream, make_binlog(record));
    }
    write_packed(directory_ / fmt::format("pump-{}.stream.gz", pump + 1), stream);
  }
  write_packed(directory_ / "tikv-meta.kv.gz", key_value_frames(meta_));
  write_packed(directory_ / "tikv-meta.from.kv.gz", key_value_frames(meta_from_));
  std::ofstream(directory_ / "capture.json")
      << fmt::format(R"({{"cluster_id":"{}","from_ts":"{}","until_ts":"{}","meta_ts":"{}"}})",
                     kClusterId, kFromTs, kMetaTs - 1, kMetaTs);
  return directory_.string();
}

}  // namespace drainer::upstream
