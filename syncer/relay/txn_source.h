#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "drainer/base/result.h"
#include "syncer/file/message_reader.h"
#include "syncer/kafka/message_reader.h"
#include "syncer/read_back.h"
#include "syncer/relay/known_tables.h"
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
  /// `options.may_overlap` is the format's.
  static Result<TxnSource> open(SourceOptions options, RecordFormat format, ZonePair zones);

  /// A table that exists at the start.
  void add_known(const schema::TableName& name) { known_.add(name); }

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
  KnownTables known_;
};

}  // namespace drainer::relay
