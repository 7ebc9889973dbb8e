#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "drainer/base/result.h"
#include "drainer/base/reverse_writer.h"
#include "drainer/tidb/time_zone.h"
#include "syncer/txn.h"

namespace drainer::kafka {

/// Encodes transactions as the original's Kafka payload, the "secondary binlog", byte for byte
/// (README.md; spec/kafka-and-file-sinks.md 1). The relay log holds the same messages.
///
/// Remembers what is constant about each table. One thread.
class MessageWriter {
 public:
  /// TIMESTAMP defaults that the rows lack are rendered in `zone`, which must outlive the writer.
  explicit MessageWriter(const tidb::TimeZone& zone) : zone_(zone) {}

  /// Puts the message of `txn` before what `out` holds. kCorrupt names table and column when a
  /// value does not fit its column; `out` then holds rubbish.
  Result<void> put(ReverseWriter& out, const Txn& txn);

 private:
  // Which field of a Column carries the values, and in which form.
  enum class Carrier : uint8_t {
    kInt64,
    kUint64,
    kDouble,
    kString,
    kBytes,
    kBit,
    kMask,  ///< enum, set: their number
    kText,  ///< string_value with the value's text
    kJson,  ///< bytes_value with the value's text
  };

  struct Table {
    std::shared_ptr<const schema::TableVersion> version;
    Bytes head;  ///< schema_name, table_name, column_info
    Bytes tail;  ///< unique_keys
    std::vector<Carrier> carriers;
  };

  // A row on its way out, with what its missing values depend on.
  struct RowView {
    const Table& table;
    RowKind kind;
    SchemaVersion writer;
    std::span<const tidb::Value> values;
  };

  const Table& table_of(const std::shared_ptr<const schema::TableVersion>& version);
  static Carrier carrier_of(const tidb::ColumnInfo& column);
  void put_ddl(ReverseWriter& out, const Txn& txn);
  Result<void> put_dml(ReverseWriter& out, const Txn& txn);
  Result<void> put_row(ReverseWriter& out, uint8_t key, const RowView& row);
  Result<void> put_column(ReverseWriter& out, const RowView& row, size_t column);
  Result<void> put_value(ReverseWriter& out, Carrier carrier, const tidb::Value& value);

  const tidb::TimeZone& zone_;
  std::unordered_map<const schema::TableVersion*, Table> tables_;
  std::string text_;  ///< reused for values that are rendered
};

/// The commit ts of a message, as far as it can be read.
std::optional<CommitTs> find_commit_ts(ByteView message);

}  // namespace drainer::kafka
