#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drainer/base/result.h"
#include "syncer/read_back.h"
#include "syncer/txn.h"

namespace drainer::kafka {

/// Reads the original's Kafka messages, which relay logs hold too, back into transactions
/// (README.md; spec/kafka-and-file-sinks.md 1).
///
/// What the messages do not hold is not known: schema versions are 0, all columns count as public.
/// A message that names its time zone (our relay logs) has its TIMESTAMPs in it, others in
/// `zones.written`. Our relay logs also hold the marks and the time of a DDL. One thread.
class MessageReader {
 public:
  explicit MessageReader(ZonePair zones) : default_zone_(zones.written), zones_(std::move(zones)) {}

  /// The transaction borrows from `payload` and keeps it alive. kCorrupt names commit ts, table and
  /// byte.
  Result<Txn> read(std::shared_ptr<const Bytes> payload);

 private:
  /// That of the message at hand; none: the default.
  Result<void> set_zone(std::string_view name);
  Result<void> read_tables(ByteView dml_data, Txn& txn);
  Result<void> read_table(ByteView message, RowAppender& rows);
  Result<void> read_mutation(ByteView message, const std::shared_ptr<const schema::TableVersion>&,
                             RowAppender& rows);
  Result<void> read_row(ByteView message, const tidb::TableInfo& info,
                        std::vector<tidb::Value>& out) const;

  const tidb::TimeZone default_zone_;  ///< of messages that name none
  ZonePair zones_;
  std::string zone_name_;  ///< that the last message with rows named; empty: none
  DescribedTables tables_;
  // Reused from table to table.
  std::string identity_;
  std::vector<ByteView> mutations_;
  std::vector<tidb::Value> new_row_;
  std::vector<tidb::Value> old_row_;
};

}  // namespace drainer::kafka
