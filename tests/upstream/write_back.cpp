#include "tests/upstream/write_back.h"

#include <utility>

#include "drainer/base/log.h"
#include "tests/upstream/meta_keys.h"

namespace drainer::upstream {

namespace {

constexpr size_t kQueryHeadBytes = 13;
constexpr std::string_view kServersOwn = "mysql";
constexpr int64_t kDropTableJob = 4;

}  // namespace

Result<std::unique_ptr<WriteBack>> WriteBack::open(const Options& options, LiveFeed& feed,
                                                   MvccStore& mvcc, Clock& clock) {
  mysql::SessionOptions session;
  session.host = "127.0.0.1";
  session.port = options.port;
  session.user = "root";
  ASSIGN_OR_RETURN(auto opened, mysql::Session::open(session));
  return std::unique_ptr<WriteBack>(  // NOLINT: private constructor
      new WriteBack(options, std::move(opened), feed, mvcc, clock));
}

WriteBack::WriteBack(const Options& options, std::unique_ptr<mysql::Session> session,
                     LiveFeed& feed, MvccStore& mvcc, Clock& clock)
    : file_(options.binlog_path, clock),
      session_(std::move(session)),
      feed_(feed),
      mvcc_(mvcc),
      catalog_(*session_) {}

Result<void> WriteBack::run(const StopToken& stop) {
  while (true) {
    Result<BinlogEvent> event = file_.next(stop);
    if (!event.ok() && event.error().code() == ErrorCode::kStopped) return {};
    if (!event.ok()) return std::move(event).error();
    TRY(handle(*event));
  }
}

Result<void> WriteBack::handle(const BinlogEvent& event) {
  switch (event.type) {
    case EventType::kQuery:
      return handle_query(event.body);
    case EventType::kTableMap: {
      ASSIGN_OR_RETURN(TableMap map, parse_table_map(event.body));
      maps_.insert_or_assign(map.number, std::move(map));
      return {};
    }
    case EventType::kWriteRows:
    case EventType::kUpdateRows:
    case EventType::kDeleteRows:
      return handle_rows(event);
    case EventType::kXid:
      commit();
      return {};
    case EventType::kGtid:
      open_.Clear();
      return {};
    case EventType::kRotate:
      return {};
  }
  return {};  // what we do not look at
}

Result<void> WriteBack::handle_query(ByteView body) {
  if (body.size() < kQueryHeadBytes) {
    return make_error(ErrorCode::kCorrupt, "a query event is cut off");
  }
  const auto schema_bytes = static_cast<uint8_t>(body[8]);
  const size_t status_bytes = load_le16(body.data() + 11);
  body.remove_prefix(kQueryHeadBytes + status_bytes);
  const std::string schema(body.substr(0, schema_bytes));
  const std::string sql(body.substr(schema_bytes + 1U));
  if (sql == "COMMIT") {
    commit();
    return {};
  }
  auto job = catalog_.run(schema, sql);
  if (!job.ok()) return std::move(job).error().because("{}", sql);
  if (*job) publish(**job);
  return {};
}

Result<void> WriteBack::handle_rows(const BinlogEvent& event) {
  ASSIGN_OR_RETURN(const uint64_t number, table_number(event.body));
  const auto map = maps_.find(number);
  if (map == maps_.end()) return make_error(ErrorCode::kCorrupt, "no table map {}", number);
  if (map->second.schema == kServersOwn) return {};
  const LiveTable* table = catalog_.find(map->second.schema, map->second.table);
  if (table == nullptr) {
    return make_error(ErrorCode::kNotFound, "rows of {}.{}, which nobody has created",
                      map->second.schema, map->second.table);
  }
  ASSIGN_OR_RETURN(const auto rows, parse_rows(event.body, event.type == EventType::kUpdateRows,
                                               map->second, table->unsigned_columns()));
  add_rows(event.type, *table, rows);
  return {};
}

binlog::TableMutation& WriteBack::mutation_of(const LiveTable& table) {
  for (binlog::TableMutation& mutation : *open_.mutable_mutations()) {
    if (mutation.table_id() == table.id) return mutation;
  }
  binlog::TableMutation& mutation = *open_.add_mutations();
  mutation.set_table_id(table.id);
  return mutation;
}

void WriteBack::add_rows(EventType type, const LiveTable& table,
                         const std::vector<DatumRow>& rows) {
  if (type == EventType::kUpdateRows) {
    for (size_t i = 0; i < rows.size(); i += 2) add_update(table, rows[i], rows[i + 1]);
    return;
  }
  binlog::TableMutation& mutation = mutation_of(table);
  for (const DatumRow& row : rows) {
    if (type == EventType::kWriteRows) {
      mutation.add_inserted_rows(LiveCatalog::insert_row(table, row, ++last_row_id_));
      mutation.add_sequence(binlog::Insert);
    } else {
      mutation.add_deleted_rows(LiveCatalog::delete_row(table, row, ++last_row_id_));
      mutation.add_sequence(binlog::DeleteRow);
    }
  }
}

void WriteBack::add_update(const LiveTable& table, const DatumRow& old_row,
                           const DatumRow& new_row) {
  bool keeps_handle = true;
  for (const size_t part : table.key) {
    keeps_handle =
        keeps_handle && (table.handle == HandleKind::kRowId || old_row[part] == new_row[part]);
  }
  if (!keeps_handle) {
    add_rows(EventType::kDeleteRows, table, {old_row});
    return add_rows(EventType::kWriteRows, table, {new_row});
  }
  binlog::TableMutation& mutation = mutation_of(table);
  mutation.add_updated_rows(LiveCatalog::update_row(table, old_row, new_row, ++last_row_id_));
  mutation.add_sequence(binlog::Update);
}

void WriteBack::commit() {
  if (open_.mutations().empty()) return;
  open_.set_schema_version(catalog_.schema_version());
  feed_.append(0, [&](const LiveFeed::Stamps& stamps) {
    binlog::Binlog record;
    record.set_tp(binlog::Commit);
    record.set_start_ts(stamps.start_ts);
    record.set_commit_ts(stamps.commit_ts);
    record.set_prewrite_value(open_.SerializeAsString());
    record.set_ddl_job_id(0);
    record.set_ddl_schema_state(0);
    return record.SerializeAsString();
  });
  open_.Clear();
}

void WriteBack::publish(const LiveJob& job) {
  log_info("ddl", {{"job", job.id}, {"type", job.type}, {"sql", job.query}});
  feed_.append(job.id, [&](const LiveFeed::Stamps& stamps) {
    const auto version = static_cast<uint64_t>(stamps.finished_ts);
    Bytes field;
    append_be64(field, static_cast<uint64_t>(job.id));
    mvcc_.put(hash_field_key("DDLJobHistory", field), version,
              job.json(stamps.start_ts, stamps.finished_ts));
    mvcc_.put(string_key("SchemaVersionKey"), version, fmt::format("{}", job.schema_version));
    if (job.database_json != "null") {
      mvcc_.put(database_key(job.schema_id), version, job.database_json);
    }
    if (job.table_json != "null") {
      const bool is_gone = job.type == kDropTableJob;
      mvcc_.put(table_key(job.schema_id, job.table_id), version,
                is_gone ? std::nullopt : std::optional(job.table_json));
    }
    binlog::Binlog record;
    record.set_tp(binlog::Commit);
    record.set_start_ts(stamps.start_ts);
    record.set_commit_ts(stamps.commit_ts);
    record.set_ddl_query(job.query);
    record.set_ddl_job_id(job.id);
    record.set_ddl_schema_state(5);
    return record.SerializeAsString();
  });
}

}  // namespace drainer::upstream
