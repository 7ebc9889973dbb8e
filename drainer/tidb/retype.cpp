#include "drainer/tidb/retype.h"

#include <fmt/ranges.h>

namespace drainer::tidb {
namespace {

std::string_view kind_name(ValueKind kind) {
  switch (kind) {
    case ValueKind::kInt:
      return "int";
    case ValueKind::kUint:
      return "uint";
    case ValueKind::kDouble:
      return "float";
    case ValueKind::kDecimal:
      return "decimal";
    case ValueKind::kDuration:
      return "duration";
    case ValueKind::kBinary:
      return "bytes";
    case ValueKind::kJson:
      return "json";
    default:
      return "other";
  }
}

}  // namespace

Error retype_fault(const Value& value, const ColumnInfo& column) {
  const FieldType& type = column.type;
  if (type.type == ColumnType::kSet && has_integer_payload(value)) {
    return make_error(ErrorCode::kCorrupt, "invalid number {} for Set [{}]",
                      value.u & ~set_mask(type), fmt::join(*type.elems, " "));
  }
  if (type.type == ColumnType::kBit && bit_width_bytes(type) == 0) {
    return make_error(ErrorCode::kCorrupt, "bit column {} of {} bits", column.name, type.flen);
  }
  return make_error(ErrorCode::kCorrupt, "{} datum in column {} of type {}", kind_name(value.kind),
                    column.name, static_cast<uint8_t>(type.type));
}

}  // namespace drainer::tidb
