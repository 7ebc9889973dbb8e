#include "drainer/tidb/row_v2.h"

#include "drainer/tidb/codec.h"
#include "drainer/tidb/decimal.h"
#include "drainer/tidb/json_binary.h"
#include "drainer/tidb/retype.h"

#include <cstring>

namespace drainer::tidb {
namespace {

constexpr uint8_t kFlagLarge = 1;
constexpr uint64_t kHeaderBytes = 6;

/// The parts of a v2 row, their lengths checked but for the single offsets.
struct Layout {
  bool is_large;
  uint32_t not_null_count;
  uint32_t null_count;
  const char* ids;
  const char* offsets;
  ByteView data;

  uint32_t id(uint32_t i) const {
    return is_large ? load_le32(ids + uint64_t{i} * 4) : static_cast<uint8_t>(ids[i]);
  }
  uint32_t end_of(uint32_t i) const {
    return is_large ? load_le32(offsets + uint64_t{i} * 4) : load_le16(offsets + uint64_t{i} * 2);
  }
  /// Index of a column id among the sorted ids from `first` to before `last`, or -1.
  int32_t find(int64_t wanted, uint32_t first, uint32_t last) const {
    while (first < last) {
      const uint32_t middle = first + (last - first) / 2;
      if (id(middle) == wanted) return static_cast<int32_t>(middle);
      if (id(middle) < wanted) {
        first = middle + 1;
      } else {
        last = middle;
      }
    }
    return -1;
  }
};

Error corrupt(std::string_view text) {
  return make_error(ErrorCode::kCorrupt, "row of format 2: {}", text);
}

Result<Layout> parse_layout(ByteView row) {
  if (row.size() < kHeaderBytes) return corrupt("header cut off");
  const bool is_large = (static_cast<uint8_t>(row[1]) & kFlagLarge) != 0;
  const uint32_t not_null_count = load_le16(row.data() + 2);
  const uint32_t null_count = load_le16(row.data() + 4);
  const uint64_t ids_size = uint64_t{not_null_count + null_count} * (is_large ? 4 : 1);
  const uint64_t offsets_size = uint64_t{not_null_count} * (is_large ? 4 : 2);
  const uint64_t head = kHeaderBytes + ids_size + offsets_size;
  if (row.size() < head) return corrupt("column list cut off");
  const char* const ids = row.data() + kHeaderBytes;
  return Layout{is_large, not_null_count, null_count, ids, ids + ids_size, row.substr(head)};
}

bool is_integer_size(size_t size) {
  return size == 1 || size == 2 || size == 4 || size == 8;
}

uint64_t load_uint(ByteView bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

int64_t load_int(ByteView bytes) {
  const auto unused_bits = static_cast<int>(64 - 8 * bytes.size());
  return static_cast<int64_t>(load_uint(bytes) << unused_bits) >> unused_bits;
}

/// The value as the datum codec would give it; false if malformed.
bool decode_value(ByteView bytes, const FieldType& type, Value& out) {
  switch (type.type) {
    case ColumnType::kTiny:
    case ColumnType::kShort:
    case ColumnType::kInt24:
    case ColumnType::kLong:
    case ColumnType::kLongLong:
    case ColumnType::kYear:
    case ColumnType::kDuration: {
      if (!is_integer_size(bytes.size())) return false;
      const bool is_unsigned = type.is_unsigned() && type.type != ColumnType::kYear &&
                               type.type != ColumnType::kDuration;
      out = is_unsigned ? Value::of_uint(load_uint(bytes)) : Value::of_int(load_int(bytes));
      return true;
    }
    case ColumnType::kDate:
    case ColumnType::kDatetime:
    case ColumnType::kTimestamp:
    case ColumnType::kEnum:
    case ColumnType::kSet:
    case ColumnType::kBit:
      if (!is_integer_size(bytes.size())) return false;
      out = Value::of_uint(load_uint(bytes));
      return true;
    case ColumnType::kFloat:
    case ColumnType::kDouble: {
      if (bytes.size() != 8) return false;
      out = Value::of_double(decode_ordered_double(load_be64(bytes.data())));
      return true;
    }
    case ColumnType::kNewDecimal: {
      if (bytes.size() < 3) return false;
      const uint32_t size =
          decimal_body_size(static_cast<uint8_t>(bytes[0]), static_cast<uint8_t>(bytes[1]));
      if (size == 0 || bytes.size() < 2 + size) return false;
      out = Value::of_bytes(bytes.substr(0, 2 + size), ValueKind::kDecimal);
      return true;
    }
    case ColumnType::kJson: {
      const uint64_t size = json_size(bytes);
      if (size == 0 || size > bytes.size()) return false;
      out = Value::of_bytes(bytes.substr(0, size), ValueKind::kJson);
      return true;
    }
    case ColumnType::kVarchar:
    case ColumnType::kVarString:
    case ColumnType::kString:
    case ColumnType::kTinyBlob:
    case ColumnType::kMediumBlob:
    case ColumnType::kLongBlob:
    case ColumnType::kBlob:
      out = Value::of_bytes(bytes, ValueKind::kBinary);
      return true;
    case ColumnType::kUnspecified:
    case ColumnType::kNull:
    case ColumnType::kNewDate:
    case ColumnType::kGeometry:
      break;
  }
  return false;
}

}  // namespace

Result<void> decode_row_v2(ByteView row, const TableInfo& table, std::span<Value> out) {
  ASSIGN_OR_RETURN(const Layout layout, parse_layout(row));
  const uint32_t id_count = layout.not_null_count + layout.null_count;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const ColumnInfo& column = table.columns[i];
    const int32_t index = layout.find(column.id.value, 0, layout.not_null_count);
    if (index < 0) {
      if (layout.find(column.id.value, layout.not_null_count, id_count) >= 0)
        out[i] = Value::null();
      continue;
    }
    const auto position = static_cast<uint32_t>(index);
    const uint32_t begin = position == 0 ? 0 : layout.end_of(position - 1);
    const uint32_t end = layout.end_of(position);
    if (begin > end || end > layout.data.size()) return corrupt("value out of bounds");
    Value value;
    if (!decode_value(layout.data.substr(begin, end - begin), column.type, value)) {
      return make_error(ErrorCode::kCorrupt, "row of format 2: malformed value of column {}",
                        column.name);
    }
    if (!retype(value, column.type)) return retype_fault(value, column);
    out[i] = value;
  }
  return {};
}

}  // namespace drainer::tidb
