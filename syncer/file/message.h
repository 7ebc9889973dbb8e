#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "drainer/base/result.h"
#include "drainer/base/reverse_writer.h"
#include "drainer/tidb/time_zone.h"
#include "syncer/txn.h"

namespace drainer::file {

/// Encodes transactions as the payload of the original's pb files, byte for byte (README.md;
/// spec/kafka-and-file-sinks.md 3.5, 3.6).
///
/// Remembers what is constant about each table. One thread.
class MessageWriter {
 public:
  /// TIMESTAMP defaults that the rows lack are rendered in `zone`, which must outlive the writer.
  explicit MessageWriter(const tidb::TimeZone& zone) : zone_(zone) {}

  /// Puts the payload of `txn` before what `out` holds. kCorrupt names table and column; `out` then
  /// holds rubbish.
  Result<void> put(ReverseWriter& out, const Txn& txn);

 private:
  struct Table {
    std::shared_ptr<const schema::TableVersion> version;
    Bytes head;                  ///< schema_name, table_name of an Event
    std::vector<Bytes> columns;  ///< name, tp, mysql_type of each column
  };

  const Table& table_of(const std::shared_ptr<const schema::TableVersion>& version);
  Result<void> put_events(ReverseWriter& out, const Txn& txn);
  Result<void> put_columns(ReverseWriter& out, const Txn& txn, const Table& table,
                           const RowChange& row);
  Result<void> put_value(ReverseWriter& out, uint8_t key, const tidb::Value& value);

  const tidb::TimeZone& zone_;
  std::unordered_map<const schema::TableVersion*, Table> tables_;
  std::string text_;  ///< reused for values that are rendered
};

/// `ddl_query` of a DDL on `schema`: with `use`, and a ';' behind each statement (3.6).
std::string ddl_query(std::string_view schema, std::string_view text);

/// The commit ts of a payload, as far as it can be read.
std::optional<CommitTs> find_commit_ts(ByteView payload);

}  // namespace drainer::file
