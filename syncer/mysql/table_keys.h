#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/base/mutex.h"
#include "drainer/base/result.h"
#include "drainer/schema/schema.h"
#include "syncer/mysql/session.h"

namespace drainer::mysql {

/// How a downstream column is compared in a WHERE (spec/mysql-sink.md 6.4).
enum class ColumnClass : uint8_t {
  kPlain,       ///< integers, YEAR, BIT, ENUM, SET
  kFloat,       ///< single precision
  kDouble,      ///< double precision
  kDecimal,     ///< exact numbers
  kTime,        ///< DATE, TIME, DATETIME, TIMESTAMP
  kChar,        ///< CHAR: stored without trailing blanks
  kText,        ///< VARCHAR and the TEXT family
  kFixedBytes,  ///< BINARY(n): stored padded with zero bytes
  kBytes,       ///< VARBINARY and the BLOB family
  kJson,        ///< JSON as a type of its own (MySQL, TiDB); MariaDB's JSON is kText
  kOther,       ///< anything newer
};

struct DownstreamColumn {
  std::string name;
  ColumnClass column_class = ColumnClass::kOther;
  bool is_generated = false;
  bool is_nullable = true;
  bool is_indexed = false;    ///< first column of some index
  bool is_unicode = false;    ///< utf8mb4, utf8mb3 or ascii: its bytes are UTF-8
  uint32_t octet_length = 0;  ///< of kFixedBytes
  /// Digits after the point that it keeps; nothing for DATE, FLOAT and DOUBLE.
  std::optional<uint32_t> scale{};
  /// Texts are equal only when their bytes are (but for trailing blanks).
  bool is_binary_collation = false;
  /// Texts of other letters may be equal, as "ssz" and "szsz" in Hungarian (MySQL 8), "c" and "ch"
  /// in Lithuanian, "m" and "n" in macce; or nobody has looked.
  bool has_unknown_equals = false;
};

/// A unique index. `columns` are positions in TableDescription::columns, in index order.
struct UniqueKey {
  std::string name;
  std::vector<uint32_t> columns{};
  std::vector<uint32_t> prefix_lengths{};  ///< SUB_PART per column, 0 for the whole column
  /// Holds an expression or a generated column: good for conflicts only, not for a WHERE.
  bool is_opaque = false;
};

/// A reference to another table. `columns` are positions in TableDescription::columns.
struct DownstreamForeignKey {
  std::string name;
  schema::TableName parent;
  std::vector<uint32_t> columns{};
  std::vector<std::string> parent_columns{};  ///< one per column
};

/// A table as the downstream has it. Immutable once read; any thread.
struct TableDescription {
  std::vector<DownstreamColumn> columns;  ///< in table order
  std::vector<UniqueKey> unique_keys;     ///< PRIMARY first
  std::vector<DownstreamForeignKey> foreign_keys;
  bool has_triggers = false;
  /// There are some, or they could not be looked for.
  bool may_have_triggers = false;

  /// Position of the column called `name`, whatever the case of its letters, or -1.
  int32_t find_column(std::string_view name) const;
};

/// Builds a description from the rows of the two queries of 2.4 and one for foreign keys (in the
/// column order used here); pure, for tests. Empty `columns` give an empty description.
TableDescription describe(const std::vector<ResultRow>& columns,
                          const std::vector<ResultRow>& statistics,
                          const std::vector<ResultRow>& references = {});

/// Caches of tables begin anew when they hold this many columns: about 20 MB.
inline constexpr size_t kCachedColumnsMax = 200'000;

/// Descriptions of downstream tables, read on first use, for all threads of a sink. Any thread.
///
/// Nobody may ask for a table while a DDL on it runs; whoever has run the DDL evicts it.
class TableKeys {
 public:
  /// `sees_triggers` false: every table may have triggers.
  explicit TableKeys(bool sees_triggers = true) : sees_triggers_(sees_triggers) {}

  using Description = std::shared_ptr<const TableDescription>;

  /// From the cache, else from the server. kNotFound "table not exist" when there is no such table.
  Result<Description> find(Session& session, const schema::TableName& name) EXCLUDES(mutex_);
  /// Reads those that are not in the cache with a few queries for all of a database. What does not
  /// exist is left out.
  Result<void> read_ahead(Session& session, std::span<const schema::TableName> names)
      EXCLUDES(mutex_);
  /// Forgets one table, with an empty `table` all tables of the database, and what refers to them
  /// by foreign keys: they may have another name now.
  void evict(const schema::TableName& name) EXCLUDES(mutex_);
  void clear() EXCLUDES(mutex_);
  /// Rises with each evict() and clear(): what was made of descriptions before may be outdated.
  uint64_t generation() const EXCLUDES(mutex_);

 private:
  using Key = std::pair<std::string, std::string>;  ///< folded schema and table
  static Key key_of(const schema::TableName& name);
  /// Unless something has been evicted since `generation`, perhaps this one: the next reader asks
  /// again.
  void keep(Key key, Description table, uint64_t generation) EXCLUDES(mutex_);

  const bool sees_triggers_;
  mutable Mutex mutex_;
  std::map<Key, Description> tables_ GUARDED_BY(mutex_);
  size_t columns_ GUARDED_BY(mutex_) = 0;  ///< of tables_, about
  uint64_t generation_ GUARDED_BY(mutex_) = 0;
};

}  // namespace drainer::mysql
