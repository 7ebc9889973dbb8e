#pragma once

#include <string>
#include <vector>

#include "drainer/base/bytes.h"
#include "drainer/base/result.h"

namespace drainer::upstream {

/// Which table the row events after it speak of. Plain data.
struct TableMap {
  uint64_t number = 0;
  std::string schema;
  std::string table;
  std::vector<uint8_t> types;   ///< MariaDB's, one per column
  std::vector<uint16_t> metas;  ///< what the type leaves open
};

Result<TableMap> parse_table_map(ByteView body);

/// A row as TiDB datums, one per column.
using DatumRow = std::vector<Bytes>;

/// The rows of an event; for an update old and new ones in turn. `is_unsigned` has an element for
/// each column. kUnsupported for a column type that no test has needed.
Result<std::vector<DatumRow>> parse_rows(ByteView body, bool is_update, const TableMap& map,
                                         const std::vector<bool>& is_unsigned);

/// The number of the table map that a row event belongs to.
Result<uint64_t> table_number(ByteView body);

// Datums as TiDB writes them (drainer/tidb/README.md).

void append_int_datum(Bytes& out, int64_t value);
void append_uint_datum(Bytes& out, uint64_t value);
void append_bytes_datum(Bytes& out, ByteView value);
inline constexpr ByteView kNilDatum{"\0", 1};

}  // namespace drainer::upstream
