#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"
#include "drainer/tidb/time_zone.h"
#include "drainer/tidb/value.h"
#include "syncer/txn.h"

namespace drainer {

// What the readers of pb files and of Kafka messages have in common: both describe their columns
// themselves, by names and `mysql_type`, and render most values as text.

/// A column as a file or message describes it. Borrows.
struct DescribedColumn {
  std::string_view name;
  std::string_view mysql_type;
  bool is_primary_key = false;
};

/// Table versions made of such descriptions, one for each different description. They know names
/// and types; not: defaults, which columns are generated, signs. One thread.
class DescribedTables {
 public:
  /// Of the table whose description has the bytes `identity`; null when it is new.
  std::shared_ptr<const schema::TableVersion> find(ByteView identity) const;
  /// kCorrupt for a type without a name.
  Result<std::shared_ptr<const schema::TableVersion>> add(ByteView identity, schema::TableName name,
                                                          std::span<const DescribedColumn> columns);

 private:
  std::unordered_map<std::string, std::shared_ptr<const schema::TableVersion>> tables_;
};

/// Adds row changes to a transaction, and their tables on first use. One thread.
class RowAppender {
 public:
  explicit RowAppender(Txn& txn) : txn_(txn) {}
  /// `old_row` only for updates; both have one value per column of `table`.
  void append(RowKind kind, const std::shared_ptr<const schema::TableVersion>& table,
              std::span<const tidb::Value> new_row, std::span<const tidb::Value> old_row);

 private:
  Txn& txn_;
  std::unordered_map<const schema::TableVersion*, uint32_t> tables_;
};

/// The zones of TIMESTAMP texts: as they were written, and as they are wanted.
struct ZonePair {
  tidb::TimeZone written;
  tidb::TimeZone wanted;
};

/// The value that stands for `text` in a column of `type`. Borrows the text.
tidb::Value value_of_text(ByteView text, const tidb::FieldType& type, const ZonePair& zones);

/// A DDL out of its text. `schema` is the database of the table it is about, `table` that table
/// where it is known: else it is taken from the text. The names that it touches are not found here.
Ddl ddl_of_text(std::string text, std::string_view schema, std::string_view table);

}  // namespace drainer
