// Rows of any bytes, with a table description taken from the input too. Every value must lie in the
// row or the table and have a text or an error.

#include "drainer/base/check.h"
#include "drainer/tidb/default_value.h"
#include "drainer/tidb/row.h"
#include "drainer/tidb/time.h"
#include "drainer/tidb/time_zone.h"
#include "drainer/tidb/value_text.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

using namespace drainer;
using namespace drainer::tidb;

namespace {

constexpr ColumnType kTypes[] = {
    ColumnType::kUnspecified, ColumnType::kTiny,      ColumnType::kShort,
    ColumnType::kLong,        ColumnType::kFloat,     ColumnType::kDouble,
    ColumnType::kNull,        ColumnType::kTimestamp, ColumnType::kLongLong,
    ColumnType::kInt24,       ColumnType::kDate,      ColumnType::kDuration,
    ColumnType::kDatetime,    ColumnType::kYear,      ColumnType::kNewDate,
    ColumnType::kVarchar,     ColumnType::kBit,       ColumnType::kJson,
    ColumnType::kNewDecimal,  ColumnType::kEnum,      ColumnType::kSet,
    ColumnType::kTinyBlob,    ColumnType::kBlob,      ColumnType::kVarString,
    ColumnType::kString,      ColumnType::kGeometry};

/// Takes the description's numbers off the front of the input; zeros when it has run out.
class Source {
 public:
  explicit Source(ByteView bytes) : left_(bytes) {}
  uint8_t next() {
    if (left_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(left_.front());
    left_.remove_prefix(1);
    return byte;
  }
  ByteView rest() const { return left_; }

 private:
  ByteView left_;
};

ColumnInfo make_column(Source& source, int64_t id) {
  ColumnInfo column;
  column.id = ColumnId(id);
  column.name = "c";
  const uint8_t bits = source.next();
  column.type.type = kTypes[source.next() % std::size(kTypes)];
  column.type.flags = (bits & 1 ? kFlagUnsigned : 0) | (bits & 2 ? kFlagPrimaryKey : 0) |
                      (bits & 4 ? kFlagNotNull : 0);
  column.type.charset = bits & 8 ? "binary" : "utf8mb4";
  column.is_generated = (bits & 0x30) == 0x30;
  column.state = (bits & 0xc0) == 0xc0 ? SchemaState::kWriteOnly : SchemaState::kPublic;
  const uint8_t numbers = source.next();
  column.type.flen = numbers % 80 - 2;
  column.type.decimal = static_cast<int16_t>(numbers % 9 - 1);
  if (column.type.type == ColumnType::kEnum || column.type.type == ColumnType::kSet) {
    column.type.elems = std::vector<std::string>(numbers % 70, "m");
  }
  if (numbers % 5 == 0) column.origin_default = DefaultValue("2020-01-01 00:00:00.5");
  if (numbers % 5 == 1) column.origin_default = DefaultValue("m,m");
  if (numbers % 5 == 2) column.origin_default = DefaultValue(BitDefault{"\x01\x02"});
  return column;
}

TableInfo make_table(Source& source) {
  TableInfo table;
  const uint8_t shape = source.next();
  const int64_t columns = 1 + shape % 8;
  for (int64_t i = 0; i < columns; ++i) {
    // Ids from 1 on, with a jump into those of two bytes.
    table.columns.push_back(make_column(source, i < 5 ? i + 1 : i + 300));
    const auto id = static_cast<size_t>(table.columns.back().id.value);
    table.offset_by_id.resize(id + 1, -1);
    table.offset_by_id[id] = static_cast<int16_t>(i);
  }
  table.pk_is_handle = (shape & 0x10) != 0;
  table.is_common_handle = (shape & 0x60) == 0x60;
  if (table.is_common_handle && (shape & 0x80) == 0) {
    IndexInfo index;
    index.is_primary = true;
    for (uint8_t left = source.next() % 4; left > 0; --left) {
      const uint8_t part = source.next();
      index.columns.push_back({.name = "",
                               .offset = part % static_cast<uint32_t>(columns),
                               .length = part & 0x80 ? 3 : -1});
    }
    table.indices.push_back(index);
    table.handle_index = 0;
  }
  return table;
}

bool lies_in(const Value& value, ByteView row) {
  switch (value.kind) {
    case ValueKind::kDecimal:
    case ValueKind::kString:
    case ValueKind::kBinary:
    case ValueKind::kJson:
      return value.data >= row.data() && value.size <= row.size() &&
             value.data + value.size <= row.data() + row.size();
    default:
      return value.kind != ValueKind::kText;
  }
}

void use(const std::vector<Value>& values, ByteView row, const TimeZone& zone) {
  std::string text;
  for (const Value& value : values) {
    CHECK(lies_in(value, row), "value outside of its row");
    const size_t before = text.size();
    const auto appended = append_text(text, value);
    CHECK(appended.ok() || text.size() == before, "text left by a failure");
    if (value.kind == ValueKind::kTimestampUtc) {
      const auto local = zone.to_local(value.u);
      if (local.ok()) CHECK(*local == 0 || unpack_time(*local).is_real(), "no real local time");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TimeZone zone = TimeZone::load("America/New_York").value();
  Source source({reinterpret_cast<const char*>(data), size});
  const TableInfo table = make_table(source);
  const ByteView row = source.rest();
  std::vector<Value> values(table.columns.size());
  std::vector<Value> old_values(table.columns.size());
  if (decode_insert_row(row, table, values).ok()) use(values, row, zone);
  if (decode_delete_row(row, table, values).ok()) use(values, row, zone);
  if (decode_update_row(row, table, old_values, values).ok()) {
    use(old_values, row, zone);
    use(values, row, zone);
    for (size_t i = 0; i < values.size(); ++i) {
      CHECK(values[i].is_absent() == old_values[i].is_absent(), "column {} in one image only", i);
      CHECK(values[i].is_absent() || table.columns[i].is_writable(), "column {} not writable", i);
    }
  }
  for (const ColumnInfo& column : table.columns) {
    std::string text;
    const auto value = default_value(column, column);
    if (value.ok()) CHECK(append_text(text, *value).ok(), "default without text");
  }
  return 0;
}
