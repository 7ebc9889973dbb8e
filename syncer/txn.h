#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/ids.h"
#include "drainer/schema/schema.h"
#include "drainer/tidb/binlog_item.h"
#include "drainer/tidb/value.h"
#include "syncer/ddl_clock.h"

namespace drainer {

enum class RowKind : uint8_t { kInsert, kUpdate, kDelete };

/// As rules and records of users name it.
constexpr std::string_view to_string(RowKind kind) {
  switch (kind) {
    case RowKind::kInsert:
      return "insert";
    case RowKind::kUpdate:
      return "update";
    case RowKind::kDelete:
      return "delete";
  }
  return "";
}

/// One row change; its values lie in Txn::values. Plain data.
struct RowChange {
  RowKind kind;
  uint32_t table;      ///< index into Txn::tables
  uint32_t new_begin;  ///< insert, update: first value of the new row; delete: of the deleted row
  uint32_t old_begin;  ///< update: first value of the old row; else equal to new_begin
};

/// A DDL to run downstream.
struct Ddl {
  schema::DdlEffect effect;
  std::string text;          ///< ddl_query of the binlog
  bool should_skip = false;  ///< only forget what is known of the tables downstream
  /// It goes before the rows that need it although its binlog comes later. Its commit ts is one of
  /// its own, right below theirs, but no progress: another transaction may have the same.
  bool is_early = false;
  DdlJobId job_id;
  std::optional<DdlClock> clock;  ///< for the rows that an added column finds
};

/// One upstream transaction, translated: either row changes in upstream order, or one DDL, or
/// nothing but progress. Owns everything that its values borrow from. Move only; one thread at a
/// time.
struct Txn {
  CommitTs commit_ts;
  StartTs start_ts;
  SchemaVersion schema_version;
  std::vector<std::shared_ptr<const schema::TableVersion>> tables;
  std::vector<RowChange> rows;
  std::vector<tidb::Value> values;
  std::unique_ptr<Ddl> ddl;  ///< null for rows
  /// Channels of the loopback marks that the rows carry on, rising; empty: made in our upstream.
  std::vector<int64_t> marks;
  /// Keeps the received buffer alive.
  std::optional<tidb::BinlogItem> item;
  /// The same for a transaction that was read back from a file or message.
  std::shared_ptr<const Bytes> message;

  bool is_ddl() const { return ddl != nullptr; }
  bool is_progress() const { return !ddl || !ddl->is_early; }
  /// When its binlog came from the pump; 0 where nobody has noted it.
  int64_t received_unix_ms() const { return item ? item->received_unix_ms() : 0; }
  /// Only progress: a fake binlog, or a transaction that was filtered away.
  bool is_empty() const { return rows.empty() && !ddl; }
  /// False for what files and messages leave out: pure progress, and a DDL that is not to be sent.
  /// A transaction whose rows were all filtered away still has a message.
  bool has_message() const { return ddl ? !ddl->should_skip : !tables.empty(); }

  const schema::TableVersion& table_of(const RowChange& row) const { return *tables[row.table]; }
  /// One value per column of the table's description.
  std::span<const tidb::Value> new_values(const RowChange& row) const {
    return {values.data() + row.new_begin, table_of(row).info->columns.size()};
  }
  std::span<const tidb::Value> old_values(const RowChange& row) const {
    return {values.data() + row.old_begin, table_of(row).info->columns.size()};
  }
  /// Memory that the transaction holds, for queue limits.
  size_t size_bytes() const {
    return sizeof(Txn) + (item ? item->size_bytes() : 0) + (message ? message->size() : 0) +
           values.size() * sizeof(tidb::Value) + rows.size() * sizeof(RowChange);
  }
};

}  // namespace drainer
