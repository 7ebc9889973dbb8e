#include "tests/upstream/meta_versions.h"

#include <algorithm>

#include <rapidjson/document.h>

#include "tests/upstream/memcomparable.h"

namespace drainer::upstream {

namespace {

/// The start of all keys of a hash: 'm' enc(key) u64('h').
Bytes hash_prefix(ByteView key) {
  Bytes out = "m";
  append_memcomparable(out, key);
  append_be64(out, 'h');
  return out;
}

struct FinishedJob {
  int64_t id = 0;
  int64_t finished_ts = 0;
};

FinishedJob parse_job(ByteView json) {
  rapidjson::Document document;
  document.Parse(json.data(), json.size());
  FinishedJob job;
  if (!document.IsObject()) return job;
  if (document.HasMember("id") && document["id"].IsInt64()) job.id = document["id"].GetInt64();
  if (document.HasMember("binlog") && document["binlog"].IsObject()) {
    const auto& binlog = document["binlog"];
    if (binlog.HasMember("FinishedTS") && binlog["FinishedTS"].IsInt64()) {
      job.finished_ts = binlog["FinishedTS"].GetInt64();
    }
  }
  return job;
}

}  // namespace

std::map<int64_t, int64_t> load_meta_versions(const Capture& capture, MvccStore& store) {
  std::map<int64_t, int64_t> job_versions;
  const auto from = static_cast<uint64_t>(capture.from_ts.value);
  const auto meta = static_cast<uint64_t>(capture.meta_ts.value);
  std::map<ByteView, ByteView> before;
  for (const auto& [key, value] : capture.meta_from) {
    store.put(key, from, value);
    before.emplace(key, value);
  }
  const Bytes history = hash_prefix("DDLJobHistory");
  for (const auto& [key, value] : capture.meta) {
    uint64_t version = meta;
    if (ByteView(key).starts_with(history)) {
      const FinishedJob job = parse_job(value);
      version = std::clamp(static_cast<uint64_t>(job.finished_ts), from, meta);
      job_versions.emplace(job.id, static_cast<int64_t>(version));
    }
    const auto found = before.find(key);
    if (found == before.end() || found->second != value) store.put(key, version, value);
    if (found != before.end()) before.erase(found);
  }
  for (const auto& [key, value] : before) store.put(key, meta, std::nullopt);
  return job_versions;
}

void MetaClock::raise(int64_t ts) {
  int64_t seen = seen_.load();
  while (seen < ts && !seen_.compare_exchange_weak(seen, ts)) {
  }
}

void MetaClock::note_served(int64_t commit_ts, int64_t ddl_job_id) {
  if (!as_served_) return;
  raise(commit_ts);
  if (ddl_job_id == 0) return;
  if (const auto job = job_versions_.find(ddl_job_id); job != job_versions_.end()) {
    raise(job->second);
  }
}

uint64_t MetaClock::limit(uint64_t version) const {
  return as_served_ ? std::min(version, static_cast<uint64_t>(seen_.load())) : version;
}

}  // namespace drainer::upstream
