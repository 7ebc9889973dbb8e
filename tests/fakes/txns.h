#pragma once

#include <memory>
#include <string>
#include <vector>

#include "syncer/txn.h"
#include "tests/fakes/schemas.h"

namespace drainer::fakes {

/// A table as the schema hands it out, at schema version 1.
inline std::shared_ptr<const schema::TableVersion> table_version(
    const std::string& schema, std::shared_ptr<const tidb::TableInfo> info,
    std::shared_ptr<const schema::TableVersion> previous = nullptr, int64_t since = 1) {
  auto out = std::make_shared<schema::TableVersion>();
  out->name = {schema, info->name};
  out->info = std::move(info);
  out->since = SchemaVersion(since);
  out->previous = std::move(previous);
  return out;
}

/// Transactions of given values, as translate makes them. The values' bytes must outlive them.
class TxnBuilder {
 public:
  using Values = std::vector<tidb::Value>;

  explicit TxnBuilder(int64_t commit_ts, int64_t schema_version = 1) {
    txn_.commit_ts = CommitTs(commit_ts);
    txn_.start_ts = StartTs(commit_ts - 1);
    txn_.schema_version = SchemaVersion(schema_version);
  }

  /// The rows that follow are of this table.
  TxnBuilder& on(std::shared_ptr<const schema::TableVersion> table) {
    txn_.tables.push_back(std::move(table));
    return *this;
  }
  TxnBuilder& insert(const Values& values) { return add(RowKind::kInsert, values, nullptr); }
  TxnBuilder& remove(const Values& values) { return add(RowKind::kDelete, values, nullptr); }
  TxnBuilder& update(const Values& old_values, const Values& new_values) {
    return add(RowKind::kUpdate, new_values, &old_values);
  }
  TxnBuilder& ddl(const std::string& schema, const std::string& table, const std::string& text,
                  bool should_skip = false) {
    txn_.ddl = std::make_unique<Ddl>();
    txn_.ddl->text = text;
    txn_.ddl->should_skip = should_skip;
    txn_.ddl->job_id = DdlJobId(1);
    txn_.ddl->effect.action = schema::DdlEffect::Action::kExecute;
    txn_.ddl->effect.name = {schema, table};
    return *this;
  }
  Txn build() { return std::move(txn_); }

 private:
  TxnBuilder& add(RowKind kind, const Values& values, const Values* old_values) {
    const auto begin = static_cast<uint32_t>(txn_.values.size());
    const auto old_begin = static_cast<uint32_t>(begin + (old_values ? values.size() : 0));
    txn_.values.insert(txn_.values.end(), values.begin(), values.end());
    if (old_values != nullptr) {
      txn_.values.insert(txn_.values.end(), old_values->begin(), old_values->end());
    }
    const auto table = static_cast<uint32_t>(txn_.tables.size() - 1);
    txn_.rows.push_back({kind, table, begin, old_begin});
    return *this;
  }

  Txn txn_;
};

/// test.t1(id int primary key, name varchar(32)), the table of the specification's examples.
inline std::shared_ptr<const schema::TableVersion> example_table() {
  tidb::ColumnInfo id =
      column(1, "id", tidb::ColumnType::kLong, tidb::kFlagPrimaryKey | tidb::kFlagNotNull);
  id.type.flen = 11;
  id.type.decimal = 0;
  tidb::ColumnInfo name = column(2, "name", tidb::ColumnType::kVarchar);
  name.type.flen = 32;
  return table_version("test", table(42, "t1", {id, name}, /*pk_is_handle=*/true));
}

inline tidb::Value text(std::string_view bytes) {
  return tidb::Value::of_bytes(bytes, tidb::ValueKind::kString);
}

}  // namespace drainer::fakes
