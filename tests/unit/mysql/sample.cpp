#include "tests/unit/mysql/sample.h"

#include <deque>

#include "drainer/base/check.h"

namespace drainer::mysql::sample {
namespace {

/// Owns the bytes of all sample values.
std::deque<std::string>& arena() {
  static std::deque<std::string> strings;
  return strings;
}

}  // namespace

TablePtr table(const std::string& schema, const std::string& name,
               const std::vector<Column>& columns) {
  auto info = std::make_shared<tidb::TableInfo>();
  info->name = name;
  int64_t id = 0;
  for (const Column& column : columns) {
    tidb::ColumnInfo& added = info->columns.emplace_back();
    added.id = ColumnId(++id);
    added.name = column.name;
    added.is_generated = column.is_generated;
    added.state = tidb::SchemaState::kPublic;
    added.type.type = column.type;
    added.type.charset = column.charset;
  }
  auto version = std::make_shared<schema::TableVersion>();
  version->name = {schema, name};
  version->info = std::move(info);
  return version;
}

TablePtr table_t(const std::string& schema) {
  return table(schema, "t",
               {{"id", tidb::ColumnType::kLong},
                {"b", tidb::ColumnType::kVarchar},
                {"c", tidb::ColumnType::kBlob}});
}

TablePtr table_n(const std::string& schema) {
  return table(schema, "n", {{"x", tidb::ColumnType::kLong}, {"y", tidb::ColumnType::kDouble}});
}

tidb::Value number(int64_t value) {
  return tidb::Value::of_int(value);
}
tidb::Value real(double value) {
  return tidb::Value::of_double(value);
}
tidb::Value text(const std::string& value) {
  return tidb::Value::of_bytes(arena().emplace_back(value), tidb::ValueKind::kString);
}
tidb::Value binary(const std::string& value) {
  return tidb::Value::of_bytes(arena().emplace_back(value), tidb::ValueKind::kBinary);
}
tidb::Value null() {
  return tidb::Value::null();
}

void TxnBuilder::add(RowKind kind, const TablePtr& table, const Values& new_row,
                     const Values* old_row) {
  size_t position = 0;
  while (position < txn_.tables.size() && txn_.tables[position] != table) ++position;
  if (position == txn_.tables.size()) txn_.tables.push_back(table);
  CHECK(new_row.size() == table->info->columns.size(), "{} values", new_row.size());

  const auto begin = static_cast<uint32_t>(txn_.values.size());
  txn_.values.insert(txn_.values.end(), new_row.begin(), new_row.end());
  const auto old_begin = old_row != nullptr ? static_cast<uint32_t>(txn_.values.size()) : begin;
  if (old_row != nullptr) {
    txn_.values.insert(txn_.values.end(), old_row->begin(), old_row->end());
  }
  txn_.rows.push_back({kind, static_cast<uint32_t>(position), begin, old_begin});
}

TxnBuilder& TxnBuilder::insert(const TablePtr& table, const Values& row) {
  add(RowKind::kInsert, table, row, nullptr);
  return *this;
}
TxnBuilder& TxnBuilder::update(const TablePtr& table, const Values& old_row,
                               const Values& new_row) {
  add(RowKind::kUpdate, table, new_row, &old_row);
  return *this;
}
TxnBuilder& TxnBuilder::remove(const TablePtr& table, const Values& row) {
  add(RowKind::kDelete, table, row, nullptr);
  return *this;
}

TxnBuilder& TxnBuilder::ddl(const std::string& schema, const std::string& table,
                            const std::string& text) {
  Ddl ddl;
  ddl.text = text;
  ddl.job_id = DdlJobId(txn_.commit_ts.value);
  ddl.effect.action = schema::DdlEffect::Action::kExecute;
  ddl.effect.name = {schema, table};
  ddl.effect.use_schema = schema;
  ddl.effect.touched = {{schema, table}};
  txn_.ddl = std::make_unique<Ddl>(std::move(ddl));
  return *this;
}

SessionOptions root_session(uint16_t port) {
  return {.host = "127.0.0.1",
          .port = port,
          .user = "root",
          .password = "",
          .security = {},
          .read_timeout = std::chrono::seconds(60),
          .variables = {}};
}

MysqlSinkOptions sink_options(uint16_t port) {
  MysqlSinkOptions options;
  options.syncer.to.host = "127.0.0.1";
  options.syncer.to.port = port;
  options.syncer.to.user = "root";
  options.cluster_id = 7;
  options.checkpoint_ts = CommitTs(1);
  options.attempts_max = 20;
  return options;
}

Inspector::Inspector(uint16_t port) {
  auto session = Session::open(root_session(port));
  CHECK(session.ok(), "{}", session.error().to_string());
  session_ = std::move(session).value();
}

void Inspector::reset(const std::string& name) {
  run("DROP DATABASE IF EXISTS tidb_binlog");
  run("DROP DATABASE IF EXISTS `" + name + "`");
  run("CREATE DATABASE `" + name + "` CHARACTER SET utf8mb4");
  run("USE `" + name + "`");
}

void Inspector::run(const std::string& sql) {
  auto done = session_->execute(sql);
  CHECK(done.ok(), "{}: {}", sql, done.error().to_string());
}

std::string Inspector::rows(const std::string& sql) {
  auto result = session_->query(sql);
  CHECK(result.ok(), "{}: {}", sql, result.error().to_string());
  std::string out;
  for (const ResultRow& row : *result) {
    if (!out.empty()) out += "\n";
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += "|";
      out += row[i].value_or("NULL");
    }
  }
  return out;
}

bool comes_to(Inspector& db, const std::string& sql, const std::string& rows) {
  return wait_until([&] { return db.rows(sql) == rows; });
}

RunningSink::RunningSink(MysqlSinkOptions options, Clock& clock) {
  auto sink = MysqlSink::open(std::move(options), clock, StopToken());
  CHECK(sink.ok(), "{}", sink.error().to_string());
  sink_ = std::move(sink).value();
  sink_->start(threads_);
}

RunningSink::RunningSink(MysqlSinkOptions options)
    : RunningSink(std::move(options), system_clock_) {}

void RunningSink::submit(Txn txn) {
  auto submitted = sink_->submit(std::move(txn), threads_.stop_token());
  CHECK(submitted.ok() || submitted.error().code() == ErrorCode::kStopped, "{}",
        submitted.error().to_string());
}

bool RunningSink::wait_applied(int64_t commit_ts) {
  while (auto applied = sink_->next_applied(threads_.stop_token())) {
    if (applied->commit_ts.value >= commit_ts) return true;
  }
  return false;
}

std::string RunningSink::finish() {
  sink_->close();
  auto result = threads_.wait();
  return result.ok() ? "" : result.error().to_string();
}

}  // namespace drainer::mysql::sample
