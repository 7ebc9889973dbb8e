#include "drainer/cluster/meta.h"

#include "drainer/base/log.h"
#include "drainer/base/parse_number.h"
#include "drainer/cluster/key_codec.h"

namespace drainer::cluster {

namespace {

constexpr ByteView kHistoryKey = "DDLJobHistory";
constexpr ByteView kDatabasesKey = "DBs";
constexpr ByteView kTablePrefix = "Table";
constexpr std::string_view kSavedSafePointKey = "/tidb/store/gcworker/saved_safe_point";

constexpr int kReadAttemptsMax = 10;
constexpr Duration kErrorPause = std::chrono::seconds(1);
constexpr Duration kJobPollPause = std::chrono::milliseconds(100);
constexpr Duration kJobWaitLogInterval = std::chrono::seconds(30);

Bytes history_field(DdlJobId id) {
  Bytes field;
  append_be64(field, static_cast<uint64_t>(id.value));
  return field;
}

/// Reads all fields of a hash, in the byte order of their encoded form.
Result<void> scan_hash(KvClient& kv, ByteView key, CommitTs version,
                       const std::function<Result<void>(ByteView field, ByteView value)>& on_field,
                       const StopToken& stop) {
  const Bytes prefix = meta_key(key, MetaFlag::kHash);
  const auto on_pair = [&](ByteView full_key, ByteView value) -> Result<void> {
    ASSIGN_OR_RETURN(const Bytes field, parse_hash_field(prefix, full_key));
    return on_field(field, value);
  };
  return kv.scan(prefix, prefix_end(prefix), version, on_pair, stop);
}

Result<DdlJobId> parse_history_key(ByteView key) {
  ASSIGN_OR_RETURN(const Bytes field,
                   parse_hash_field(meta_key(kHistoryKey, MetaFlag::kHash), key));
  if (field.size() != sizeof(uint64_t)) {
    return make_error(ErrorCode::kCorrupt, "DDL history has field {}", to_hex(field));
  }
  return DdlJobId(static_cast<int64_t>(load_be64(field.data())));
}

}  // namespace

Result<std::shared_ptr<const tidb::DdlJob>> Meta::wait_for_job(DdlJobId id, const StopToken& stop) {
  const TimePoint begin = clock_.now();
  TimePoint logged = begin;
  int failures = 0;
  while (true) {
    Result<std::optional<Bytes>> json = job_json(id, stop);
    if (!json.ok()) {
      if (json.error().code() == ErrorCode::kStopped) return std::move(json).error();
      log_error(fmt::format("get ddl job by id {} error", id), {{"error", json.error()}});
      if (++failures >= kReadAttemptsMax) {
        return std::move(json).error().because("get DDL job {} failed {} times", id, failures);
      }
      if (!clock_.sleep_for(kErrorPause, stop)) return stopped();
      continue;
    }
    failures = 0;
    if (*json) {
      Result<tidb::DdlJob> job = tidb::parse_ddl_job(**json);
      if (!job.ok()) return std::move(job).error().because("parse DDL job {}", id);
      return std::make_shared<const tidb::DdlJob>(*std::move(job));
    }
    const TimePoint now = clock_.now();
    if (now - logged >= kJobWaitLogInterval) {
      logged = now;
      log_info("waiting for a DDL job to finish upstream",
               {{"job id", id}, {"seconds", (now - begin) / std::chrono::seconds(1)}});
    }
    if (!clock_.sleep_for(kJobPollPause, stop)) return stopped();
  }
}

Result<std::optional<Bytes>> Meta::job_json(DdlJobId id, const StopToken& stop) {
  ASSIGN_OR_RETURN(const CommitTs version, pd_.tso(stop));
  return kv_.get(hash_field_key(kHistoryKey, history_field(id)), version, stop);
}

Result<void> Meta::scan_history(const OnJob& on_job, const StopToken& stop) {
  const Bytes prefix = meta_key(kHistoryKey, MetaFlag::kHash);
  return scan_history(prefix, prefix_end(prefix), on_job, stop);
}

Result<void> Meta::scan_history(DdlJobId first, DdlJobId last, const OnJob& on_job,
                                const StopToken& stop) {
  return scan_history(hash_field_key(kHistoryKey, history_field(first)),
                      hash_field_key(kHistoryKey, history_field(DdlJobId(last.value + 1))), on_job,
                      stop);
}

Result<void> Meta::scan_history(const Bytes& start, const Bytes& end, const OnJob& on_job,
                                const StopToken& stop) {
  ASSIGN_OR_RETURN(const CommitTs version, pd_.tso(stop));
  const auto on_pair = [&](ByteView key, ByteView json) -> Result<void> {
    ASSIGN_OR_RETURN(const DdlJobId id, parse_history_key(key));
    return on_job(id, json);
  };
  Result<void> done = kv_.scan(start, end, version, on_pair, stop);
  if (!done.ok()) return std::move(done).error().because("read the DDL history at {}", version);
  return {};
}

Result<std::vector<DdlJobId>> Meta::history_ids(const StopToken& stop) {
  ASSIGN_OR_RETURN(const CommitTs version, pd_.tso(stop));
  return history_ids(version, stop);
}

Result<std::vector<DdlJobId>> Meta::history_ids_from(DdlJobId first, const StopToken& stop) {
  ASSIGN_OR_RETURN(const CommitTs version, pd_.tso(stop));
  return history_ids(hash_field_key(kHistoryKey, history_field(first)), version, stop);
}

Result<std::vector<DdlJobId>> Meta::history_ids(CommitTs version, const StopToken& stop) {
  if (version.value == 0) return std::vector<DdlJobId>();
  return history_ids(meta_key(kHistoryKey, MetaFlag::kHash), version, stop);
}

Result<std::vector<DdlJobId>> Meta::history_ids(const Bytes& begin, CommitTs version,
                                                const StopToken& stop) {
  std::vector<DdlJobId> ids;
  const auto on_pair = [&](ByteView key, ByteView) -> Result<void> {
    ASSIGN_OR_RETURN(const DdlJobId id, parse_history_key(key));
    ids.push_back(id);
    return {};
  };
  const Bytes end = prefix_end(meta_key(kHistoryKey, MetaFlag::kHash));
  Result<void> done = kv_.scan_keys(begin, end, version, on_pair, stop);
  if (!done.ok()) return std::move(done).error().because("list the DDL history at {}", version);
  return ids;
}

Result<std::optional<tidb::TableInfo>> Meta::current_table(SchemaId schema, TableId table,
                                                           const StopToken& stop) {
  ASSIGN_OR_RETURN(const CommitTs version, pd_.tso(stop));
  const Bytes key = hash_field_key(fmt::format("DB:{}", schema), fmt::format("Table:{}", table));
  ASSIGN_OR_RETURN(const std::optional<Bytes> json, kv_.get(key, version, stop));
  if (!json) return std::optional<tidb::TableInfo>();
  Result<tidb::TableInfo> info = tidb::parse_table_info(*json);
  if (!info.ok()) return std::move(info).error().because("parse table {} as it is now", table);
  return std::optional<tidb::TableInfo>(*std::move(info));
}

Result<SchemaSnapshot> Meta::snapshot(CommitTs version, const StopToken& stop) {
  CHECK(etcd_ != nullptr, "a snapshot needs the safe point in etcd");
  SchemaSnapshot snapshot;
  if (version.value == 0) return snapshot;
  TRY(check_not_collected(version, stop));
  const auto on_database = [&](ByteView field, ByteView json) -> Result<void> {
    ASSIGN_OR_RETURN(SchemaSnapshot::Database found, database(field, json, version, stop));
    snapshot.databases.push_back(std::move(found));
    return {};
  };
  Result<void> done = scan_hash(kv_, kDatabasesKey, version, on_database, stop);
  if (!done.ok()) return std::move(done).error().because("read the schema at {}", version);
  // TiKV gives incomplete data without a word when GC has overtaken the read.
  TRY(check_not_collected(version, stop));
  return snapshot;
}

Result<SchemaSnapshot::Database> Meta::database(ByteView field, ByteView json, CommitTs version,
                                                const StopToken& stop) {
  Result<tidb::DbInfo> info = tidb::parse_db_info(json);
  if (!info.ok()) return std::move(info).error().because("parse database {}", field);
  SchemaSnapshot::Database result{.info = *std::move(info), .tables = {}};
  const auto on_table = [&](ByteView table_field, ByteView table_json) -> Result<void> {
    if (!table_field.starts_with(kTablePrefix)) return {};  // Counters of ids and sequences.
    Result<tidb::TableInfo> table = tidb::parse_table_info(table_json);
    if (!table.ok()) {
      return std::move(table).error().because("parse {} of {}", table_field, field);
    }
    result.tables.push_back(std::make_shared<const tidb::TableInfo>(*std::move(table)));
    return {};
  };
  TRY(scan_hash(kv_, fmt::format("DB:{}", result.info.id), version, on_table, stop));
  return result;
}

Result<void> Meta::check_not_collected(CommitTs version, const StopToken& stop) {
  const Result<EtcdKeyValue> saved = etcd_->get(kSavedSafePointKey, stop);
  if (!saved.ok()) {
    if (saved.error().code() == ErrorCode::kNotFound) return {};  // No GC has ever run.
    return Error(saved.error()).because("read the GC safe point");
  }
  const auto safe_point = parse_whole<int64_t>(saved->value);
  if (!safe_point) {
    return make_error(ErrorCode::kCorrupt, "GC safe point in etcd is no number: {}", saved->value);
  }
  if (version.value < *safe_point) {
    return make_error(ErrorCode::kInvalid,
                      "GC life time is shorter than transaction duration, transaction starts at "
                      "{}, GC safe point is {}",
                      version, *safe_point);
  }
  return {};
}

}  // namespace drainer::cluster
