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
///
/// A RENAME before the start may tell where rows behind it belong (StaleNames): of pb files all DDL
/// is read when `has_early_ddl` is set.
class TxnSource {
 public:
  /// `options.may_overlap` is the format's; `options.has_early_ddl` is for pb files only.
  static Result<TxnSource> open(SourceOptions options, RecordFormat format, ZonePair zones);

  /// A table that exists behind what is applied.
  void add_known(const schema::TableName& name) { known_.add(name); }
  /// Up to there transactions have taken their effect on these tables; they come nevertheless.
  void set_applied(CommitTs applied) { applied_ = applied; }

  /// Nothing at the end. kCorrupt names file and offset.
  Result<std::optional<Txn>> next();

  RecordFormat format() const { return format_; }
  uint64_t bytes_read() const { return records_.bytes_read(); }
  uint64_t bytes_total() const { return records_.bytes_total(); }

 private:
  using Reader = std::variant<file::MessageReader, kafka::MessageReader>;
  TxnSource(RecordSource records, RecordFormat format, Reader reader, CommitTs start)
      : records_(std::move(records)), format_(format), reader_(std::move(reader)), start_(start) {}
  void complete(Txn& txn);

  RecordSource records_;
  RecordFormat format_;
  Reader reader_;
  CommitTs start_;
  CommitTs applied_{0};
  KnownTables past_;  ///< of what lies before the start or is applied, as far as it tells itself
  bool is_past_ = true;
  KnownTables known_;
};

}  // namespace drainer::relay
