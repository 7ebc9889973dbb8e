#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/ids.h"
#include "drainer/base/rare.h"
#include "drainer/base/result.h"
#include "drainer/base/small_text.h"
#include "drainer/tidb/field_type.h"

namespace drainer::tidb {

/// State of a schema element (spec/schema-and-ddl.md 1.5).
enum class SchemaState : uint8_t {
  kNone = 0,
  kDeleteOnly = 1,
  kWriteOnly = 2,
  kWriteReorganization = 3,
  kDeleteReorganization = 4,
  kPublic = 5,
  kReplicaOnly = 6,
  kGlobalTxnOnly = 7,
};

/// The default of a BIT column, which TiDB stores as bytes beside a text that JSON may have
/// damaged.
struct BitDefault {
  Bytes bytes;
  friend bool operator==(const BitDefault&, const BitDefault&) = default;
};
/// A default as TiDB stores it in JSON: nothing, text (nearly always), number, bool or bits.
using DefaultValue = std::variant<std::monostate, std::string, double, bool, BitDefault>;

/// There are as many as there are columns upstream, so it is kept small.
struct ColumnInfo {
  ColumnId id;
  SmallText name;  ///< original spelling
  Rare<DefaultValue> origin_default;
  bool is_generated = false;
  bool is_stored = false;
  bool is_hidden = false;
  SchemaState state = SchemaState::kNone;
  FieldType type;

  /// Columns that rows carry to a SQL downstream: public and not generated.
  bool is_writable() const { return state == SchemaState::kPublic && !is_generated; }
};
static_assert(sizeof(ColumnInfo) <= 64);

struct IndexColumn {
  SmallText name;
  uint32_t offset = 0;  ///< into TableInfo::columns
  int64_t length = -1;  ///< prefix length in characters, -1 the whole column
};

struct IndexInfo {
  std::string name;
  bool is_unique = false;
  bool is_primary = false;
  SchemaState state = SchemaState::kNone;
  std::vector<IndexColumn> columns;
};

/// One version of a table's structure. Immutable once parsed; any thread.
struct TableInfo {
  TableId id;
  std::string name;                 ///< original spelling
  std::vector<ColumnInfo> columns;  ///< in offset order, also hidden and non-public ones
  std::vector<IndexInfo> indices;   ///< without the primary key when pk_is_handle
  bool pk_is_handle = false;
  bool is_common_handle = false;
  int64_t max_column_id = 0;
  std::vector<int64_t> partition_ids;
  bool is_view = false;
  bool is_sequence = false;
  bool has_checks = false;  ///< CHECK constraints that TiDB knows of; it may ignore those of a text

  /// Offset of the column with this id in `columns`, or -1.
  int32_t find_column(ColumnId column) const {
    const auto index = static_cast<uint64_t>(column.value);
    return index < offset_by_id.size() ? offset_by_id[index] : -1;
  }

  /// Index of the clustered primary key in `indices`; set when is_common_handle. -1 if none.
  int32_t handle_index = -1;
  /// By column id (ids are small and dense), -1 for holes; filled by index_columns().
  std::vector<int16_t> offset_by_id;
  /// Checks offsets and fills offset_by_id and handle_index; after parsing or editing by hand.
  Result<void> index_columns();
};

struct DbInfo {
  SchemaId id;
  std::string name;  ///< original spelling
};

/// Parses TiDB's JSON of a table or database as stored in TiKV (spec/schema-and-ddl.md 1.7–1.13).
/// kCorrupt names the document and the byte offset.
Result<TableInfo> parse_table_info(ByteView json);
/// The same, but only id, name, partition ids and whether it is a view or sequence: a tenth of the
/// cost. Columns and indices stay empty.
Result<TableInfo> parse_table_outline(ByteView json);
Result<DbInfo> parse_db_info(ByteView json);

}  // namespace drainer::tidb
