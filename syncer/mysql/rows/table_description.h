#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drainer/schema/schema.h"
#include "syncer/mysql/session/session.h"

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

/// What describe() reads, in this order: columns of information_schema.columns, statistics and
/// key_column_usage.
inline constexpr std::string_view kColumnFields =
    "column_name, extra, data_type, character_set_name, character_octet_length, "
    "collation_name, is_nullable, datetime_precision, numeric_scale";
inline constexpr std::string_view kStatisticsFields =
    "non_unique, index_name, seq_in_index, column_name, sub_part";
inline constexpr std::string_view kReferenceFields =
    "constraint_name, column_name, referenced_table_schema, referenced_table_name, "
    "referenced_column_name";

/// Builds a description from the rows of the queries (spec/mysql-sink.md 2.4), one per table of the
/// fields above. Pure. Empty `columns` give an empty description.
TableDescription describe(const std::vector<ResultRow>& columns,
                          const std::vector<ResultRow>& statistics,
                          const std::vector<ResultRow>& references = {});

}  // namespace drainer::mysql
