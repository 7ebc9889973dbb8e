#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drainer/base/result.h"
#include "syncer/read_back.h"
#include "syncer/txn.h"

namespace drainer::file {

/// Reads the payloads of pb files back into transactions (README.md; kafka-and-file-sinks.md 3.5,
/// 3.6), ours and those of the original.
///
/// What the files do not hold is not known: schema versions are 0, an update carries only the
/// columns that can be written, a delete only those the row had. One thread.
class MessageReader {
 public:
  explicit MessageReader(ZonePair zones) : zones_(std::move(zones)) {}

  /// The transaction borrows from `payload` and keeps it alive. kCorrupt names commit ts, event and
  /// byte.
  Result<Txn> read(std::shared_ptr<const Bytes> payload);

 private:
  Result<void> read_events(ByteView dml_data, Txn& txn);
  Result<void> read_event(ByteView event, RowAppender& rows);
  Result<void> read_column(ByteView column);
  Result<void> add_row(RowKind kind, const schema::TableName& name, RowAppender& rows);

  struct Column {
    DescribedColumn description;
    ByteView value;
    ByteView changed_value;
  };

  const ZonePair zones_;
  DescribedTables tables_;
  // Reused from event to event.
  std::vector<Column> columns_;
  std::string identity_;
  std::vector<tidb::Value> new_row_;
  std::vector<tidb::Value> old_row_;
};

}  // namespace drainer::file
