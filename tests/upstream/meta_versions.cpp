#include "tests/upstream/meta_versions.h"

#include <algorithm>
#include <set>
#include <vector>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "tests/upstream/meta_keys.h"

namespace drainer::upstream {

namespace {

using Json = rapidjson::Value;

// Values of TiDB's model.JobState and model.ActionType.
constexpr int64_t kDone = 4;
constexpr int64_t kSynced = 6;
enum Action : int64_t {
  kDropSchema = 2,
  kDropTable = 4,
  kTruncateTable = 11,
  kDropView = 24,
  kDropSequence = 36,
};

/// A job that ended between the two snapshots.
struct Job {
  Bytes key;
  ByteView json;
  rapidjson::Document document;
  int64_t id = 0;
  uint64_t version = 0;
};

const Json* find(const Json& object, const char* name) {
  if (!object.IsObject()) return nullptr;
  const auto member = object.FindMember(name);
  return member == object.MemberEnd() || member->value.IsNull() ? nullptr : &member->value;
}

int64_t number(const Json& object, const char* name) {
  const Json* value = find(object, name);
  return value != nullptr && value->IsInt64() ? value->GetInt64() : 0;
}

Bytes to_text(const Json& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

/// Replays what jobs did to the metadata. One thread.
class Replay {
 public:
  Replay(const Capture& capture, MvccStore& store) : store_(store) {
    for (const auto& [key, value] : capture.meta) final_.emplace(key, value);
    for (const auto& [key, value] : capture.meta_from) {
      set(key, static_cast<uint64_t>(capture.from_ts.value), value);
    }
  }

  void apply(const Job& job) {
    set(job.key, job.version, Bytes(job.json));
    const Json* binlog = find(job.document, "binlog");
    const int64_t state = number(job.document, "state");
    if (binlog == nullptr || (state != kDone && state != kSynced)) return;
    apply_schema_version(number(*binlog, "SchemaVersion"), job.version);
    const int64_t schema_id = number(job.document, "schema_id");
    const int64_t table_id = number(job.document, "table_id");
    const Json* database = find(*binlog, "DBInfo");
    const Json* table = find(*binlog, "TableInfo");
    switch (number(job.document, "type")) {
      case kDropSchema:
        drop_schema(schema_id, job.version);
        return;
      case kDropTable:
      case kDropView:
      case kDropSequence:
        set(table_key(schema_id, table_id), job.version, std::nullopt);
        return;
      case kTruncateTable:
        set(table_key(schema_id, table_id), job.version, std::nullopt);
        break;
      default:
        break;
    }
    if (database != nullptr) set(database_key(schema_id), job.version, to_text(*database));
    if (table != nullptr) put_table(schema_id, *table, job.version);
    if (const Json* tables = find(*binlog, "MultipleTableInfos")) {
      for (const Json& one : tables->GetArray()) put_table(schema_id, one, job.version);
    }
  }

  /// What no job explained.
  void finish(uint64_t version) {
    for (const auto& [key, value] : final_) {
      const auto found = current_.find(key);
      if (found == current_.end() || found->second != value) set(key, version, Bytes(value));
    }
    std::vector<Bytes> gone;
    for (const auto& [key, value] : current_) {
      if (!final_.contains(key)) gone.push_back(key);
    }
    for (const Bytes& key : gone) set(key, version, std::nullopt);
  }

 private:
  void set(const Bytes& key, uint64_t version, std::optional<Bytes> value) {
    if (value) current_.insert_or_assign(key, *value);
    if (!value && current_.erase(key) == 0) return;
    store_.put(key, version, std::move(value));
  }

  /// Of several jobs, one may have seen its version before another that ended first.
  void apply_schema_version(int64_t schema_version, uint64_t version) {
    if (schema_version <= schema_version_) return;
    schema_version_ = schema_version;
    set(string_key("SchemaVersionKey"), version, fmt::format("{}", schema_version));
    // An online change passes through several schema versions, each with its diff.
    for (int64_t v = schema_version; v > 0; --v) {
      const Bytes key = string_key(fmt::format("Diff:{}", v));
      const auto diff = final_.find(key);
      if (diff == final_.end() || current_.contains(key)) break;
      set(key, version, Bytes(diff->second));
    }
  }

  void drop_schema(int64_t schema_id, uint64_t version) {
    set(database_key(schema_id), version, std::nullopt);
    const Bytes prefix = hash_prefix(fmt::format("DB:{}", schema_id));
    std::vector<Bytes> gone;
    for (auto at = current_.lower_bound(prefix);
         at != current_.end() && at->first.starts_with(prefix); ++at) {
      gone.push_back(at->first);
    }
    for (const Bytes& key : gone) set(key, version, std::nullopt);
  }

  /// A table has one place: renaming it takes it out of its former database.
  void put_table(int64_t schema_id, const Json& table, uint64_t version) {
    const int64_t table_id = number(table, "id");
    const Bytes place = table_key(schema_id, table_id);
    const Bytes field = fmt::format("Table:{}", table_id);
    std::vector<Bytes> former;
    for (const auto& [key, value] : current_) {
      const auto part = parse_hash_field(key);
      if (part && part->field == field && key != place) former.push_back(key);
    }
    for (const Bytes& key : former) set(key, version, std::nullopt);
    set(place, version, to_text(table));
  }

  MvccStore& store_;
  std::map<Bytes, ByteView, std::less<>> final_;
  std::map<Bytes, Bytes, std::less<>> current_;
  int64_t schema_version_ = 0;
};

}  // namespace

std::map<int64_t, int64_t> load_meta_versions(const Capture& capture, MvccStore& store) {
  std::map<int64_t, int64_t> versions;
  const auto from = static_cast<uint64_t>(capture.from_ts.value);
  const auto meta = static_cast<uint64_t>(capture.meta_ts.value);
  const Bytes history = hash_prefix("DDLJobHistory");
  std::set<ByteView> before;
  for (const auto& [key, value] : capture.meta_from) before.insert(key);
  std::vector<Job> jobs;
  for (const auto& [key, value] : capture.meta) {
    if (!ByteView(key).starts_with(history)) continue;
    Job job{.key = key, .json = value, .document = {}};
    job.document.Parse(value.data(), value.size());
    const Json* binlog = find(job.document, "binlog");
    const int64_t finished_ts = binlog == nullptr ? 0 : number(*binlog, "FinishedTS");
    job.id = number(job.document, "id");
    job.version = std::clamp(static_cast<uint64_t>(finished_ts), from, meta);
    versions.emplace(job.id, static_cast<int64_t>(job.version));
    if (!before.contains(key)) jobs.push_back(std::move(job));
  }
  std::stable_sort(jobs.begin(), jobs.end(),
                   [](const Job& a, const Job& b) { return a.version < b.version; });
  Replay replay(capture, store);
  for (const Job& job : jobs) replay.apply(job);
  replay.finish(meta);
  return versions;
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
