#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "drainer/base/result.h"
#include "syncer/file/message_reader.h"
#include "syncer/kafka/message_reader.h"
#include "syncer/read_back.h"
#include "syncer/relay/record_source.h"
#include "syncer/txn.h"

namespace drainer::relay {

/// What the records of a file hold.
enum class RecordFormat : uint8_t {
  kDetect,  ///< found out from the first record that can only be one of the two
  kFile,    ///< pb files
  kRelay,   ///< relay logs: Kafka messages
};

/// Transactions read back from pb files or a relay log, commit ts rising. One thread.
class TxnSource {
 public:
  static Result<TxnSource> open(const SourceOptions& options, RecordFormat format, ZonePair zones);

  /// Nothing at the end. kCorrupt names file and offset.
  Result<std::optional<Txn>> next();

  RecordFormat format() const { return format_; }
  uint64_t bytes_read() const { return records_.bytes_read(); }
  uint64_t bytes_total() const { return records_.bytes_total(); }

 private:
  using Reader = std::variant<file::MessageReader, kafka::MessageReader>;
  TxnSource(RecordSource records, RecordFormat format, Reader reader)
      : records_(std::move(records)), format_(format), reader_(std::move(reader)) {}

  RecordSource records_;
  RecordFormat format_;
  Reader reader_;
  /// Which of the tables in its text a DROP of several drops.
  std::unordered_map<CommitTs, schema::TableName> dropped_;
};

/// TiDB logs a DROP of several tables as one job, with the whole text, per table that existed. Pb
/// files do not say which job is whose: they come in the order of the text. `ddls` are all of a
/// stream, in order. Of a group with fewer jobs than tables the last drops all that is left, and
/// has an empty `table` here. Pure.
struct LoggedDdl {
  CommitTs commit_ts;
  std::string schema;
  std::string text;
};
std::unordered_map<CommitTs, schema::TableName> find_dropped_tables(
    const std::vector<LoggedDdl>& ddls);

}  // namespace drainer::relay
